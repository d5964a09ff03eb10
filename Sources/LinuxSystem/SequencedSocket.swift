internal import CLinux

/// One end of a pair of connected unix sockets that keep message boundaries: one send is one receive.
/// - SeeAlso: unix(7) SOCK_SEQPACKET
package struct SequencedSocket: ~Copyable {
    /// The descriptor, for poll.
    package let fd: OwnedFD

    /// Takes over an end.
    package init(adopting fd: consuming OwnedFD) { self.fd = fd }

    /// Two connected ends; both are close-on-exec.
    /// - SeeAlso: socketpair(2)
    package static func pair() throws(SyscallError) -> SocketPair {
        let ends = try makeSocketPair(type: 5)
        return SocketPair(
            first: SequencedSocket(adopting: OwnedFD(adopting: ends.0)),
            second: SequencedSocket(adopting: OwnedFD(adopting: ends.1)))
    }

    /// Sends one message with at most eight descriptors.
    package func send(_ message: [UInt8], descriptors: [BorrowedFD] = []) throws(SyscallError) {
        try fd.borrowed.sendMessage(message, descriptors: descriptors)
    }

    /// Waits for one message of at most `count` bytes; empty when the other end is closed.
    package func receive(max count: Int = 8192) throws(SyscallError) -> ReceivedMessage {
        try fd.borrowed.receiveMessage(max: count)
    }
}

/// Both ends of a socket pair.
package struct SocketPair: ~Copyable {
    package let first: SequencedSocket
    package let second: SequencedSocket

    init(first: consuming SequencedSocket, second: consuming SequencedSocket) {
        self.first = first
        self.second = second
    }

    /// The ends as numbers that the caller owns.
    package consuming func ends() -> (first: Int32, second: Int32) {
        (first: first.fd.release(), second: second.fd.release())
    }
}

/// A message and the descriptors that came with it.
package struct ReceivedMessage: ~Copyable {
    /// The bytes; none means that the other end is closed.
    package let bytes: [UInt8]
    /// The first descriptor that came along; further ones are closed.
    package var descriptor: OwnedFD?

    init(bytes: [UInt8], descriptor: consuming OwnedFD?) {
        self.bytes = bytes
        self.descriptor = descriptor
    }
}

/// Two connected unix sockets as numbers that the caller owns. Type: 1 stream, 2 datagram, 5 seqpacket.
/// - SeeAlso: socketpair(2)
package func makeSocketPair(type: Int32) throws(SyscallError) -> (Int32, Int32) {
    var ends: (Int32, Int32) = (-1, -1)
    // SAFETY: a tuple of two Int32 has the layout of int[2].
    let result = unsafe withUnsafeMutableBytes(of: &ends) { buffer in
        unsafe cl_socketpair(type, buffer.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    try check(.socketpair, result)
    return ends
}

extension BorrowedFD {
    /// Sends bytes over a unix socket with at most eight descriptors (SCM_RIGHTS); no SIGPIPE.
    /// - SeeAlso: sendmsg(2), unix(7)
    package func sendMessage(_ message: [UInt8], descriptors: [BorrowedFD] = []) throws(SyscallError) {
        let numbers = descriptors.map(\.rawValue)
        try checkRetrying(.sendMessage, on: operand) {
            // SAFETY: both buffers are read during the call only.
            unsafe message.withUnsafeBytes { bytes in
                unsafe numbers.withUnsafeBufferPointer { fds in
                    unsafe cl_send_fds(rawValue, bytes.baseAddress, bytes.count, fds.baseAddress, fds.count)
                }
            }
        }
    }

    /// Receives one message of at most `count` bytes and up to eight descriptors, of which the first is kept.
    /// - SeeAlso: recvmsg(2), unix(7)
    package func receiveMessage(max count: Int) throws(SyscallError) -> ReceivedMessage {
        var fds = [Int32](repeating: -1, count: 8)
        var arrived = 0
        var result = 0
        // SAFETY: the kernel fills at most `count` bytes and eight integers.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            repeat {
                arrived = 8
                result = unsafe cl_receive_fds(rawValue, buffer.baseAddress, count, &fds, &arrived)
            } while result == Int(-Errno.EINTR.rawValue)
            initialised = max(result, 0)
        }
        for extra in fds.prefix(arrived).dropFirst() { _ = cl_close(extra) }
        let first = arrived > 0 ? OwnedFD(adopting: fds[0]) : nil
        try check(.receiveMessage, on: operand, result)
        return ReceivedMessage(bytes: bytes, descriptor: first)
    }

    /// Shuts down sending, receiving or both halves of a socket. How: 0 receiving, 1 sending, 2 both.
    /// - SeeAlso: shutdown(2)
    package func shutdown(how: Int32) throws(SyscallError) {
        try check(.shutdown, on: operand, cl_shutdown(rawValue, how))
    }
}

/// Sockets with a path.
/// - SeeAlso: unix(7)
package enum UnixSocket {
    /// Whether the socket keeps message boundaries, and whether it is connected.
    package enum Kind: Int32, Sendable {
        case stream = 1
        case datagram = 2
        case sequenced = 5
    }

    /// Connects to a listening socket. Paths of more than 107 bytes are reached through their directory.
    package static func connect(to path: Path, kind: Kind = .stream) throws(SyscallError) -> OwnedFD {
        let socket = try make(kind)
        try address(socket.borrowed, path, binds: false)
        return socket
    }

    /// Connects to a socket with a name but no file.
    /// - SeeAlso: unix(7), Abstract sockets
    package static func connect(
        toAbstract name: String, kind: Kind = .stream
    ) throws(SyscallError) -> OwnedFD {
        let socket = try make(kind)
        let path = Path(name)
        try checkRetrying(.connect, on: "@\(name)") {
            unsafe path.withCString {
                unsafe cl_unix_connect_abstract(socket.rawValue, $0, path.bytes.count)
            }
        }
        return socket
    }

    /// Makes a socket at a path and listens on it; datagrams arrive without.
    package static func listen(
        at path: Path, backlog: Int32 = 16, kind: Kind = .stream
    ) throws(SyscallError) -> OwnedFD {
        let socket = try make(kind)
        try address(socket.borrowed, path, binds: true)
        if kind == .datagram { return socket }
        try check(.listen, on: path.string, cl_listen(socket.rawValue, backlog))
        return socket
    }

    /// Takes the next connection of a listening socket.
    /// - SeeAlso: accept4(2)
    package static func accept(on socket: BorrowedFD) throws(SyscallError) -> OwnedFD {
        OwnedFD(
            adopting: Int32(try checkRetrying(.accept4, on: socket.operand) { cl_accept(socket.rawValue) }))
    }

    private static func make(_ kind: Kind) throws(SyscallError) -> OwnedFD {
        OwnedFD(adopting: Int32(try check(.socket, cl_socket(1, kind.rawValue, 0))))
    }

    private static func address(_ socket: BorrowedFD, _ path: Path, binds: Bool) throws(SyscallError) {
        var short = path
        var directory: OwnedFD?
        if path.bytes.count > 107, let name = path.lastComponent {
            let opened = try open(path.parent, [.pathOnly, .directory])
            short = "/proc/self/fd/\(opened.rawValue)/\(name)"
            directory = consume opened
        }
        try checkRetrying(binds ? .bind : .connect, on: path.string) {
            unsafe short.withCString {
                unsafe cl_unix_address(socket.rawValue, $0, short.bytes.count, binds ? 1 : 0)
            }
        }
        _ = consume directory
    }
}
