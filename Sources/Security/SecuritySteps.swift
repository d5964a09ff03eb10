import CapabilityBinding
package import LinuxSystem

/// The steps by which the init process becomes what a ``SecurityPlan`` says, each one a function.
///
///     while still privileged   applyRlimits  applyOOMScore  applyScheduling  applyPersonality
///                              applyLabels (for the coming exec)
///     plan.loadsFilterEarly    loadSeccomp
///                              dropBounding        needs CAP_SETPCAP, which the later steps may take away
///                              setGroupsAndIDs     groups, gid, uid: each needs what the next one takes away
///                              applyCapabilities   after the ids, whose change empties the effective set
///                              noNewPrivileges
///                              verify              before the filter, which may forbid to ask
///     otherwise                loadSeccomp         then nothing but exec
///
/// Preconditions: called in the init process, which has one thread and a session of its own.
package enum SecuritySteps {
    /// Sets the resource limits; the lines given back say which could not be raised as far as asked.
    package static func applyRlimits(_ plan: SecurityPlan) throws(StepError) -> [String] {
        var warnings: [String] = []
        for limit in plan.limits {
            if let warning = try limit.apply() { warnings.append(warning) }
        }
        return warnings
    }

    /// Writes oom_score_adj through `proc`, a procfs of the runtime. A value lower than the kernel permits this user
    /// leaves the inherited one and gives back a line that says so. Must run while the process is dumpable: later
    /// its files in procfs belong to the host's root.
    /// - SeeAlso: proc_pid_oom_score_adj(5)
    package static func applyOOMScore(_ plan: SecurityPlan, proc: BorrowedFD) throws(StepError) -> String? {
        guard let adjustment = plan.oomScoreAdjustment else { return nil }
        do throws(SyscallError) {
            let file = try openTrusted("self/oom_score_adj", .writeOnly, proc)
            try file.borrowed.write(Array("\(adjustment)".utf8)[...])
            return nil
        } catch {
            guard error.errno == .EACCES || error.errno == .EPERM else {
                throw StepError("set oom_score_adj to \(adjustment)", error)
            }
            return "oom_score_adj \(adjustment) is lower than this user may set and is left as it was"
        }
    }

    /// Sets CPU scheduler and I/O priority.
    package static func applyScheduling(_ plan: SecurityPlan) throws(StepError) {
        try plan.scheduling.apply()
    }

    /// Sets the execution domain.
    package static func applyPersonality(_ plan: SecurityPlan) throws(StepError) {
        guard let personality = plan.personality else { return }
        try during("set the personality") { () throws(SyscallError) in try setPersonality(personality) }
    }

    /// Sets the NUMA memory policy, which exec keeps.
    package static func applyMemoryPolicy(_ plan: SecurityPlan) throws(StepError) {
        try plan.memoryPolicy?.apply()
    }

    /// Sets the labels that the coming exec takes, through `proc`, a procfs of the runtime.
    package static func applyLabels(_ plan: SecurityPlan, proc: BorrowedFD) throws(StepError) {
        try plan.labels.apply(proc: proc)
    }

    /// Takes everything but the plan's out of the bounding set.
    package static func dropBounding(_ plan: SecurityPlan) throws(StepError) {
        try changingCapabilities("drop capabilities from the bounding set") { () throws(CapabilityError) in
            for capability in CapabilitySet.all.subtracting(plan.capabilities.bounding).members {
                try BoundingSet.drop(capability)
            }
        }
    }

    /// Sets umask, supplementary groups, group and user ids. `canSetGroups` is false in a user namespace where
    /// setgroups(2) is denied; then only a configuration without groups can be had.
    package static func setGroupsAndIDs(_ plan: SecurityPlan, canSetGroups: Bool = true) throws(StepError) {
        let identity = plan.identity
        if let umask = identity.umask { setFileModeMask(umask) }
        if identity.keepsGroups {
            // Asked for by an annotation.
        } else if canSetGroups {
            // Also when there are none: the caller's groups must not leak in.
            try during("set the supplementary groups") { () throws(SyscallError) in
                try setSupplementaryGroups(identity.groups)
            }
        } else if !identity.groups.isEmpty {
            throw StepError(
                "set the supplementary groups", refused: "setgroups is denied in this user namespace",
                hint: "leave out additionalGids")
        }
        try during("set the group id \(identity.groupID)", hint: unmapped) { () throws(SyscallError) in
            try setGroupIDs(identity.groupID)
        }
        try during("set the user id \(identity.userID)", hint: unmapped) { () throws(SyscallError) in
            // Else leaving uid 0 empties the permitted set, too. exec clears the bit.
            if identity.userID != 0 { try processControl(.setKeepCapabilities, 1) }
            try setUserIDs(identity.userID)
        }
    }

    /// Makes the effective, permitted, inheritable and ambient sets the plan's.
    package static func applyCapabilities(_ plan: SecurityPlan) throws(StepError) {
        let capabilities = plan.capabilities
        try changingCapabilities("set the capabilities") { () throws(CapabilityError) in
            try state(capabilities).apply()
            try AmbientSet.clear()
            for capability in capabilities.ambient.members { try AmbientSet.raise(capability) }
        }
    }

    /// Sets no_new_privs when planned.
    package static func noNewPrivileges(_ plan: SecurityPlan) throws(StepError) {
        guard plan.noNewPrivileges else { return }
        try during("set no_new_privs") { () throws(SyscallError) in
            _ = try processControl(.setNoNewPrivileges, 1)
        }
    }

    /// Puts the filter on the process; gives the notify descriptor when a rule notifies.
    package static func loadSeccomp(_ program: SeccompProgram) throws(StepError) -> OwnedFD? {
        let result = try during("load the seccomp filter") { () throws(SyscallError) in
            try loadSeccompFilter(program.instructions, flags: program.flags)
        }
        if program.notifies { return OwnedFD(adopting: result) }
        guard result == 0 else {
            throw StepError(
                "load the seccomp filter", refused: "thread \(result) could not be included",
                code: .seccompFailed)
        }
        return nil
    }

    static func state(_ plan: CapabilityPlan) -> CapabilityState {
        CapabilityState(
            effective: plan.effective, permitted: plan.permitted, inheritable: plan.inheritable)
    }

    private static let unmapped = "the id must be mapped in the container's user namespace"

    /// Like `during`, for the capability calls.
    static func changingCapabilities(
        _ step: Step, _ body: () throws(CapabilityError) -> Void
    ) throws(StepError) {
        do throws(CapabilityError) {
            try body()
        } catch {
            throw StepError(
                step, refused: "\(error.function) \(error.operand): \(Errno(rawValue: error.errno))")
        }
    }
}
