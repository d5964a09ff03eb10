/// A refusal by libseccomp: which function, about what, and the errno it gave.
package struct SeccompError: Error, Equatable, Sendable {
    /// The libseccomp function, for example `seccomp_rule_add_array`.
    package let function: String
    /// What it was asked to do, for example the syscall's name.
    package let operand: String
    /// The positive errno value that libseccomp returned negated; 0 when it gives none.
    package let errno: Int32

    /// A failure of `function` about `operand`.
    package init(function: String, operand: String, errno: Int32) {
        self.function = function
        self.operand = operand
        self.errno = errno
    }
}
