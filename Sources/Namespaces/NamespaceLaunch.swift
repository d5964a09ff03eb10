package import LinuxSystem
import RuntimeSpec

/// Clones the container's init process as a plan says.
package enum NamespaceLaunch {
    /// Clones init into its new namespaces and, with `cgroup`, into its cgroup v2. On return the runtime is in its
    /// own namespaces again, whatever it had to join for the clone. A network namespace that has been made
    /// ahead is in the handles.
    ///
    /// Init must call `enter` next, then have its identity maps written if `plan.needsMappings`.
    /// - Throws: `StepError` in the runtime only; in a helper process it travels to the runtime first.
    /// - SeeAlso: clone3(2), setns(2)
    package static func clone(
        _ plan: NamespacePlan, _ handles: borrowing NamespaceHandles, intoCgroup cgroup: BorrowedFD? = nil
    ) throws(StepError) -> CloneOutcome {
        if plan.needsHelper { return try HelperClone.clone(plan, handles, intoCgroup: cgroup) }
        let network = plan.cloneFlags.contains(.newNetwork) ? handles.file(.network) : nil
        if network == nil, plan.runtimeJoins.isEmpty, plan.timeNamespace != .byRuntime {
            return try during("clone init") { () throws(SyscallError) in
                try cloneProcess(plan.cloneFlags, intoCgroup: cgroup)
            }
        }
        var excursion = NamespaceExcursion()
        do throws(StepError) {
            try excursion.begin(plan, handles)
            var flags = plan.cloneFlags
            if let network {
                try excursion.join(.network, network)
                flags.remove(.newNetwork)
            }
            let outcome = try during("clone init") { () throws(SyscallError) in
                try cloneProcess(flags, intoCgroup: cgroup)
            }
            switch consume outcome {
            case .child: return .child
            case .parent(let child):
                try excursion.end(undoing: child)
                return .parent(child)
            }
        } catch {
            try excursion.end()
            throw error
        }
    }

    /// Clones a process beside a container's first one: in its pid and mount namespaces from birth, as far as `kinds`
    /// names them, in a cgroup v2 if given, and without the descriptors `strangers`. The caller joins nothing.
    /// - Throws: `StepError` in the caller; in the helper it travels to the caller first.
    /// - SeeAlso: setns(2), clone3(2) CLONE_PARENT; security invariants I-5, I-8
    package static func clone(
        beside target: BorrowedFD, kinds: CloneFlags, intoCgroup cgroup: BorrowedFD?,
        closing strangers: [BorrowedFD]
    ) throws(StepError) -> CloneOutcome {
        try HelperClone.clone(beside: target, kinds: kinds, intoCgroup: cgroup, closing: strangers)
    }

    /// The child's part right after the clone: joins, and namespaces that could not be made by the clone. Before the
    /// identity maps are written.
    /// - SeeAlso: setns(2), unshare(2)
    package static func enter(
        _ plan: NamespacePlan, _ handles: borrowing NamespaceHandles
    ) throws(StepError) {
        if !plan.needsHelper { try join(plan, handles) }
        if !plan.unshareFlags.isEmpty {
            try during("make namespaces") { () throws(SyscallError) in try unshare(plan.unshareFlags) }
        }
        if plan.timeNamespace == .byChild { try TimeNamespace.make(plan.timeOffsets) }
    }

    /// Makes the cgroup namespace. Preconditions: the caller is in its cgroup, which becomes the namespace's root.
    /// - SeeAlso: cgroup_namespaces(7)
    package static func enterCgroupNamespace(_ plan: NamespacePlan) throws(StepError) {
        guard plan.makesCgroupNamespace else { return }
        try during("make cgroup namespace") { () throws(SyscallError) in try unshare(.newCgroup) }
    }

    /// Takes on ids 0 of the container's user namespace, without supplementary groups unless they are to be kept.
    /// Preconditions: the identity maps are written.
    /// - Returns: whether groups can be set there.
    /// - SeeAlso: user_namespaces(7), setresuid(2)
    @discardableResult
    package static func becomeNamespaceRoot(keepingGroups: Bool = false) throws(StepError) -> Bool {
        var canSetGroups = false
        do throws(SyscallError) {
            if !keepingGroups {
                try setSupplementaryGroups([])
                canSetGroups = true
            }
        } catch  where error.errno == .EPERM {
            // setgroups is denied in the namespace of an unprivileged user; the groups stay unmapped then.
        } catch {
            throw StepError("drop supplementary groups", error)
        }
        try during("become root of the user namespace", hint: "id 0 must be mapped") {
            () throws(SyscallError) in
            try setGroupIDs(0)
            try setUserIDs(0)
        }
        return canSetGroups
    }

    /// Joins in order. What is refused before the user namespace is joined may be allowed from inside it (NS-6).
    static func join(_ plan: NamespacePlan, _ handles: borrowing NamespaceHandles) throws(StepError) {
        guard !plan.childJoins.isEmpty else { return }
        let joinsUser = handles.file(.user) != nil
        let procfs = try during("open /proc") { () throws(SyscallError) in
            try open("/proc", [.pathOnly, .directory])
        }
        var later: [NamespacePlan.Join] = []
        for join in plan.childJoins {
            guard let file = handles.file(join.kind) else { continue }
            do throws(SyscallError) {
                try joinNamespace(file, kinds: CloneFlags(join.kind))
            } catch  where error.errno == .EPERM && joinsUser && join.kind != .user {
                later.append(join)
            } catch {
                throw StepError("join \(join.kind.rawValue) namespace \(join.path)", error)
            }
            if join.kind == .user { try IdentityMapping.compare(plan, procfs: procfs.borrowed) }
        }
        for join in later {
            guard let file = handles.file(join.kind) else { continue }
            try during("join \(join.kind.rawValue) namespace \(join.path)") { () throws(SyscallError) in
                try joinNamespace(file, kinds: CloneFlags(join.kind))
            }
        }
    }
}

/// New time namespaces: a process enters one by being cloned or by exec, and its offsets are fixed from then on.
/// - SeeAlso: time_namespaces(7)
enum TimeNamespace {
    /// Makes one for later children (or exec) of the caller and sets its clocks. The file is opened before, with the
    /// rights of a process that has just been cloned.
    static func make(_ offsets: TimeOffsetsSpec?) throws(StepError) {
        try during("make time namespace") { () throws(SyscallError) in
            let file = try open("/proc/self/timens_offsets", .writeOnly)
            try unshare(.newTime)
            guard let offsets else { return }
            try file.borrowed.writeAll(text(offsets))
        }
    }

    /// The lines that /proc/PID/timens_offsets takes.
    static func text(_ offsets: TimeOffsetsSpec) -> String {
        var text = ""
        if let offset = offsets.monotonic { text += "monotonic \(offset.seconds) \(offset.nanoseconds)\n" }
        if let offset = offsets.boottime { text += "boottime \(offset.seconds) \(offset.nanoseconds)\n" }
        return text
    }
}
