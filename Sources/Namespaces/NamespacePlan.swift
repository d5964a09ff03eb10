package import LinuxSystem
package import RuntimeSpec

/// Which namespaces a container gets, and who makes or joins which at what moment. Pure.
///
/// ```
///                         runtime (R)                              child (I)
///  usual:                 [join pid] ─ clone3(new, but cgroup) ──▶ join rest ─ …in its cgroup… unshare cgroup
///  new user + joins:      join all but mount ─ clone3(user, new) ─▶ (R goes back to its own) ─ join mount
///  joined user, new pid:  clone3() ─▶ helper: join others, user ─ clone3(new, CLONE_PARENT) ─▶ I, a child of R
///  joined user, no pid:   [join pid] ─ clone3() ─────────────────▶ join others, user ─ unshare(new)
///  new time:              unshare(time), offsets ─ clone3() ──────▶ is in it from birth
///  new time + new user:                clone3(user, …) ───────────▶ unshare(time), offsets; entered by exec
/// ```
/// A namespace belongs to the user namespace that its maker is in, and procfs, mqueue and sysfs mount only for the
/// owner: so with a joined user namespace the others are made after joining it, and with a new one in the same clone3.
/// The cgroup namespace takes the cgroup of its maker as its root, so it is made by the child once it is in its cgroup.
/// - SeeAlso: clone(2), setns(2), user_namespaces(7), time_namespaces(7), pid_namespaces(7)
package struct NamespacePlan: Sendable, Equatable {
    /// One namespace to join.
    package struct Join: Sendable, Hashable {
        /// Its kind.
        package var kind: NamespaceKind
        /// A file of it, absolute on the host.
        package var path: String
    }

    /// New namespaces that clone3 makes: by the runtime, or by the helper when `needsHelper`.
    package var cloneFlags: CloneFlags = []
    /// Joins that the runtime does around the clone and takes back after it.
    package var runtimeJoins: [Join] = []
    /// Joins that the child (or helper) does, in order.
    package var childJoins: [Join] = []
    /// New namespaces that the child makes after its joins.
    package var unshareFlags: CloneFlags = []
    /// Whether a helper process has to sit between runtime and child: a pid namespace that belongs to a joined user
    /// namespace cannot be made otherwise.
    package var needsHelper = false
    /// Whether the child makes a cgroup namespace once it is in its cgroup.
    package var makesCgroupNamespace = false
    /// Who makes a new time namespace.
    package var timeNamespace = TimeNamespace.none
    /// Clock offsets to write before anything enters the time namespace.
    package var timeOffsets: TimeOffsetsSpec?
    /// User id ranges, for a new user namespace to be written, for a joined one to be compared.
    package var userMappings: [IDMappingSpec] = []
    /// Group id ranges.
    package var groupMappings: [IDMappingSpec] = []
    /// Kinds that are made new.
    package var new: CloneFlags = []

    /// Who makes a new time namespace, and when.
    package enum TimeNamespace: Sendable, Hashable {
        /// None is made.
        case none
        /// The runtime, before the clone: the child is in it from birth.
        case byRuntime
        /// The child, after its identity maps are written: the program enters it by exec (kernel 6.2 and newer).
        case byChild
    }

    /// Whether the container has a user namespace that the runtime is not in.
    package var hasUserNamespace: Bool { new.contains(.user) || joins.contains { $0.kind == .user } }
    /// Whether the runtime must write identity maps.
    package var needsMappings: Bool { new.contains(.user) }
    /// Whether a new network namespace needs its loopback device set up.
    package var wantsLoopback: Bool { new.contains(.network) }
    /// All joins.
    package var joins: [Join] { runtimeJoins + childJoins }

    /// Decides from `linux.namespaces`, mappings and time offsets.
    /// - Throws: `SpecError` for a duplicate kind, a relative path, bad mappings or offsets without a time namespace.
    /// - SeeAlso: runtime-spec config-linux.md §Namespaces; checklist NS-1 … NS-8, MAP-1 … MAP-5, TIME-1
    package init(spec: RuntimeSpec) throws(SpecError) {
        let linux = spec.linux ?? LinuxSpec()
        var seen: CloneFlags = []
        var joins: [Join] = []
        for (index, namespace) in linux.namespaces.enumerated() {
            let flag = CloneFlags(namespace.kind)
            guard seen.insert(flag).inserted else {
                throw SpecError(
                    field: "linux.namespaces[\(index)]", reason: "is listed twice",
                    value: namespace.kind.rawValue)
            }
            guard let path = namespace.path, !path.isEmpty else {
                new.insert(flag)
                continue
            }
            guard path.hasPrefix("/"), !path.utf8.contains(0) else {
                throw SpecError(
                    field: "linux.namespaces[\(index)].path", reason: "must be absolute", value: path)
            }
            joins.append(Join(kind: namespace.kind, path: path))
        }
        userMappings = linux.uidMappings
        groupMappings = linux.gidMappings
        try checkMappings(userMappings, field: "linux.uidMappings", hasUser: seen.contains(.user))
        try checkMappings(groupMappings, field: "linux.gidMappings", hasUser: seen.contains(.user))
        try takeTimeOffsets(linux)
        if !joins.isEmpty {
            joins = NamespaceKind.joinOrder.flatMap { kind in joins.filter { $0.kind == kind } }
        }
        arrange(joins)
    }

    private mutating func arrange(_ joins: [Join]) {
        let joinsUser = joins.contains { $0.kind == .user }
        makesCgroupNamespace = new.contains(.cgroup)
        if new.contains(.time) { timeNamespace = new.contains(.user) || joinsUser ? .byChild : .byRuntime }
        let made = new.subtracting([.newCgroup, .newTime])
        if joinsUser, made.contains(.pid) {
            needsHelper = true
            childJoins = joins
            cloneFlags = made
            return
        }
        if joinsUser {
            unshareFlags = made
        } else {
            cloneFlags = made
        }
        // A pid namespace takes in only children of the joining process, so it is joined by the runtime. Beside a new
        // user namespace the child would lack the right to join anything of the host's; the runtime has it.
        let byRuntime = { (join: Join) in join.kind == .pid || (made.contains(.user) && join.kind != .mount) }
        runtimeJoins = joins.filter(byRuntime)
        childJoins = joins.filter { !byRuntime($0) }
    }

    private mutating func takeTimeOffsets(_ linux: LinuxSpec) throws(SpecError) {
        guard let offsets = linux.timeOffsets, offsets.monotonic != nil || offsets.boottime != nil else {
            return
        }
        guard new.contains(.time) else {
            throw SpecError(field: "linux.timeOffsets", reason: "needs a new time namespace")
        }
        try check(offsets.monotonic, "monotonic")
        try check(offsets.boottime, "boottime")
        timeOffsets = offsets
    }

    private func check(_ offset: TimeOffsetsSpec.Offset?, _ name: String) throws(SpecError) {
        guard let offset, offset.nanoseconds > 999_999_999 else { return }
        throw SpecError(
            field: "linux.timeOffsets.\(name).nanosecs", reason: "must be below 1000000000",
            value: "\(offset.nanoseconds)")
    }

    private func checkMappings(_ list: [IDMappingSpec], field: String, hasUser: Bool) throws(SpecError) {
        if list.isEmpty {
            if new.contains(.newUser) {
                throw SpecError(field: field, reason: "is required with a new user namespace")
            }
            return
        }
        guard hasUser else { throw SpecError(field: field, reason: "needs a user namespace") }
        try MappingRules.check(list, field: field)
        // The child makes files and nodes as id 0 while it furnishes the root file system.
        guard !new.contains(.newUser) || list.contains(where: { $0.containerID == 0 }) else {
            throw SpecError(field: field, reason: "must map id 0 of the container")
        }
    }
}

