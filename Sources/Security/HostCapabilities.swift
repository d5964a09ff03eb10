import CapabilityBinding
package import LinuxSystem
package import RuntimeSpec

/// The capabilities that a runtime can give away.
package struct HostCapabilities: Sendable, Equatable {
    let set: CapabilitySet

    /// Everything that the kernel knows: what init holds in a user namespace of its own.
    package static var everything: HostCapabilities { HostCapabilities(set: .all) }

    /// What this process is permitted, for containers without a user namespace of their own.
    /// - SeeAlso: capget(2)
    package static func permitted() throws(StepError) -> HostCapabilities {
        do throws(CapabilityError) {
            return HostCapabilities(set: try CapabilityState.current().permitted)
        } catch {
            throw StepError(
                "read the runtime's capabilities",
                refused: "\(error.function): \(Errno(rawValue: error.errno))")
        }
    }
}

extension SecurityPlan {
    /// The plan for `process` in a container with the personality and filter of `linux`, when the runtime can give
    /// away `grantable`.
    package static func make(
        process: ProcessSpec, linux: LinuxSpec?, grantable: HostCapabilities
    ) throws(SpecError) -> SecurityPlan {
        try make(process: process, linux: linux, grantable: grantable.set)
    }
}

extension DefaultCapabilities {
    /// The sets of a container after `--cap-add` and `--cap-drop`: bounding, permitted and effective alike, nothing
    /// inheritable or ambient.
    package static func spec(
        adding added: [String] = [], dropping dropped: [String] = []
    ) throws(SpecError) -> CapabilitiesSpec {
        spec(try set(adding: added, dropping: dropped))
    }
}

extension DefaultSeccomp {
    /// The profile for a container with these names in its bounding set.
    package static func profile(bounding names: [String]) -> SeccompSpec {
        var set = CapabilitySet()
        for name in names {
            if let capability = Capability(name: name) { set.insert(CapabilitySet(capability)) }
        }
        return profile(capabilities: set)
    }
}

extension SelfSeal {
    /// The decision for a container that becomes what `plan` says; nil for one without a process yet. `mappedUserIDs`
    /// are the mappings of its own user namespace, nil when it has none.
    package static func decide(
        _ facts: Facts, plan: SecurityPlan?, mappedUserIDs: [IDMappingSpec]?
    ) -> Decision {
        decide(facts, bounding: plan?.capabilities.bounding ?? .all, mappedUserIDs: mappedUserIDs)
    }
}
