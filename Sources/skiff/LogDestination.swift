import LinuxSystem

/// Where a log goes besides standard error: a file, the journal, or syslog.
enum LogDestination: Equatable, Sendable {
    /// Lines appended to a file.
    case file(String)
    /// The journal, under this identifier.
    case journal(String)
    /// syslog, under this identifier.
    case syslog(String)

    /// Reads the value of `--log`: a path, or with `takesPrefixes` also `file:PATH`, `journald:ID` and `syslog:ID`. Nil
    /// for an empty path.
    init?(_ text: String, takesPrefixes: Bool, identifier: String) {
        func rest(after prefix: String) -> String? {
            guard takesPrefixes, text.hasPrefix(prefix) else { return nil }
            return String(text.dropFirst(prefix.count))
        }
        if let path = rest(after: "file:") {
            self = .file(path)
        } else if let name = rest(after: "journald:") {
            self = .journal(name.isEmpty ? identifier : name)
        } else if let name = rest(after: "syslog:") {
            self = .syslog(name.isEmpty ? identifier : name)
        } else if !text.isEmpty {
            self = .file(text)
        } else {
            return nil
        }
    }

    /// Its name in messages.
    var description: String {
        switch self {
        case .file(let path): "the log file \(path)"
        case .journal: "the journal"
        case .syslog: "syslog"
        }
    }

    /// Why nothing can be logged there, found out before anything is done: a caller that reads the log would wait for a
    /// reason in vain. A file is made, as peers do. Nil if it is fine, or not to be known.
    func problem(_ style: CommandStyle) -> String? {
        guard case .file(let path) = self else { return nil }
        if style == .crun, path.first != "/", path.contains(":") { return "unknown log type '\(path)'" }
        let failure = bestEffort("handed back") { () throws(SyscallError) in
            _ = try open(Path(path), [.writeOnly, .append, .create], mode: 0o644)
        }
        return failure?.description
    }

    /// Writes one entry. A file gets `line`; the journal and syslog, which add time and level themselves, get `text`.
    /// - SeeAlso: systemd.journal-fields(7), syslog(3), https://systemd.io/JOURNAL_NATIVE_PROTOCOL
    func write(line: String, text: String, level: LogLevel) throws(SyscallError) {
        switch self {
        case .file(let path):
            let file = try open(Path(path), [.writeOnly, .append, .create], mode: 0o644)
            try file.borrowed.writeAll(line)
        case .journal(let identifier):
            let socket = try UnixSocket.connect(to: "/run/systemd/journal/socket", kind: .datagram)
            let fields = "PRIORITY=\(level.priority)\nSYSLOG_IDENTIFIER=\(identifier)\nMESSAGE=\(text)\n"
            try socket.borrowed.sendMessage(Array(fields.utf8))
        case .syslog(let identifier):
            let socket = try UnixSocket.connect(to: "/dev/log", kind: .datagram)
            let user = 8
            try socket.borrowed.sendMessage(
                Array("<\(user + level.priority)>\(identifier): \(text)".utf8))
        }
    }
}

/// How much a log entry matters.
enum LogLevel: String, Sendable, CaseIterable {
    case error, warning, debug

    /// As syslog numbers it.
    var priority: Int {
        switch self {
        case .error: 3
        case .warning: 4
        case .debug: 7
        }
    }

    /// Whether entries of `other` are written when this is the limit.
    func includes(_ other: LogLevel) -> Bool { other.priority <= priority }
}