/// What the kernel demands of identity maps (MAP-3).
enum MappingRules {
    /// The kernel's bound on lines in uid_map, user_namespaces(7).
    static let maximumExtents = 340

    static func check(_ list: [IDMappingSpec], field: String) throws(SpecError) {
        guard list.count <= maximumExtents else {
            throw SpecError(
                field: field, reason: "must have at most \(maximumExtents) entries", value: "\(list.count)")
        }
        for (index, range) in list.enumerated() {
            let last = UInt64(UInt32.max)
            guard range.size > 0, UInt64(range.containerID) + UInt64(range.size) <= last,
                UInt64(range.hostID) + UInt64(range.size) <= last
            else {
                throw SpecError(
                    field: "\(field)[\(index)]", reason: "must have a size above 0 and ids below 2^32 - 1")
            }
        }
        try checkOverlap(list, field: field, side: "containerID") { $0.containerID }
        try checkOverlap(list, field: field, side: "hostID") { $0.hostID }
    }

    private static func checkOverlap(
        _ list: [IDMappingSpec], field: String, side: String, _ start: (IDMappingSpec) -> UInt32
    ) throws(SpecError) {
        let sorted = list.sorted { start($0) < start($1) }
        for (one, next) in zip(sorted, sorted.dropFirst())
        where UInt64(start(one)) + UInt64(one.size) > UInt64(start(next)) {
            throw SpecError(
                field: field, reason: "has ranges that overlap in \(side)", value: "\(start(next))")
        }
    }
}
