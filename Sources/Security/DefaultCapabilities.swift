package import CapabilityBinding
package import RuntimeSpec

/// The capabilities of containers that the engine makes.
/// - SeeAlso: docker-run(1) --cap-add, --cap-drop
package enum DefaultCapabilities {
    /// Docker's fourteen.
    package static let names = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
        "CAP_AUDIT_WRITE",
    ]

    /// The default set after `--cap-add` and `--cap-drop`: dropping ALL starts from nothing, adding ALL starts from
    /// everything, and what is named counts more than ALL. Names may lack `CAP_` and be in lower case.
    package static func set(adding added: [String], dropping dropped: [String]) throws(SpecError)
        -> CapabilitySet
    {
        let plus = try named(added, field: "cap-add")
        let minus = try named(dropped, field: "cap-drop")
        if let both = plus.set.intersection(minus.set).members.first {
            throw SpecError(field: "cap-add", reason: "is also dropped", value: both.name)
        }
        var set = CapabilitySet()
        if plus.all {
            set = .all
        } else if !minus.all {
            for name in names { if let one = Capability(name: name) { set.insert(CapabilitySet(one)) } }
        }
        return set.union(plus.set).subtracting(minus.set)
    }

    /// The sets of a container with `set`: bounding, permitted and effective; nothing inheritable or ambient.
    package static func spec(_ set: CapabilitySet) -> CapabilitiesSpec {
        let names = set.members.map(\.name)
        return CapabilitiesSpec(bounding: names, effective: names, permitted: names)
    }

    private static func named(
        _ texts: [String], field: String
    ) throws(SpecError) -> (set: CapabilitySet, all: Bool) {
        var set = CapabilitySet()
        var all = false
        for text in texts {
            let upper = text.uppercased()
            if upper == "ALL" || upper == "CAP_ALL" {
                all = true
                continue
            }
            let name = upper.hasPrefix("CAP_") ? upper : "CAP_\(upper)"
            guard let capability = Capability(name: name) else {
                throw SpecError(field: field, reason: "is not a capability", value: text)
            }
            set.insert(CapabilitySet(capability))
        }
        return (set, all)
    }
}
