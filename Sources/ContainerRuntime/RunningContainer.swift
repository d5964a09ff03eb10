package import ContainerInit
package import LinuxSystem

/// A container that this process has made and stays with: created, then started, then waited for.
package struct RunningContainer: ~Copyable {
    /// The container, for the other verbs.
    package let container: Container
    private let initial: InitialProcess
    /// The primary side of its terminal, when the caller asked for it.
    package var primary: OwnedFD?
    private var isStarted: Bool

    init(
        container: Container, initial: consuming InitialProcess, primary: consuming OwnedFD?, isStarted: Bool
    ) {
        self.container = container
        self.initial = initial
        self.primary = primary
        self.isStarted = isStarted
    }

    /// Process id of its first process, as this process sees it.
    package var pid: ProcessID { initial.child.pid }
    /// Becomes readable when the first process has ended.
    package var pidfd: BorrowedFD { initial.child.pidfd.borrowed }

    /// Starts the program and returns once it runs; poststart hooks have run then. A failure to execute it ends the
    /// container, which the caller then deletes.
    package mutating func start() throws(LaunchFailure) {
        if !isStarted {
            do throws(SyscallError) {
                try initial.channel.send(.start)
            } catch {
                throw LaunchFailure(StepError("start the container", error))
            }
            isStarted = true
        }
        try initial.channel.waitForProgram()
        try container.runPoststartHooks()
    }

    /// Waits for the end of the program, relaying signals and the terminal.
    package mutating func stay() throws(StepError) -> WaitResult {
        var monitor = try ForegroundMonitor.begin(primary: primary.take())
        return try monitor.wait(for: initial.child)
    }

    /// Waits for the end of the program.
    package func wait() throws(StepError) -> WaitResult {
        let result = try during("wait for the container") { () throws(SyscallError) in
            try waitForExit(of: .pidfd(initial.child.pidfd.borrowed))
        }
        guard let result else { throw StepError("wait for the container", refused: "it did not end") }
        return result
    }
}

extension SyncChannel {
    /// Waits until the other end closes, which exec does; a failure that comes first is thrown.
    func waitForProgram() throws(LaunchFailure) {
        while true {
            let answer: ReceivedRecord
            do throws(SyscallError) {
                answer = try receive()
            } catch {
                throw LaunchFailure(StepError("wait for the program", error))
            }
            switch answer.content {
            case .closed: return
            case .record(.failed(let failure)): throw failure
            case .record: continue
            case .unreadable:
                throw LaunchFailure(StepError("wait for the program", refused: "init sent what is no record"))
            }
        }
    }
}
