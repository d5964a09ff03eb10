import CCapability

/// One capability, by its kernel number.
/// - SeeAlso: capabilities(7)
package struct Capability: RawRepresentable, Hashable, Sendable {
    /// The CAP_* number, 0 to 63.
    package let rawValue: UInt8

    /// Takes a number as it is; the kernel may not know it.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The capability of a name as the runtime spec writes it (`CAP_CHOWN`); nil when libcap does not know it.
    /// - SeeAlso: cap_from_name(3)
    package init?(name: String) {
        // libcap also takes bare numbers and lower case; the spec has neither.
        guard name.utf8.starts(with: "CAP_".utf8), name.utf8.allSatisfy(Self.isNameByte) else { return nil }
        var number: cap_value_t = -1
        // SAFETY: the string is only read during the call, and number is written before it returns.
        let result = unsafe name.withCString { unsafe cap_from_name($0, &number) }
        guard result == 0, let rawValue = UInt8(exactly: number), rawValue < 64 else { return nil }
        self.rawValue = rawValue
    }

    /// The name as the runtime spec writes it; `CAP_` and the number when libcap has no name for it.
    /// - SeeAlso: cap_to_name(3)
    package var name: String {
        // SAFETY: libcap allocates the text, which is copied and freed once, here.
        guard let text = unsafe cap_to_name(cap_value_t(rawValue)) else { return "CAP_\(rawValue)" }
        defer { unsafe cap_free(text) }
        let name = unsafe String(cString: text)
        return name.hasPrefix("cap_") ? name.uppercased() : "CAP_\(rawValue)"
    }

    /// The highest capability that the running kernel has.
    /// - SeeAlso: cap_max_bits(3)
    package static var last: Capability {
        Capability(rawValue: UInt8(clamping: cap_max_bits() - 1))
    }

    /// Go past the modes of files.
    package static let dacOverride = Capability(rawValue: 1)
    /// CAP_SETPCAP: to drop from the bounding set and to make an exact inheritable set.
    package static let setpcap = Capability(rawValue: 8)
    /// CAP_LINUX_IMMUTABLE: to change the immutable attribute of files.
    package static let linuxImmutable = Capability(rawValue: 9)
    /// CAP_SYS_PTRACE: among much else, to copy descriptors of processes that are undumpable.
    package static let sysPtrace = Capability(rawValue: 19)
    /// CAP_SYS_ADMIN: among much else, to load a filter without no_new_privs.
    package static let sysAdmin = Capability(rawValue: 21)

    /// Those that libcap has names for, whatever the running kernel knows.
    package static var named: [Capability] {
        (0..<64).map { Capability(rawValue: $0) }.filter { $0.name != "CAP_\($0.rawValue)" }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
    }
}

/// A set of capabilities as the kernel's bit mask.
/// - SeeAlso: capabilities(7)
package struct CapabilitySet: OptionSet, Hashable, Sendable {
    /// Bit n stands for capability number n.
    package let rawValue: UInt64

    /// Takes a mask as it is.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The set of one capability.
    package init(_ capability: Capability) {
        rawValue = 1 << UInt64(capability.rawValue)
    }

    /// By the bits; the way by raw values is generic, and slow in its first use.
    package static func == (one: CapabilitySet, other: CapabilitySet) -> Bool {
        one.rawValue == other.rawValue
    }

    /// Everything that the running kernel knows.
    package static var all: CapabilitySet {
        CapabilitySet(rawValue: UInt64.max >> UInt64(63 - Capability.last.rawValue))
    }

    /// Whether `capability` is a member.
    package func contains(_ capability: Capability) -> Bool {
        rawValue >> UInt64(capability.rawValue) & 1 == 1
    }

    /// The members in the order of their numbers.
    package var members: [Capability] {
        (0..<UInt8(64)).filter { rawValue >> UInt64($0) & 1 == 1 }.map(Capability.init(rawValue:))
    }
}
