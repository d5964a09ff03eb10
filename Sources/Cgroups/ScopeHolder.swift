internal import LinuxSystem

/// A process that does nothing: a scope of systemd begins with a process and ends with its last one, so this one holds
/// it from then until the container's first process is born in it.
/// - SeeAlso: systemd.scope(5)
struct ScopeHolder: ~Copyable {
    private let child: Child

    /// Makes the process; it does not outlive the caller.
    static func start() throws(SyscallError) -> ScopeHolder {
        let outcome = try cloneProcess()
        switch consume outcome {
        case .child: wait()
        case .parent(let child): return ScopeHolder(child)
        }
    }

    private init(_ child: consuming Child) {
        self.child = child
    }

    /// Its number.
    var pid: ProcessID { child.pid }

    /// The descriptor, for a child that must not keep it.
    var descriptor: BorrowedFD { child.pidfd.borrowed }

    private static func wait() -> Never {
        bestEffort("without it an orphan waits until somebody ends the scope") { () throws(SyscallError) in
            try processControl(.setParentDeathSignal, 9)
        }
        while true { Clock.sleep(nanoseconds: 3_600_000_000_000) }
    }

    deinit {
        let view = child.pidfd.borrowed
        bestEffort("it may have been killed with the cgroup") { () throws(SyscallError) in
            try view.sendSignal(9)
        }
        bestEffort("it may have been taken away already") { () throws(SyscallError) in
            try waitForExit(of: .pidfd(view))
        }
    }
}
