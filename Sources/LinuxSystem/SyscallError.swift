/// A system call that failed: which one, on what, why.
package struct SyscallError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call that failed.
    package let call: Call
    /// The path, descriptor or values that the call was given, for people to read.
    package let operand: String?
    /// The kernel's reason.
    package let errno: Errno

    /// Describes a failed call.
    package init(_ call: Call, on operand: String? = nil, _ errno: Errno) {
        self.call = call
        self.operand = operand
        self.errno = errno
    }

    /// `openat2(2) /x: ENOENT (no such file or directory)`
    package var description: String {
        guard let operand else { return "\(call.name): \(errno)" }
        return "\(call.name) \(operand): \(errno)"
    }
}

/// Turns the -errno of a C shim into an error; other results pass through.
@inline(__always) @discardableResult
func check(
    _ call: Call, on operand: @autoclosure () -> String? = nil, _ result: Int
) throws(SyscallError) -> Int {
    if result < 0 { throw SyscallError(call, on: operand(), Errno(rawValue: Int32(-result))) }
    return result
}

/// Like `check`, for calls that a signal may interrupt and that are safe to make again.
@inline(__always) @discardableResult
func checkRetrying(
    _ call: Call, on operand: @autoclosure () -> String? = nil, _ body: () -> Int
) throws(SyscallError) -> Int {
    while true {
        let result = body()
        if result == Int(-Errno.EINTR.rawValue) { continue }
        return try check(call, on: operand(), result)
    }
}
