import CommandGrammar
import LinuxSystem

/// A failed command: one line of text and the exit code.
struct CommandError: Error {
    /// Why, in one line, without program and verb.
    let message: String
    /// Exit code of the process.
    let exitCode: Int32
    /// What the command was about, when it is not the first word.
    let subject: String?
    /// What kind of failure it was.
    let code: ErrorCode
    /// The failed step, when there is one: its parts are told apart in the log.
    let cause: StepError?

    /// An error with its own text.
    init(
        _ message: String, exitCode: Int32 = 1, subject: String? = nil, code: ErrorCode = .internalError
    ) {
        self.message = message
        self.exitCode = exitCode
        self.subject = subject
        self.code = code
        cause = nil
    }

    /// A failed step.
    init(_ error: StepError, exitCode: Int32 = 1, subject: String? = nil) {
        message = error.description
        self.exitCode = exitCode
        self.subject = subject
        code = error.code
        cause = error
    }

    /// Exit code under skiff's own name when a value cannot be used.
    static let usageCode: Int32 = 2

    /// A value that cannot be used.
    static func usage(_ message: String) -> CommandError {
        CommandError(message, exitCode: usageCode, code: .usage)
    }
}

/// Runs steps; their failure ends the command with the exit code given.
@inline(__always)
func command<Result: ~Copyable>(
    exitCode: Int32 = 1, _ body: () throws(StepError) -> Result
) throws(CommandError) -> Result {
    do throws(StepError) {
        return try body()
    } catch {
        throw CommandError(error, exitCode: exitCode)
    }
}
