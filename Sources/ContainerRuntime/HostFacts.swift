package import CapabilityBinding
package import Cgroups
package import LinuxSystem

/// What plans have to know about the host and the runtime itself; found out once, with few calls.
package struct HostFacts: Sendable, Equatable {
    /// The cgroup trees.
    package var cgroups: CgroupHost
    /// Effective user id of the runtime.
    package var userID: UInt32
    /// Capabilities that the runtime can hand on without a user namespace.
    package var permitted: CapabilitySet
    /// The systemd that makes the cgroup; nil if we make it.
    package var systemd: SystemdManager?

    /// Facts, for tests.
    package init(cgroups: CgroupHost, userID: UInt32, permitted: CapabilitySet) {
        self.cgroups = cgroups
        self.userID = userID
        self.permitted = permitted
    }

    /// Looks at the host. `usesCgroups` false leaves cgroups out (`--cgroup-manager disabled`).
    /// `usesSystemd` finds the systemd that is to make one.
    package static func detect(usesCgroups: Bool, usesSystemd: Bool = false) throws(StepError) -> HostFacts {
        let permitted: CapabilitySet
        do throws(CapabilityError) {
            permitted = try CapabilityState.current().permitted
        } catch {
            throw StepError("read the runtime's capabilities", refused: "\(error.function): \(error.operand)")
        }
        var facts = HostFacts(
            cgroups: usesCgroups ? try CgroupHost.detect() : CgroupHost(unified: nil),
            userID: effectiveUserID(),
            permitted: permitted)
        if usesCgroups, usesSystemd { facts.systemd = try SystemdManager.find() }
        return facts
    }
}
