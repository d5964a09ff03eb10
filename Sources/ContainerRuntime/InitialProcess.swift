import ContainerInit
import LinuxSystem

/// Init, or a process of `exec`, as the runtime sees it until the program runs.
struct InitialProcess: ~Copyable {
    let child: Child
    let channel: SyncChannel
}

extension InitialProcess {
    func send(_ record: SyncRecord) throws(LaunchFailure) {
        do throws(StepError) {
            try answer(record)
        } catch {
            throw LaunchFailure(error)
        }
    }

    func answer(_ record: SyncRecord) throws(StepError) {
        do throws(SyscallError) {
            try channel.send(record)
        } catch {
            // Init has died: what it said last explains more than our broken pipe.
            guard error.errno == .EPIPE || error.errno == .ECONNRESET else {
                throw StepError("talk to init", error)
            }
        }
    }

    func receive() throws(LaunchFailure) -> ReceivedRecord {
        do throws(SyscallError) {
            return try channel.receive()
        } catch {
            throw LaunchFailure(StepError("talk to init", error))
        }
    }

    /// The other end is closed though more was expected: how init ended.
    func explainDeath(awaiting record: String) -> StepError {
        var text = "init ended before '\(record)'"
        bestEffort("the text without it is true too") { () throws(SyscallError) in
            switch try waitForExit(of: .pidfd(child.pidfd.borrowed))?.exit {
            case .signaled(let number): text += ", by \(SignalName.name(number))"
            case .exited(let code): text += ", with exit code \(code)"
            case nil: break
            }
        }
        return StepError("start init", refused: text, code: .initDied)
    }

    /// Ends the process and takes it away.
    func end() {
        let view = child.pidfd.borrowed
        bestEffort("it may have ended by itself") { () throws(SyscallError) in try view.sendSignal(9) }
        bestEffort("it may have been taken away already") { () throws(SyscallError) in
            try waitForExit(of: .pidfd(view))
        }
    }
}

/// Runs a step whose failure ends a launch.
func asLaunch<Result: ~Copyable>(_ body: () throws(StepError) -> Result) throws(LaunchFailure) -> Result {
    do throws(StepError) {
        return try body()
    } catch {
        throw LaunchFailure(error)
    }
}

extension SyncProtocol {
    /// What a record asks for; a record out of order ends the launch.
    mutating func nextAction(_ record: SyncRecord) throws(LaunchFailure) -> Action {
        do throws(StepError) {
            return try next(record)
        } catch {
            throw LaunchFailure(error)
        }
    }
}
