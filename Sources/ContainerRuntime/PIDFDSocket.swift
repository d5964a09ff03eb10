package import LinuxSystem

/// Handing a descriptor of a new process to whoever asked for it, over a unix socket: unlike its number it never comes to
/// mean another process.
/// - SeeAlso: pidfd_open(2), unix(7) SCM_RIGHTS
package enum PIDFDSocket {
    /// Which process a descriptor is of; the message that comes with it, as runc sends it.
    package enum Kind: String, Sendable {
        /// The container's first process.
        case initial = "standard"
        /// A process of `exec`.
        case further = "setns"
    }

    /// Connects and sends. Not earlier, because a process that waits for `start` would hold the connection.
    package static func send(_ pidfd: BorrowedFD, of kind: Kind, to path: Path) throws(StepError) {
        try during("send the pidfd to the socket \(path)") { () throws(SyscallError) in
            let socket = try UnixSocket.connect(to: path)
            try socket.borrowed.sendMessage(Array(kind.rawValue.utf8), descriptors: [pidfd])
        }
    }
}
