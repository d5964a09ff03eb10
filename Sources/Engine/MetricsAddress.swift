package import LinuxSystem

/// Where figures are served: `unix:PATH`, `127.0.0.1:PORT`, `[::1]:PORT` or `localhost:PORT`. Other addresses are
/// refused, because nothing here asks who is reading.
package enum MetricsAddress: Sendable, Equatable {
    case unix(Path)
    case loopback(port: UInt16, six: Bool)

    /// Reads the text of an option.
    package init(_ text: String) throws(StepError) {
        let step: Step = "read --listen"
        if text.hasPrefix("unix:") {
            let path = text.dropFirst(5)
            guard !path.isEmpty, !path.hasSuffix("/") else {
                throw StepError(step, refused: "'\(text)' names no socket", code: .usage, operand: text)
            }
            self = .unix(Path(String(path)))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw StepError(
                step, refused: "'\(text)' is no address", hint: "unix:PATH or 127.0.0.1:PORT", code: .usage,
                operand: text)
        }
        switch String(text[..<colon]) {
        case "127.0.0.1", "localhost": self = .loopback(port: port, six: false)
        case "[::1]": self = .loopback(port: port, six: true)
        case let host:
            throw StepError(
                step, refused: "'\(host)' is not of this machine alone, and there is no access control",
                hint: "127.0.0.1:\(port), or unix:PATH behind a proxy", code: .usage, operand: text)
        }
    }

    /// Listens there. A socket that nobody listens on any more gives way; the new one is its user's alone.
    func listen() throws(StepError) -> OwnedFD {
        try during("listen for readers of figures") { () throws(SyscallError) in
            switch self {
            case .loopback(let port, let six): return try LoopbackSocket.listen(port: port, six: six)
            case .unix(let path):
                try Self.removeDead(path)
                let mask = setFileModeMask(0o177)
                defer { setFileModeMask(mask) }
                let socket = try UnixSocket.listen(at: path)
                try socket.borrowed.setNonBlocking(true)
                return socket
            }
        }
    }

    private static func removeDead(_ path: Path) throws(SyscallError) {
        guard let found = try statusIfPresent(of: path), found.kind == .socket else { return }
        do throws(SyscallError) {
            _ = try UnixSocket.connect(to: path)
        } catch {
            guard error.errno == .ECONNREFUSED else { throw error }
            try unlink(path)
        }
    }

    /// What a reader asks for, given what the kernel chose.
    func description(_ socket: BorrowedFD) throws(SyscallError) -> String {
        switch self {
        case .unix(let path): return "unix:\(path)"
        case .loopback(_, let six):
            return "http://\(six ? "[::1]" : "127.0.0.1"):\(try LoopbackSocket.port(of: socket))/metrics"
        }
    }

    /// Takes the socket's name away again.
    func close() {
        guard case .unix(let path) = self else { return }
        bestEffort("somebody may have removed it") { () throws(SyscallError) in try unlink(path) }
    }
}
