import JSONCoding
import LinuxSystem

/// Where text goes: results to standard output, failures to standard error and, when asked for, to a log file in a
/// form that engines read. One failure is exactly one line in each.
struct Output {
    /// The form of the log.
    enum Format: String { case text, json }

    private let log: String?
    private let format: Format

    /// Failures go to standard error and, when `log` is set, to that file.
    init(log: String? = nil, format: Format = .text) {
        self.log = log
        self.format = format
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
    func report(usage text: String) -> Int32 {
        write(CommandError.usage(text), "\(Program.name): \(text)")
        return 2
    }

    /// Reports a failed command: `skiff: create web1: mount /proc: …`.
    func report(_ error: CommandError, verb: String, subject: String?) -> Int32 {
        let about = subject.map { "\(verb) \($0)" } ?? verb
        write(error, "\(Program.name): \(about): \(error.message)")
        return error.exitCode
    }

    /// Reports something that does not stop the command: in the log when there is one, else on standard error.
    func warn(_ text: String) {
        if log != nil {
            writeLog("warning", text)
        } else {
            writeError("\(Program.name): warning: \(text)\n")
        }
    }

    private func write(_ error: CommandError, _ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        let isLogged = writeLog("error", line, error)
        if log == nil && format == .json {
            writeError(entry("error", line, error))
        } else {
            writeError(line + "\n")
        }
        if !isLogged { writeError("\(Program.name): the log file \(log ?? "") cannot be written\n") }
    }

    private func writeError(_ text: String) {
        bestEffort("standard error may be closed") { () throws(SyscallError) in
            try BorrowedFD.standardError.writeAll(text)
        }
    }

    @discardableResult
    private func writeLog(_ level: String, _ text: String, _ error: CommandError? = nil) -> Bool {
        guard let log else { return true }
        let failure = bestEffort("the failure is on standard error too") { () throws(SyscallError) in
            let file = try open(Path(log), [.writeOnly, .append, .create], mode: 0o644)
            try file.borrowed.writeAll(entry(level, text, error))
        }
        return failure == nil
    }

    private func entry(_ level: String, _ text: String, _ error: CommandError?) -> String {
        let time = Clock.timestamp(Clock.wall())
        switch format {
        case .text: return "time=\"\(time)\" level=\(level) msg=\"\(Self.escaped(text))\"\n"
        case .json:
            var writer = JSONWriter()
            writer.object { writer in
                writer.field("level", level)
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

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1) }
    }
}
