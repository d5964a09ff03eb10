package import RuntimeSpec

/// One rule of the list of allowed devices, checked. Of several rules that fit a request, the last one decides, for
/// each of the three kinds of access by itself.
package struct DeviceRule: Sendable, Equatable {
    /// The kinds of access, with the kernel's numbers (`BPF_DEVCG_ACC_*`).
    package struct Access: OptionSet, Sendable, Hashable {
        /// The bits.
        package let rawValue: UInt8
        /// Takes the bits.
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let mknod = Access(rawValue: 1)
        package static let read = Access(rawValue: 2)
        package static let write = Access(rawValue: 4)
        /// Every kind.
        package static let all: Access = [.mknod, .read, .write]

        /// `rwm` and its parts, as v1 files spell them.
        package var letters: String {
            (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.mknod) ? "m" : "")
        }
    }

    /// The kinds of devices.
    package enum Kind: String, Sendable {
        case all = "a"
        case character = "c"
        case block = "b"
    }

    /// Allow or deny.
    package var allow: Bool
    /// Which kind of device; `all` fits both.
    package var kind: Kind
    /// Major number, nil fits all.
    package var major: UInt32?
    /// Minor number, nil fits all.
    package var minor: UInt32?
    /// To which kinds of access the rule applies.
    package var access: Access

    /// A rule.
    package init(_ allow: Bool, _ kind: Kind, _ major: UInt32?, _ minor: UInt32?, _ access: Access) {
        self.allow = allow
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// Whether the rule fits the device.
    package func fits(_ device: Kind, _ major: UInt32, _ minor: UInt32) -> Bool {
        (kind == .all || kind == device) && (self.major == nil || self.major == major)
            && (self.minor == nil || self.minor == minor)
    }

    /// Whether every device that `other` fits is one that this rule fits.
    func covers(_ other: DeviceRule) -> Bool {
        (kind == .all || kind == other.kind) && (major == nil || major == other.major)
            && (minor == nil || minor == other.minor)
    }

    /// Whether some device fits both.
    func overlaps(_ other: DeviceRule) -> Bool {
        (kind == .all || other.kind == .all || kind == other.kind)
            && (major == nil || other.major == nil || major == other.major)
            && (minor == nil || other.minor == nil || minor == other.minor)
    }
}

/// The whole list of a container: the spec's rules in order, then those of the devices that every container has.
package enum DeviceRules {
    /// Devices that every container may use whatever the rules say, because `/dev` always has them: null, zero, full,
    /// random, urandom, tty, ptmx and all pseudo terminals; and making device nodes, which gives no access to them.
    /// - SeeAlso: runtime-spec config-linux.md §Default Devices
    package static let defaults: [DeviceRule] = [
        DeviceRule(true, .character, nil, nil, .mknod),
        DeviceRule(true, .block, nil, nil, .mknod),
        DeviceRule(true, .character, 1, 3, .all),
        DeviceRule(true, .character, 1, 5, .all),
        DeviceRule(true, .character, 1, 7, .all),
        DeviceRule(true, .character, 1, 8, .all),
        DeviceRule(true, .character, 1, 9, .all),
        DeviceRule(true, .character, 5, 0, .all),
        DeviceRule(true, .character, 5, 2, .all),
        DeviceRule(true, .character, 136, nil, .all),
    ]

    /// The checked list, empty if the spec has no rules: then every device that exists may be used.
    /// - Throws: if a rule has no access, a wrong letter, or a number out of range.
    package static func list(for resources: ResourcesSpec?) throws(SpecError) -> [DeviceRule] {
        guard let specified = resources?.devices, !specified.isEmpty else { return [] }
        var rules: [DeviceRule] = []
        for (index, rule) in specified.enumerated() {
            if let checked = try check(rule, "linux.resources.devices[\(index)]") { rules.append(checked) }
        }
        return rules + defaults
    }

    private static func check(
        _ rule: ResourcesSpec.DeviceRule, _ field: String
    ) throws(SpecError) -> DeviceRule? {
        let kind: DeviceRule.Kind
        switch rule.kind {
        case nil, .all: kind = .all
        case .character, .unbufferedCharacter: kind = .character
        case .block: kind = .block
        case .fifo: return nil
        }
        return DeviceRule(
            rule.allow, kind, try number(rule.major, bits: 12, "\(field).major"),
            try number(rule.minor, bits: 20, "\(field).minor"),
            try access(rule.access, "\(field).access"))
    }

    /// -1 is what older engines write for "all". No device of Linux has a number beyond the bits, so a rule with one would
    /// say nothing.
    private static func number(_ value: Int64?, bits: Int, _ field: String) throws(SpecError) -> UInt32? {
        guard let value, value != -1 else { return nil }
        guard (0..<(Int64(1) << Int64(bits))).contains(value) else {
            throw SpecError(
                field: field, reason: "is not a device number: 0 to \((1 << bits) - 1)", value: "\(value)")
        }
        return UInt32(value)
    }

    private static func access(_ text: String?, _ field: String) throws(SpecError) -> DeviceRule.Access {
        guard let text, !text.isEmpty else { return .all }
        var access: DeviceRule.Access = []
        for letter in text {
            switch letter {
            case "r": access.insert(.read)
            case "w": access.insert(.write)
            case "m": access.insert(.mknod)
            default: throw SpecError(field: field, reason: "must be made of r, w and m", value: text)
            }
        }
        return access
    }
}
