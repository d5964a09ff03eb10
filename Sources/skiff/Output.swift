import JSONCoding
import LinuxSystem

/// Where text goes: results to standard output, failures to standard error and, when asked for, to a log in a form that
/// engines read. One failure is exactly one line in each.
struct Output: Sendable {
    /// The form of the log.
    enum Format: String, Sendable, CaseIterable { case text, json }

    private let style: CommandStyle
    private let log: LogDestination?
    private let format: Format
    private let limit: LogLevel

    /// Failures go to standard error and, when `log` is set, there; entries above `limit` go nowhere.
    init(
        _ style: CommandStyle, log: LogDestination? = nil, format: Format = .text, limit: LogLevel = .warning
    ) {
        self.style = style
        self.log = log
        self.format = format
        self.limit = limit
    }

    /// Prints a text to standard output; returns the exit code for it.
    static func show(_ text: String, toError: Bool = false, exitCode: Int32 = 0) -> Int32 {
        let stream: BorrowedFD = toError ? .standardError : .standardOutput
        let failure: SyscallError? = bestEffort("a reader that has gone cannot be told so") {
            () throws(SyscallError) in
            try stream.writeAll(text)
        }
        return failure == nil ? exitCode : 1
    }

    /// Prints bytes and a newline to standard output; returns the exit code for it.
    static func show(_ bytes: [UInt8]) -> Int32 {
        show(String(decoding: bytes, as: UTF8.self) + "\n")
    }

    /// Reports a command line that cannot be used.
    func report(usage text: String, exitCode: Int32) -> Int32 {
        write(CommandError.usage(text), "\(style.name): \(text)")
        return exitCode
    }

    /// Reports a failed command: `skiff: create web1: mount /proc: …`.
    func report(_ error: CommandError, verb: String, subject: String?) -> Int32 {
        let about = subject.map { "\(verb) \($0)" } ?? verb
        write(error, "\(style.name): \(about): \(error.message)")
        return error.exitCode == CommandError.usageCode ? style.wrongValueCode : error.exitCode
    }

    /// Reports something that does not stop the command: in the log when there is one, else on standard error.
    func warn(_ text: String) {
        guard limit.includes(.warning) else { return }
        if log != nil {
            writeLog(.warning, text)
        } else if style == .skiff {
            writeError("\(style.name): warning: \(text)\n")
        } else {
            writeError(standardErrorLine(.warning, text, nil))
        }
    }

    /// Whether somebody wants to know each step (`--debug`).
    var explains: Bool { limit == .debug }

    /// Tells what is being done, when asked for: in the log when there is one, else on standard error.
    func explain(_ text: @autoclosure () -> String) {
        guard explains else { return }
        let line = Self.oneLine(text())
        if log != nil {
            writeLog(.debug, line)
        } else {
            writeError(entry(.debug, line, nil))
        }
    }

    private func write(_ error: CommandError, _ text: String) {
        let line = Self.oneLine(text)
        let isLogged = writeLog(.error, line, error)
        writeError(standardErrorLine(.error, line, error))
        if !isLogged { writeError("\(style.name): \(log?.description ?? "the log") cannot be written\n") }
    }

    /// A failure as standard error has it. With a log it is the plain text; without one runc writes there what its log
    /// would hold.
    private func standardErrorLine(_ level: LogLevel, _ line: String, _ error: CommandError?) -> String {
        guard log == nil, format == .json || style == .runc else { return line + "\n" }
        return entry(level, line, error)
    }

    private func writeError(_ text: String) {
        bestEffort("standard error may be closed") { () throws(SyscallError) in
            try BorrowedFD.standardError.writeAll(text)
        }
    }

    @discardableResult
    private func writeLog(_ level: LogLevel, _ text: String, _ error: CommandError? = nil) -> Bool {
        guard let log else { return true }
        let failure = bestEffort("the failure is on standard error too") { () throws(SyscallError) in
            let text = Self.oneLine(text)
            let line = entry(level, text, error)
            try log.write(line: line, text: format == .json ? String(line.dropLast()) : text, level: level)
        }
        return failure == nil
    }

    private func entry(_ level: LogLevel, _ text: String, _ error: CommandError?) -> String {
        let time = Clock.timestamp(Clock.wall())
        switch format {
        case .text: return "time=\"\(time)\" level=\(level.rawValue) msg=\"\(Self.escaped(text))\"\n"
        case .json:
            var writer = JSONWriter()
            writer.object { writer in
                writer.field("level", level.rawValue)
                writer.field("msg", text)
                writer.field("time", time)
                if let error { Self.write(error, to: &writer) }
            }
            return String(decoding: writer.finish(), as: UTF8.self) + "\n"
        }
    }

    /// The parts of a failure; engines read only what comes before them.
    private static func write(_ error: CommandError, to writer: inout JSONWriter) {
        writer.field("code", error.code.description)
        guard let cause = error.cause else { return }
        if !cause.step.name.isEmpty { writer.field("step", cause.step.name) }
        writer.field("operand", cause.operand)
        writer.field("call", cause.call?.name)
        writer.field("errno", cause.errno?.name)
        writer.field("hint", cause.hint)
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1) }
    }
}
