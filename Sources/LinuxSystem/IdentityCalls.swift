internal import CLinux

/// - SeeAlso: getuid(2)
package func realUserID() -> UInt32 { cl_getuid() }
/// - SeeAlso: geteuid(2)
package func effectiveUserID() -> UInt32 { cl_geteuid() }
/// - SeeAlso: getgid(2)
package func realGroupID() -> UInt32 { cl_getgid() }
/// - SeeAlso: getegid(2)
package func effectiveGroupID() -> UInt32 { cl_getegid() }

/// Sets real, effective and saved user id of the caller, which has one thread.
/// - SeeAlso: setresuid(2)
package func setUserIDs(_ id: UInt32) throws(SyscallError) {
    try check(.setresuid, on: "\(id)", cl_setresuid(id))
}

/// Sets real, effective and saved group id of the caller, which has one thread.
/// - SeeAlso: setresgid(2)
package func setGroupIDs(_ id: UInt32) throws(SyscallError) {
    try check(.setresgid, on: "\(id)", cl_setresgid(id))
}

/// Real, effective and saved user id.
/// - SeeAlso: getresuid(2)
package func userIDs() throws(SyscallError) -> [UInt32] {
    var ids: [UInt32] = [0, 0, 0]
    // SAFETY: three integers are filled during the call.
    try check(.getresuid, unsafe cl_getresuid(&ids))
    return ids
}

/// Real, effective and saved group id.
/// - SeeAlso: getresgid(2)
package func groupIDs() throws(SyscallError) -> [UInt32] {
    var ids: [UInt32] = [0, 0, 0]
    // SAFETY: three integers are filled during the call.
    try check(.getresuid, unsafe cl_getresgid(&ids))
    return ids
}

/// Makes the supplementary groups exactly these.
/// - SeeAlso: setgroups(2)
package func setSupplementaryGroups(_ groups: [UInt32]) throws(SyscallError) {
    // SAFETY: the kernel copies the list during the call.
    let result = unsafe groups.withUnsafeBufferPointer { unsafe cl_setgroups($0.count, $0.baseAddress) }
    try check(.setgroups, on: "\(groups.count) groups", result)
}

/// The supplementary groups.
/// - SeeAlso: getgroups(2)
package func supplementaryGroups() throws(SyscallError) -> [UInt32] {
    let count = try check(.getgroups, cl_getgroups(0, nil))
    var groups = [UInt32](repeating: 0, count: count)
    // SAFETY: `count` integers are filled during the call.
    let filled = try check(.getgroups, unsafe cl_getgroups(Int32(count), &groups))
    return Array(groups.prefix(filled))
}

/// The three capability sets of a thread that capget(2) knows, a bit per capability.
/// - SeeAlso: capabilities(7)
package struct ThreadCapabilities: Sendable, Equatable {
    package var effective: UInt64
    package var permitted: UInt64
    package var inheritable: UInt64
    /// From bit masks.
    package init(effective: UInt64, permitted: UInt64, inheritable: UInt64) {
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable
    }
}

/// - SeeAlso: capget(2)
package func threadCapabilities() throws(SyscallError) -> ThreadCapabilities {
    var sets = ThreadCapabilities(effective: 0, permitted: 0, inheritable: 0)
    // SAFETY: three integers are filled during the call.
    try check(.capget, unsafe cl_capget(&sets.effective, &sets.permitted, &sets.inheritable))
    return sets
}

/// - SeeAlso: capset(2)
package func setThreadCapabilities(_ sets: ThreadCapabilities) throws(SyscallError) {
    try check(.capset, cl_capset(sets.effective, sets.permitted, sets.inheritable))
}

/// Options of prctl(2) that skiff uses, by their kernel numbers.
package enum ProcessControl: Int32, Sendable {
    case setParentDeathSignal = 1
    case getDumpable = 3
    case setDumpable = 4
    case getKeepCapabilities = 7
    case setKeepCapabilities = 8
    case setName = 15
    case readBoundingCapability = 23
    case dropBoundingCapability = 24
    case getSecureBits = 27
    case setSecureBits = 28
    case setChildSubreaper = 36
    case getChildSubreaper = 37
    case setNoNewPrivileges = 38
    case getNoNewPrivileges = 39
    case ambientCapability = 47
}

/// - SeeAlso: prctl(2)
@discardableResult
package func processControl(
    _ option: ProcessControl, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0
) throws(SyscallError) -> Int {
    try check(.prctl, on: "\(option) \(a)", cl_prctl(option.rawValue, a, b, c, 0))
}

/// Names the process for ps and top; the kernel keeps 15 bytes.
/// - SeeAlso: prctl(2) PR_SET_NAME
package func setProcessName(_ name: String) throws(SyscallError) {
    let result = unsafe Path(name).withCString { pointer in
        cl_prctl(ProcessControl.setName.rawValue, UInt64(UInt(bitPattern: pointer)), 0, 0, 0)
    }
    try check(.prctl, on: "PR_SET_NAME \(name)", result)
}

/// Soft and hard limit of a resource; UInt64.max is without limit.
package struct ResourceLimit: Sendable, Equatable {
    package let soft: UInt64
    package let hard: UInt64
    /// From both limits.
    package init(soft: UInt64, hard: UInt64) {
        self.soft = soft
        self.hard = hard
    }
}

/// The limit of a resource (RLIMIT_* number) of a process, 0 being the caller.
/// - SeeAlso: prlimit(2)
package func resourceLimit(_ resource: Int32, of pid: Int32 = 0) throws(SyscallError) -> ResourceLimit {
    var raw = rlimit()
    // SAFETY: filled during the call.
    try check(.prlimit, on: "\(resource)", unsafe cl_prlimit(pid, resource, nil, &raw))
    return ResourceLimit(soft: UInt64(raw.rlim_cur), hard: UInt64(raw.rlim_max))
}

/// Sets the limit of a resource (RLIMIT_* number) of a process, 0 being the caller.
/// - SeeAlso: prlimit(2)
package func setResourceLimit(
    _ resource: Int32, to limit: ResourceLimit, of pid: Int32 = 0
) throws(SyscallError) {
    var raw = rlimit(rlim_cur: rlim_t(limit.soft), rlim_max: rlim_t(limit.hard))
    // SAFETY: read during the call.
    try check(
        .prlimit, on: "\(resource)=\(limit.soft):\(limit.hard)", unsafe cl_prlimit(pid, resource, &raw, nil))
}
