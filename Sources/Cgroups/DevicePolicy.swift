package import RuntimeSpec

/// A list of device rules in the form that v1 can hold: everything denied (or allowed) but for exceptions. The order of
/// the exceptions does not matter.
///
/// v1's files do not take an ordered list: a later rule there changes only an exception for exactly the same numbers.
/// So the list is worked out here and only its result is written (CG-9, CG-10).
package struct DevicePolicy: Sendable, Equatable {
    /// What happens to devices without an exception.
    package private(set) var allowsByDefault = false
    /// The exceptions, all of the other kind.
    package private(set) var exceptions: [DeviceRule] = []

    /// Works out a list.
    /// - Throws: if the list cannot be said by exceptions: a rule that takes a part out of an earlier one's devices.
    package init(_ rules: [DeviceRule]) throws(SpecError) {
        for rule in rules { try add(rule) }
    }

    private mutating func add(_ rule: DeviceRule) throws(SpecError) {
        if rule.kind == .all, rule.major == nil, rule.minor == nil, rule.access == .all {
            allowsByDefault = rule.allow
            exceptions = []
            return
        }
        if rule.allow == allowsByDefault {
            try remove(rule)
        } else if let same = exceptions.firstIndex(where: { $0.covers(rule) && rule.covers($0) }) {
            exceptions[same].access.formUnion(rule.access)
        } else {
            exceptions.append(rule)
        }
    }

    private mutating func remove(_ rule: DeviceRule) throws(SpecError) {
        for index in exceptions.indices.reversed() {
            guard rule.overlaps(exceptions[index]), !exceptions[index].access.isDisjoint(with: rule.access)
            else {
                continue
            }
            guard rule.covers(exceptions[index]) else {
                throw SpecError(
                    field: "linux.resources.devices",
                    reason: "this host's cgroup v1 cannot take a part out of an earlier, wider rule",
                    value: Self.text(rule), kind: .unsupported)
            }
            exceptions[index].access.subtract(rule.access)
            if exceptions[index].access.isEmpty { exceptions.remove(at: index) }
        }
    }

    /// Whether nothing is controlled, which is what a new cgroup starts with.
    package var allowsEverything: Bool { allowsByDefault && exceptions.isEmpty }

    /// The writes to `devices.allow` and `devices.deny`, the first of which sets the default.
    package var legacyWrites: [CgroupWrite] {
        let first = CgroupWrite(allowsByDefault ? "devices.allow" : "devices.deny", "a", for: "devices")
        let file = allowsByDefault ? "devices.deny" : "devices.allow"
        return [first]
            + exceptions.flatMap { exception -> [CgroupWrite] in
                // v1's letter a stands for everything at once, so a rule for both kinds becomes two.
                let kinds: [DeviceRule.Kind] =
                    exception.kind == .all ? [.character, .block] : [exception.kind]
                return kinds.map { kind in
                    var rule = exception
                    rule.kind = kind
                    return CgroupWrite(file, Self.text(rule), for: "devices")
                }
            }
    }

    /// A rule as v1 writes it: `c 1:3 rwm`, `b *:* m`.
    static func text(_ rule: DeviceRule) -> String {
        let major = rule.major.map { "\($0)" } ?? "*"
        let minor = rule.minor.map { "\($0)" } ?? "*"
        return "\(rule.kind.rawValue) \(major):\(minor) \(rule.access.letters)"
    }
}
