internal import ContainerInit
internal import ContainerRuntime
internal import JSONCoding
internal import LinuxSystem
internal import Rootfs
internal import RuntimeSpec

/// A program that runs, as the creator hands it to the monitor.
struct LaunchedProgram {
    let pid: ProcessID
    let outcome: RunOutcome
    let streams: MonitorStreams

    init(pid: ProcessID, outcome: RunOutcome, streams: MonitorStreams) {
        self.pid = pid
        self.outcome = outcome
        self.streams = streams
    }
}

/// Makes the container in a process of its own, which ends when the program runs: what it needed of memory goes with
/// it, and the program becomes the child of the monitor.
struct ProgramCreator {
    let options: MonitorProcess.Options
    let record: ContainerRecord
    /// The container's folder as a host path.
    let path: Path

    /// Creates and starts. The root file system is descriptor `MonitorProcess.rootNumber`.
    func launch() throws(LaunchFailure) -> LaunchedProgram {
        let answer: (message: MonitorMessage?, primary: Int32?)
        var streams: StreamEnds
        do throws(SyscallError) {
            streams = try StreamEnds(hasTerminal: record.hasTerminal, keepsInput: record.keepsInputOpen)
            answer = try runCreator(streams)
            streams.closeContainerSide()
        } catch {
            throw LaunchFailure(StepError("start the container", error))
        }
        switch answer.message {
        case .started(let pid):
            do throws(SyscallError) {
                if let pipes = try streams.monitorSide() {
                    return LaunchedProgram(pid: pid, outcome: RunOutcome.begin(), streams: pipes)
                }
                guard let primary = answer.primary else { throw SyscallError(.receiveMessage, .EBADF) }
                let terminal = try MonitorStreams(primary: OwnedFD(adopting: primary))
                return LaunchedProgram(pid: pid, outcome: RunOutcome.begin(), streams: terminal)
            } catch {
                throw LaunchFailure(StepError("take the container's streams", error))
            }
        case .failed(let failure): throw failure
        default:
            throw LaunchFailure(StepError("start the container", refused: "the creating process was ended"))
        }
    }

    /// Runs the creator to its end and gives what it said last.
    private func runCreator(
        _ streams: StreamEnds
    ) throws(SyscallError) -> (message: MonitorMessage?, primary: Int32?) {
        let ends = try SequencedSocket.pair().ends()
        let own = OwnedFD(adopting: ends.first)
        let outcome = try cloneProcess()
        switch consume outcome {
        case .child:
            creator(streams, answer: BorrowedFD(rawValue: ends.second))
        case .parent(let child):
            try OwnedFD(adopting: ends.second).close()
            var received = try own.borrowed.receiveMessage(max: MonitorMessage.sizeLimit)
            try waitForExit(of: .pidfd(child.pidfd.borrowed))
            return (MonitorMessage(received.bytes), received.descriptor.take()?.release())
        }
    }

    private func creator(_ streams: StreamEnds, answer: BorrowedFD) -> Never {
        var message: MonitorMessage
        var descriptors: [BorrowedFD] = []
        do throws(LaunchFailure) {
            var running = try Launch.run(
                try request(streams), in: StateStore(root: options.home.state),
                rootTree: MountTree(adopting: OwnedFD(adopting: MonitorProcess.rootNumber)))
            let primary: SharedFD? = if let taken = running.takePrimary() { SharedFD(taken) } else { nil }
            if let primary { descriptors = [primary.borrowed] }
            do throws(LaunchFailure) {
                try running.start()
                message = .started(running.pid)
            } catch {
                descriptors = []
                message = failed(
                    error.noting { () throws(StepError) in try running.container.delete(force: true) })
            }
            bestEffort("the monitor may have been killed") { () throws(SyscallError) in
                try answer.sendMessage(message.bytes, descriptors: descriptors)
            }
        } catch {
            message = failed(error)
            bestEffort("the monitor may have been killed") { () throws(SyscallError) in
                try answer.send(message)
            }
        }
        exitProcess(0)
    }

    private func failed(_ failure: LaunchFailure) -> MonitorMessage {
        .failed(LaunchFailure(failure.error, exitCode: failure.exitCode == 1 ? 125 : failure.exitCode))
    }

    private func request(_ streams: StreamEnds) throws(LaunchFailure) -> CreateRequest {
        do throws(StepError) {
            let text = try during("read the configuration of \(record.name)") { () throws(SyscallError) in
                try readFile(path.appending(ContainerFile.configuration), limit: 16 << 20, sizeHint: 65_536)
            }
            let spec: RuntimeSpec
            do throws(JSONError) {
                spec = try RuntimeSpec(json: text)
            } catch {
                throw StepError(
                    "read the configuration of \(record.name)", refused: error.description,
                    code: .stateDamaged)
            }
            var request = CreateRequest(id: try ContainerID(record.id), source: .spec(spec, directory: path))
            request.console = record.hasTerminal ? .caller : .none
            request.stdio = streams.containerSide
            request.usesCgroups = options.usesCgroups
            request.receipt = record.receiptFile.map { Path($0) }
            request.keepsAccount = true
            request.windowSize = options.window
            return request
        } catch {
            throw LaunchFailure(error)
        }
    }
}

extension LaunchFailure {
    /// The same failure with a note when undoing fails, too.
    fileprivate func noting(_ undo: () throws(StepError) -> Void) -> LaunchFailure {
        var error = error
        if let second = bestEffort("the first failure counts", undo) {
            error.notes.append(second.description)
        }
        return LaunchFailure(error, exitCode: exitCode)
    }
}
