/// What was being done when something failed, in words: `mount proc on /proc`.
package struct Step: Sendable, Equatable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// The words.
    package let name: String

    /// Names a step.
    package init(_ name: String) { self.name = name }

    /// Names a step by a literal.
    package init(stringLiteral value: String) { name = value }

    /// Names a step by an interpolated literal; the protocol's own way is generic.
    package init(stringInterpolation: DefaultStringInterpolation) {
        name = String(stringInterpolation: stringInterpolation)
    }

    /// The words.
    package var description: String { name }
}

/// A failed step of a procedure: what was being done, why it failed, and what can be done about it.
///
/// One line, outer to inner: `mount proc on /proc: fsmount(2) nosuid: EPERM (operation not permitted)`.
package struct StepError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why a step failed.
    package enum Cause: Sendable, Equatable {
        /// The kernel refused a call.
        case syscall(SyscallError)
        /// Our own refusal or finding, a complete clause in lower case.
        case refused(String)
    }

    /// The step that failed.
    package let step: Step
    /// Why.
    package let cause: Cause
    /// What a person can do about it, when known.
    package var hint: String?
    /// Failures of undoing that came on top; they never hide the cause.
    package var notes: [String] = []
    /// The code that the place of the error, or the phase that it belongs to, has given it.
    package private(set) var assignedCode: ErrorCode?
    /// What a refusal of ours is about: a field of the configuration, a path.
    private let subject: String?

    /// A step that failed in a system call.
    package init(_ step: Step, _ cause: SyscallError, hint: String? = nil, code: ErrorCode? = nil) {
        self.step = step
        self.cause = .syscall(cause)
        self.hint = hint
        assignedCode = code
        subject = nil
    }

    /// A step that we refuse or that cannot be done, with the reason in our own words; `operand` is what it is about,
    /// for those who read the parts of an error and not its text.
    package init(
        _ step: Step, refused reason: String, hint: String? = nil, code: ErrorCode? = nil,
        operand: String? = nil
    ) {
        self.step = step
        self.cause = .refused(reason)
        self.hint = hint
        assignedCode = code
        subject = operand
    }

    /// What kind of failure it is. Where nobody has said so, the kernel's reason decides; a refusal without a code is a
    /// contradiction of ours.
    package var code: ErrorCode {
        if let assignedCode { return assignedCode }
        if let errno { return ErrorCode(errno) }
        return .internalError
    }

    /// The same error as one of a phase: it gets the phase's code unless its own place gave it one. That the kernel
    /// lacks a call stays what it is.
    package func coded(_ phase: ErrorCode) -> StepError {
        guard assignedCode == nil, errno != .ENOSYS else { return self }
        var error = self
        error.assignedCode = phase
        return error
    }

    /// What the call was given, or what the refusal is about.
    package var operand: String? {
        if case .syscall(let error) = cause { error.operand } else { subject }
    }

    /// The call that failed: `openat2(2)`.
    package var call: Call? {
        if case .syscall(let error) = cause { error.call } else { nil }
    }

    /// The kernel's error number, when a call failed.
    package var errno: Errno? {
        if case .syscall(let error) = cause { error.errno } else { nil }
    }

    /// The whole message in one line, the hint in brackets.
    package var description: String {
        var text: String
        switch cause {
        case .syscall(let error): text = "\(step): \(error)"
        case .refused(let reason): text = step.name.isEmpty ? reason : "\(step): \(reason)"
        }
        if let hint { text += " [hint: \(hint)]" }
        for note in notes { text += "; also \(note)" }
        return text
    }
}

/// Runs system calls as one step: their failure becomes a `StepError` that names it.
@inline(__always)
package func during<Result: ~Copyable>(
    _ step: @autoclosure () -> Step, hint: @autoclosure () -> String? = nil,
    code: @autoclosure () -> ErrorCode? = nil, _ body: () throws(SyscallError) -> Result
) throws(StepError) -> Result {
    do throws(SyscallError) {
        return try body()
    } catch {
        throw StepError(step(), error, hint: hint(), code: code())
    }
}

/// Runs the steps of a phase: those of their failures that have no code get the phase's.
@inline(__always)
package func phase<Result: ~Copyable>(
    _ code: ErrorCode, _ body: () throws(StepError) -> Result
) throws(StepError) -> Result {
    do throws(StepError) {
        return try body()
    } catch {
        throw error.coded(code)
    }
}

/// Runs a step that may fail without harm. The reason says why that is right; the error is handed back for a log.
@discardableResult
package func bestEffort<Failure: Error>(
    _ reason: StaticString, _ body: () throws(Failure) -> Void
) -> Failure? {
    do throws(Failure) {
        try body()
        return nil
    } catch {
        return error
    }
}
