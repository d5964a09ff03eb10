package import CapabilityBinding
package import RuntimeSpec

/// The five capability sets of the program, ready to apply, and what of the configuration could not be had.
/// - SeeAlso: capabilities(7), runtime-spec config.md §Linux Process
package struct CapabilityPlan: Equatable, Sendable {
    /// What no exec may go beyond.
    package private(set) var bounding = CapabilitySet()
    /// What permission checks look at.
    package private(set) var effective = CapabilitySet()
    /// What may become effective.
    package private(set) var permitted = CapabilitySet()
    /// What goes through exec for files that ask for it.
    package private(set) var inheritable = CapabilitySet()
    /// What an unprivileged program keeps across exec.
    package private(set) var ambient = CapabilitySet()
    /// One line for each capability that is left out.
    package private(set) var warnings: [String] = []

    /// The sets of `spec`; none given means that all are empty. Names that the system does not know and capabilities
    /// outside `grantable` are left out with a warning, as the specification wants it.
    package init(_ spec: CapabilitiesSpec?, grantable: CapabilitySet) throws(SpecError) {
        guard let spec else { return }
        var unknown: [String] = []
        var missing = CapabilitySet()
        func set(_ names: [String]) -> CapabilitySet {
            var set = CapabilitySet()
            for name in names {
                guard let capability = Capability(name: name) else {
                    if !unknown.contains(name) { unknown.append(name) }
                    continue
                }
                set.insert(CapabilitySet(capability))
            }
            missing.formUnion(set.subtracting(grantable))
            return set.intersection(grantable)
        }
        bounding = set(spec.bounding)
        permitted = set(spec.permitted)
        effective = set(spec.effective)
        inheritable = set(spec.inheritable)
        ambient = set(spec.ambient)
        warnings = unknown.map { "capability \($0) is not known here and is left out" }
        warnings += missing.members.map { "capability \($0.name) cannot be granted here and is left out" }
        try checkEffective()
        limitAmbient()
    }

    private func checkEffective() throws(SpecError) {
        guard let extra = effective.subtracting(permitted).members.first else { return }
        throw SpecError(
            field: "process.capabilities.effective", reason: "is not in the permitted set", value: extra.name)
    }

    /// The kernel takes as ambient only what is permitted and inheritable. One line for all that is not: buildah always
    /// asks for a dozen, and its users see each warning at each step.
    private mutating func limitAmbient() {
        let possible = permitted.intersection(inheritable)
        let names = ambient.subtracting(possible).members.map(\.name)
        if let first = names.first {
            let others = names.count > 1 ? " (nor are \(names.dropFirst().joined(separator: ", ")))" : ""
            warnings.append(
                "can't raise ambient capability \(first): it is not both permitted and inheritable\(others)")
        }
        ambient.formIntersection(possible)
    }

    /// What the init process can hand on: everything when it enters a new or other user namespace, else what this
    /// process is permitted.
    package static func grantable(entersUserNamespace: Bool) throws(CapabilityError) -> CapabilitySet {
        entersUserNamespace ? .all : try CapabilityState.current().permitted
    }
}
