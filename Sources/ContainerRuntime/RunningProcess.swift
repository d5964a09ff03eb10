import ContainerInit
package import LinuxSystem

/// A program in a container whose process is a child of this one: the container's first, or one of `exec`.
package struct RunningProcess: ~Copyable {
    let initial: InitialProcess
    private var primary: OwnedFD?

    init(initial: consuming InitialProcess, primary: consuming OwnedFD?) {
        self.initial = initial
        self.primary = primary
    }

    /// Process id, as this process sees it.
    package var pid: ProcessID { initial.child.pid }
    /// Becomes readable when the process has ended.
    package var pidfd: BorrowedFD { initial.child.pidfd.borrowed }

    /// Takes the primary side of the terminal, when the caller asked for it; `stay` then relays nothing.
    package mutating func takePrimary() -> OwnedFD? { primary.take() }

    /// Waits for the end of the program, passing signals on and relaying the terminal.
    package mutating func stay(notify: consuming NotifySocket? = nil) throws(StepError) -> WaitResult {
        var monitor = try ForegroundMonitor.begin(primary: primary.take(), notify: notify)
        return try monitor.wait(for: initial.child)
    }

    /// Waits for the end of the program, and only that.
    package func wait() throws(StepError) -> WaitResult {
        let result = try during("wait for the container") { () throws(SyscallError) in
            try waitForExit(of: .pidfd(initial.child.pidfd.borrowed))
        }
        guard let result else { throw StepError("wait for the container", refused: "it did not end") }
        return result
    }
}
