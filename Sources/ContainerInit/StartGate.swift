package import LinuxSystem

/// Where a created container waits for `start`: a listening socket that init has inherited and whose path only the
/// runtime's user can reach.
///
/// ```
///   I: accept ······ waits ······ ◀── connect :R (start)
///   I: startContainer hooks, seccomp ── failed ──▶ reported by start
///   I: exec closes its end          ── end of file ──▶ the program runs
/// ```
/// An inherited socket needs no path, no procfs and no right of the program's user, as opening a FIFO would; and a
/// connection to an init that has died is refused at once instead of waiting for ever.
package enum StartGate {
    /// Makes the socket. The path may be gone again at once if making fails.
    package static func make(at path: Path) throws(SyscallError) -> OwnedFD {
        try UnixSocket.listen(at: path, backlog: 1)
    }

    /// Signals that end a process which waits: HUP, INT, QUIT, ABRT and TERM.
    private static let ending = SignalMask([1, 2, 3, 6, 15])

    /// In init: waits until somebody opens the gate; failures go to them from now on. With `heedsSignals` one that asks a
    /// process to end does so: for the first process of a pid namespace the kernel has no default action.
    /// - SeeAlso: pid_namespaces(7), signalfd(2)
    package static func wait(at gate: BorrowedFD, heedsSignals: Bool) throws(SyscallError) -> SyncChannel {
        if heedsSignals {
            let signals = try SignalDescriptor(ending)
            let view = signals.fd.borrowed
            while true {
                let events = try poll([(view, .readable), (gate, .readable)])
                if let signal = try signals.next() { exitProcess(128 + signal.number) }
                if !events[1].isEmpty { break }
            }
        }
        return SyncChannel(adopting: try UnixSocket.accept(on: gate))
    }

    /// In the runtime: opens the gate. ECONNREFUSED says that init has died, ENOENT that the container was started.
    package static func open(at path: Path) throws(SyscallError) -> SyncChannel {
        SyncChannel(adopting: try UnixSocket.connect(to: path))
    }
}
