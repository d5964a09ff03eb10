import CLinux

/// A network namespace that another process makes while the caller goes on. Making one takes the kernel longer than
/// all other kinds together, so the caller begins early and ends when it needs it.
///
/// The process shares the caller's memory and descriptors, runs a few system calls of its own and ends by itself. The
/// namespace belongs to the user namespace of the caller, as if the caller had made it.
/// - SeeAlso: clone(2) CLONE_VM, unshare(2), network_namespaces(7)
package struct NetworkMaker: ~Copyable {
    private let pidfd: Int32

    /// Whether another processor has nothing to do. Otherwise the namespace would come later, not sooner.
    /// - SeeAlso: proc_loadavg(5)
    package static var isWorthwhile: Bool { cl_has_idle_processor() != 0 }

    /// Whether a configuration, unread yet, looks as if it asked for a new network namespace that belongs to the caller's
    /// user namespace. A guess: whoever begins because of it must see what the configuration says.
    package static func seemsWanted(by configuration: [UInt8]) -> Bool {
        // SAFETY: the text is only looked at during the call.
        unsafe configuration.withUnsafeBytes { unsafe cl_seems_to_want_network($0.baseAddress, $0.count) }
            != 0
    }

    /// Begins; at most one at a time.
    package static func begin() throws(SyscallError) -> NetworkMaker {
        var pidfd: Int32 = -1
        // SAFETY: the kernel stores the descriptor before the call returns; the process uses only memory of its own.
        try check(.clone3, on: "a network namespace", unsafe cl_network_begin(&pidfd))
        return NetworkMaker(pidfd: pidfd)
    }

    /// Waits for the namespace, whose loopback interface is up where that could be done. Nil when there is none: who
    /// then makes one in the usual way learns why.
    package consuming func end() -> OwnedFD? {
        let process = OwnedFD(adopting: pidfd)
        discard self
        let file = cl_network_end(process.borrowed.rawValue)
        return file < 0 ? nil : OwnedFD(adopting: Int32(file))
    }

    deinit {
        let process = OwnedFD(adopting: pidfd)
        let file = cl_network_end(process.borrowed.rawValue)
        if file >= 0 { _ = OwnedFD(adopting: Int32(file)) }
    }
}
