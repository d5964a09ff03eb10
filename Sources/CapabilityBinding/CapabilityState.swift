import CCapability

/// A capability call that the kernel refused.
package struct CapabilityError: Error, Equatable, Sendable {
    /// The call, for example `capset`.
    package let function: String
    /// The set or capability concerned.
    package let operand: String
    /// The errno value.
    package let errno: Int32
}

/// The three sets of the calling thread that capset(2) exchanges as a whole.
/// - SeeAlso: capget(2)
package struct CapabilityState: Equatable, Sendable {
    /// What permission checks look at.
    package var effective: CapabilitySet
    /// What may become effective.
    package var permitted: CapabilitySet
    /// What a program file's inheritable set may take over.
    package var inheritable: CapabilitySet

    /// A state of the three given sets.
    package init(effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet) {
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable
    }

    /// The state of the calling thread.
    /// - SeeAlso: capget(2)
    package static func current() throws(CapabilityError) -> CapabilityState {
        var header = __user_cap_header_struct(version: version, pid: 0)
        var data: (__user_cap_data_struct, __user_cap_data_struct) = (.init(), .init())
        // SAFETY: version 3 exchanges exactly two data structs, which the tuple lays out one after the other.
        let result = unsafe withUnsafeMutablePointer(to: &data) { pointer in
            unsafe pointer.withMemoryRebound(to: __user_cap_data_struct.self, capacity: 2) {
                unsafe cc_capget(&header, $0)
            }
        }
        guard result == 0 else { throw CapabilityError(function: "capget", operand: "self", errno: -result) }
        return CapabilityState(
            effective: joined(data.0.effective, data.1.effective),
            permitted: joined(data.0.permitted, data.1.permitted),
            inheritable: joined(data.0.inheritable, data.1.inheritable))
    }

    /// Makes this the state of the calling thread.
    /// - SeeAlso: capset(2)
    package func apply() throws(CapabilityError) {
        var header = __user_cap_header_struct(version: Self.version, pid: 0)
        var data = (
            __user_cap_data_struct(
                effective: low(effective), permitted: low(permitted), inheritable: low(inheritable)),
            __user_cap_data_struct(
                effective: high(effective), permitted: high(permitted), inheritable: high(inheritable))
        )
        // SAFETY: version 3 exchanges exactly two data structs, which the tuple lays out one after the other.
        let result = unsafe withUnsafeMutablePointer(to: &data) { pointer in
            unsafe pointer.withMemoryRebound(to: __user_cap_data_struct.self, capacity: 2) {
                unsafe cc_capset(&header, $0)
            }
        }
        guard result == 0 else {
            throw CapabilityError(
                function: "capset", operand: "permitted \(String(permitted.rawValue, radix: 16))",
                errno: -result)
        }
    }

    /// _LINUX_CAPABILITY_VERSION_3: two words for each set.
    private static let version: UInt32 = 0x2008_0522

    private static func joined(_ low: UInt32, _ high: UInt32) -> CapabilitySet {
        CapabilitySet(rawValue: UInt64(low) | UInt64(high) << 32)
    }
    private func low(_ set: CapabilitySet) -> UInt32 { UInt32(truncatingIfNeeded: set.rawValue) }
    private func high(_ set: CapabilitySet) -> UInt32 { UInt32(truncatingIfNeeded: set.rawValue >> 32) }
}

/// The bounding set of the calling thread: what no exec can go beyond.
/// - SeeAlso: capabilities(7), cap_drop_bound(3)
package enum BoundingSet {
    /// The members among the capabilities that the kernel knows.
    package static func current() -> CapabilitySet {
        var bits: UInt64 = 0
        for number in 0...Capability.last.rawValue where cap_get_bound(cap_value_t(number)) == 1 {
            bits |= 1 << UInt64(number)
        }
        return CapabilitySet(rawValue: bits)
    }

    /// Takes `capability` out for ever; needs CAP_SETPCAP.
    package static func drop(_ capability: Capability) throws(CapabilityError) {
        let result = cc_drop_bound(cap_value_t(capability.rawValue))
        guard result == 0 else {
            throw CapabilityError(function: "cap_drop_bound", operand: capability.name, errno: -result)
        }
    }
}

/// The ambient set of the calling thread: what an unprivileged program keeps across exec.
/// - SeeAlso: capabilities(7), cap_set_ambient(3)
package enum AmbientSet {
    /// The members among the capabilities that the kernel knows.
    package static func current() -> CapabilitySet {
        var bits: UInt64 = 0
        for number in 0...Capability.last.rawValue where cap_get_ambient(cap_value_t(number)) == 1 {
            bits |= 1 << UInt64(number)
        }
        return CapabilitySet(rawValue: bits)
    }

    /// Empties the set.
    package static func clear() throws(CapabilityError) {
        let result = cc_clear_ambient()
        guard result == 0 else {
            throw CapabilityError(function: "cap_reset_ambient", operand: "self", errno: -result)
        }
    }

    /// Adds `capability`, which must be permitted and inheritable.
    package static func raise(_ capability: Capability) throws(CapabilityError) {
        let result = cc_raise_ambient(cap_value_t(capability.rawValue))
        guard result == 0 else {
            throw CapabilityError(function: "cap_set_ambient", operand: capability.name, errno: -result)
        }
    }
}
