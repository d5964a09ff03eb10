import CSeccomp

/// A comparison of one argument of a system call with a value.
/// - SeeAlso: seccomp_rule_add(3)
package struct SeccompCondition: Equatable, Sendable {
    /// The comparison; raw values are libseccomp's `enum scmp_compare`.
    package enum Comparison: UInt32, Sendable, CaseIterable {
        /// The argument differs from the value.
        case notEqual = 1
        /// The argument is below the value.
        case less = 2
        /// The argument is at most the value.
        case lessOrEqual = 3
        /// The argument is the value.
        case equal = 4
        /// The argument is at least the value.
        case greaterOrEqual = 5
        /// The argument is above the value.
        case greater = 6
        /// The argument and-ed with the value (a mask) is the second value.
        case maskedEqual = 7
    }

    /// Which argument, 0 to 5.
    package let argument: UInt32
    /// How it is compared.
    package let comparison: Comparison
    /// The value, or the mask of ``Comparison/maskedEqual``.
    package let value: UInt64
    /// The expected masked value of ``Comparison/maskedEqual``; else unused.
    package let second: UInt64

    /// Compares argument number `argument` with `value`.
    package init(argument: UInt32, comparison: Comparison, value: UInt64, second: UInt64 = 0) {
        self.argument = argument
        self.comparison = comparison
        self.value = value
        self.second = second
    }
}

/// A filter under construction by libseccomp.
/// - SeeAlso: seccomp_init(3)
@safe
package struct SeccompContext: ~Copyable {
    private let context: scmp_filter_ctx

    /// Settings of the filter that change the generated program.
    package enum Attribute: Sendable {
        /// What happens to calls of an architecture that was not added (SCMP_FLTATR_ACT_BADARCH).
        case badArchitectureAction
        /// 1: linear by priority; 2: binary tree over the call numbers (SCMP_FLTATR_CTL_OPTIMIZE).
        case optimization
    }

    /// An empty filter for the native architecture.
    package init(defaultAction: SeccompAction) throws(SeccompError) {
        // SAFETY: the context is owned by this value and released once, in deinit.
        guard let context = unsafe seccomp_init(defaultAction.rawValue) else {
            throw SeccompError(function: "seccomp_init", operand: "default action", errno: 22)
        }
        unsafe self.context = context
    }

    deinit {
        // SAFETY: made by seccomp_init and released nowhere else.
        unsafe seccomp_release(context)
    }

    /// Sets `attribute`.
    /// - SeeAlso: seccomp_attr_set(3)
    package func set(_ attribute: Attribute, _ value: UInt32) throws(SeccompError) {
        let number =
            switch attribute {
            case .badArchitectureAction: SCMP_FLTATR_ACT_BADARCH
            case .optimization: SCMP_FLTATR_CTL_OPTIMIZE
            }
        // SAFETY: the context lives as long as this value.
        let result = unsafe seccomp_attr_set(context, number, value)
        try check(result, "seccomp_attr_set", "\(attribute)")
    }

    /// Adds calls of `architecture` to those that the rules are for; no effect when already there.
    /// - SeeAlso: seccomp_arch_add(3)
    package func add(_ architecture: SeccompArchitecture) throws(SeccompError) {
        // SAFETY: the context lives as long as this value.
        let result = unsafe seccomp_arch_add(context, architecture.rawValue)
        guard result != -17 else { return }  // EEXIST
        try check(result, "seccomp_arch_add", "architecture \(String(architecture.rawValue, radix: 16))")
    }

    /// Adds a rule for call `number` (in native numbering) in all architectures of the filter: when all
    /// `conditions` hold, `action` is taken.
    /// - SeeAlso: seccomp_rule_add_array(3)
    package func addRule(
        _ action: SeccompAction, call number: Int32, conditions: [SeccompCondition] = []
    ) throws(SeccompError) {
        guard !conditions.isEmpty else {
            // SAFETY: with a count of 0 the array is not read.
            let result = unsafe seccomp_rule_add_array(context, action.rawValue, number, 0, nil)
            return try check(result, "seccomp_rule_add_array", "call \(number)")
        }
        let comparisons = conditions.map { condition in
            scmp_arg_cmp(
                arg: condition.argument, op: scmp_compare(rawValue: condition.comparison.rawValue),
                datum_a: condition.value, datum_b: condition.second)
        }
        // SAFETY: the array lives during the call and its length is passed with it; libseccomp copies it.
        let result = unsafe comparisons.withUnsafeBufferPointer { buffer in
            unsafe seccomp_rule_add_array(
                context, action.rawValue, number, UInt32(buffer.count), buffer.baseAddress)
        }
        try check(result, "seccomp_rule_add_array", "call \(number)")
    }

    /// Writes the filter as an array of `struct sock_filter` to the descriptor `descriptor`.
    /// - SeeAlso: seccomp_export_bpf(3)
    package func export(to descriptor: Int32) throws(SeccompError) {
        // SAFETY: the context lives as long as this value; the descriptor is only written to.
        let result = unsafe seccomp_export_bpf(context, descriptor)
        try check(result, "seccomp_export_bpf", "descriptor \(descriptor)")
    }

    private func check(_ result: Int32, _ function: String, _ operand: String) throws(SeccompError) {
        guard result >= 0 else {
            throw SeccompError(function: function, operand: operand, errno: -result)
        }
    }
}
