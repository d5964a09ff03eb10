internal import CLinux

/// TCP sockets that only this machine reaches.
/// - SeeAlso: ip(7), ipv6(7)
package enum LoopbackSocket {
    /// Listens on a port of 127.0.0.1, or of ::1; port 0 lets the kernel choose. Accepting does not block.
    package static func listen(port: UInt16, six: Bool, backlog: Int32 = 16) throws(SyscallError) -> OwnedFD {
        let name = six ? "[::1]:\(port)" : "127.0.0.1:\(port)"
        let number = try check(.bind, on: name, cl_loopback_socket(six ? 1 : 0, port))
        let socket = OwnedFD(adopting: Int32(number))
        try check(.listen, on: name, cl_listen(socket.rawValue, backlog))
        return socket
    }

    /// The port that a listening socket has.
    package static func port(of socket: BorrowedFD) throws(SyscallError) -> UInt16 {
        UInt16(
            truncatingIfNeeded: try check(.getsockname, on: socket.operand, cl_socket_port(socket.rawValue)))
    }
}
