package import ContainerInit
package import LinuxSystem

/// A container that this process has made and stays with: created, then started, then waited for.
package struct RunningContainer: ~Copyable {
    /// The container, for the other verbs.
    package let container: Container
    /// Its first process.
    package var process: RunningProcess
    private var isStarted: Bool

    init(container: Container, process: consuming RunningProcess, isStarted: Bool) {
        self.container = container
        self.process = process
        self.isStarted = isStarted
    }

    /// Process id of the first process, as this process sees it.
    package var pid: ProcessID { process.pid }
    /// Becomes readable when the first process has ended.
    package var pidfd: BorrowedFD { process.pidfd }

    /// Starts the program and returns once it runs; poststart hooks have run then. A failure to execute it ends the
    /// container, which the caller then deletes.
    package mutating func start() throws(LaunchFailure) {
        if !isStarted {
            isStarted = true
            do throws(SyscallError) {
                try process.initial.channel.send(.start)
            } catch {
                throw LaunchFailure(StepError("start the container", error))
            }
        }
        try process.initial.channel.waitForProgram(of: process.pid)
        container.noteStart()
        try container.runPoststartHooks()
    }

    /// Waits for the end of the program, passing signals on, relaying the terminal, and telling the supervisor what the
    /// program says of itself.
    package mutating func stay(notify: consuming NotifySocket? = nil) throws(StepError) -> WaitResult {
        try process.stay(notify: notify)
    }

    /// Waits until the program says that it is ready, or has ended.
    package func waitUntilReady(_ notify: borrowing NotifySocket) throws(StepError) {
        try during("take signals again") { () throws(SyscallError) in try setSignalMask(.none) }
        try notify.waitUntilReady(pidfd: process.pidfd, process: process.pid)
    }

    /// Waits for the end of the program, and only that.
    package func wait() throws(StepError) -> WaitResult { try process.wait() }

    /// Takes the primary side of the terminal, when the caller asked for it.
    package mutating func takePrimary() -> OwnedFD? { process.takePrimary() }
}

extension SyncChannel {
    /// Waits until the other end closes, which exec does; a failure that comes first is thrown.
    func waitForProgram(of process: ProcessID) throws(LaunchFailure) {
        while true {
            let answer: ReceivedRecord
            do throws(SyscallError) {
                answer = try receive()
            } catch {
                throw LaunchFailure(StepError("wait for the program", error))
            }
            switch answer.content {
            case .closed: return Trace.mark("wait for the program")
            case .record(.trace(let text)): Trace.adopt(text, from: process)
            case .record(.failed(let failure)): throw failure
            case .record: continue
            case .unreadable:
                throw LaunchFailure(StepError("wait for the program", refused: "init sent what is no record"))
            }
        }
    }
}
