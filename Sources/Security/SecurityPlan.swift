package import CapabilityBinding
package import RuntimeSpec

/// Everything that decides what the program may do, as values ready to apply. Making it touches nothing.
/// - SeeAlso: runtime-spec config.md §Linux Process
package struct SecurityPlan: Equatable, Sendable {
    /// The five capability sets.
    package let capabilities: CapabilityPlan
    /// Whether no exec may gain privileges any more.
    package let noNewPrivileges: Bool
    /// Ids, groups and umask.
    package let identity: IdentityPlan
    /// Resource limits in the order of the configuration.
    package let limits: [ResourceLimitPlan]
    /// What goes into oom_score_adj; nil leaves the inherited value.
    package let oomScoreAdjustment: Int?
    /// CPU and I/O scheduling.
    package let scheduling: SchedulingPlan
    /// Labels of security modules.
    package let labels: SecurityLabels
    /// Execution domain; nil leaves the inherited one.
    package let personality: UInt64?
    /// NUMA memory policy; nil leaves the inherited one.
    package let memoryPolicy: MemoryPolicyPlan?
    /// The filter's configuration; compiled by ``SeccompCache``.
    package let seccomp: SeccompSpec?
    /// What of the configuration is left out, one line each, for the log.
    package var warnings: [String] { capabilities.warnings + identity.warnings }

    /// The plan for `process` in a container with the given personality and filter. `grantable` is
    /// ``CapabilityPlan/grantable(entersUserNamespace:)``, `keepsGroups` ``RuntimeSpec/keepsCallersGroups``.
    package static func make(
        process: ProcessSpec, linux: LinuxSpec?, grantable: CapabilitySet, keepsGroups: Bool = false
    ) throws(SpecError) -> SecurityPlan {
        if let adjustment = process.oomScoreAdj, !(-1000...1000).contains(adjustment) {
            throw SpecError(
                field: "process.oomScoreAdj", reason: "must be -1000 to 1000", value: "\(adjustment)")
        }
        return SecurityPlan(
            capabilities: try CapabilityPlan(process.capabilities, grantable: grantable),
            noNewPrivileges: process.noNewPrivileges,
            identity: try IdentityPlan(process.user, keepsGroups: keepsGroups),
            limits: try ResourceLimitPlan.plans(process.rlimits), oomScoreAdjustment: process.oomScoreAdj,
            scheduling: try SchedulingPlan(process),
            labels: SecurityLabels(
                apparmorProfile: process.apparmorProfile, selinuxLabel: process.selinuxLabel),
            personality: try linux?.personality.map(domain),
            memoryPolicy: try linux?.memoryPolicy.map(MemoryPolicyPlan.init), seccomp: linux?.seccomp)
    }

    /// Whether the program may execute files whatever their mode, if somebody may.
    /// - SeeAlso: capabilities(7) CAP_DAC_OVERRIDE
    package var overridesModes: Bool { capabilities.effective.contains(.dacOverride) }

    /// Whether the filter goes on before ids and capabilities change. Loading needs no_new_privs or CAP_SYS_ADMIN;
    /// without the former it must happen while the latter is still there. Else it is the very last step, so that it
    /// need not allow what only the set-up calls.
    package var loadsFilterEarly: Bool {
        seccomp != nil && !noNewPrivileges && !capabilities.effective.contains(.sysAdmin)
    }

    private static func domain(_ spec: PersonalitySpec) throws(SpecError) -> UInt64 {
        guard spec.flags.isEmpty else {
            throw SpecError(
                field: "linux.personality.flags", reason: "no flag is supported", value: spec.flags.first)
        }
        return switch spec.domain {
        case .linux: 0
        case .linux32: 8
        }
    }
}
