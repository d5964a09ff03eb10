import LinuxSystem

/// One step of init.
package struct InitStep: Sendable {
    /// Name, for traces and measurements.
    package let name: String
    /// Does it. Preconditions: in the child, single-threaded, after all steps before it.
    let run: @Sendable (inout InitContext) throws(LaunchFailure) -> Void
    /// The code of its failures that have none of their own.
    let code: ErrorCode?

    init(
        _ name: String, _ code: ErrorCode? = nil,
        _ run: @escaping @Sendable (inout InitContext) throws(LaunchFailure) -> Void
    ) {
        self.name = name
        self.code = code
        self.run = run
    }
}

/// Runs system calls as one step of init.
@inline(__always)
func attempt<Result: ~Copyable>(
    _ step: @autoclosure () -> Step, hint: @autoclosure () -> String? = nil,
    _ body: () throws(SyscallError) -> Result
) throws(LaunchFailure) -> Result {
    do throws(SyscallError) {
        return try body()
    } catch {
        throw LaunchFailure(StepError(step(), error, hint: hint()))
    }
}

/// Runs a step of a lower layer as one of init.
@inline(__always)
func attempt<Result: ~Copyable>(_ body: () throws(StepError) -> Result) throws(LaunchFailure) -> Result {
    do throws(StepError) {
        return try body()
    } catch {
        throw LaunchFailure(error)
    }
}
