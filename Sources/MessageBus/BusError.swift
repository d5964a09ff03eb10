package import LinuxSystem

/// Why a conversation over the bus failed.
package enum BusError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call on the socket failed.
    case call(SyscallError)
    /// The other side answered with an error: its name, such as `org.freedesktop.systemd1.UnitExists`, and its text.
    case remote(name: String, text: String)
    /// The bus does not accept who we are.
    case rejected(String)
    /// What came is not the protocol: what was found.
    case malformed(String)
    /// No answer in this many seconds.
    case timeout(seconds: Int64)
    /// The other side closed the connection.
    case closed
    /// An address that cannot be used, with the reason.
    case address(String, reason: String)

    /// A clause without a full stop.
    package var description: String {
        switch self {
        case .call(let error): error.description
        case .remote(let name, let text): text.isEmpty ? name : "\(text) (\(name))"
        case .rejected(let text): "the bus does not accept this user: \(text)"
        case .malformed(let what): "the bus sent \(what)"
        case .timeout(let seconds): "no answer in \(seconds) s"
        case .closed: "the bus closed the connection"
        case .address(let text, let reason): "the bus address '\(text)' \(reason)"
        }
    }

    /// Whether the other side answered with the error of this name.
    package func isRemote(_ name: String) -> Bool {
        if case .remote(let found, _) = self { found == name } else { false }
    }
}
