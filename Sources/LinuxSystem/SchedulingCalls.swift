internal import CLinux

/// Scheduling attributes of a process; numbers that a policy does not use are 0.
/// - SeeAlso: sched_setattr(2)
package struct SchedulingAttributes: Sendable, Equatable {
    /// SCHED_OTHER 0, FIFO 1, RR 2, BATCH 3, ISO 4, IDLE 5, DEADLINE 6.
    package var policy: UInt32 = 0
    /// SCHED_FLAG_* bits.
    package var flags: UInt64 = 0
    package var nice: Int32 = 0
    package var priority: UInt32 = 0
    /// Nanoseconds, for SCHED_DEADLINE.
    package var runtime: UInt64 = 0
    package var deadline: UInt64 = 0
    package var period: UInt64 = 0
    /// SCHED_OTHER with nice 0.
    package init() {}
}

/// Sets the scheduling of a process, 0 being the caller.
/// - SeeAlso: sched_setattr(2)
package func setScheduling(_ wanted: SchedulingAttributes, of pid: Int32 = 0) throws(SyscallError) {
    var raw = cl_sched_attr()
    raw.size = UInt32(MemoryLayout<cl_sched_attr>.size)
    raw.sched_policy = wanted.policy
    raw.sched_flags = wanted.flags
    raw.sched_nice = wanted.nice
    raw.sched_priority = wanted.priority
    raw.sched_runtime = wanted.runtime
    raw.sched_deadline = wanted.deadline
    raw.sched_period = wanted.period
    // SAFETY: read during the call.
    try check(.schedSetattr, on: "policy \(wanted.policy)", unsafe cl_sched_setattr(pid, &raw))
}

/// Lets a process (0: the caller) run on these processors only.
/// - SeeAlso: sched_setaffinity(2)
package func setAffinity(_ processors: [Int], of pid: Int32 = 0) throws(SyscallError) {
    let highest = processors.max() ?? 0
    var mask = [UInt64](repeating: 0, count: highest / 64 + 1)
    for processor in processors where processor >= 0 { mask[processor / 64] |= 1 << UInt64(processor % 64) }
    // SAFETY: the mask is read during the call.
    try check(.schedSetaffinity, unsafe cl_sched_setaffinity(pid, mask.count * 8, mask))
}

/// Lets a process (0: the caller) run on every processor that its cpuset has.
/// - SeeAlso: sched_setaffinity(2)
package func resetAffinity(of pid: Int32 = 0) throws(SyscallError) {
    try check(.schedSetaffinity, cl_sched_reset_affinity(pid))
}

/// The processors that a process (0: the caller) may run on.
/// - SeeAlso: sched_getaffinity(2)
package func affinity(of pid: Int32 = 0) throws(SyscallError) -> [Int] {
    var mask = [UInt64](repeating: 0, count: 128)
    // SAFETY: the mask is filled during the call.
    try check(.schedSetaffinity, unsafe cl_sched_getaffinity(pid, mask.count * 8, &mask))
    return (0..<(mask.count * 64)).filter { mask[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
}

/// Sets the I/O priority of the caller's process group. Class: 1 real time, 2 best effort, 3 idle; level 0…7.
/// - SeeAlso: ioprio_set(2)
package func setIOPriority(class ioClass: Int32, level: Int32) throws(SyscallError) {
    try check(.ioprioSet, on: "class \(ioClass) level \(level)", cl_ioprio_set(2, 0, ioClass << 13 | level))
}

/// Sets the execution domain of the caller: 0 Linux, 8 Linux32.
/// - SeeAlso: personality(2)
package func setPersonality(_ domain: UInt64) throws(SyscallError) {
    try check(.personality, on: "\(domain)", cl_personality(domain))
}

/// Sets the memory policy of the caller: MPOL_* mode with flags, and a bit mask of nodes.
/// - SeeAlso: set_mempolicy(2)
package func setMemoryPolicy(mode: Int32, nodes: [UInt64]) throws(SyscallError) {
    // SAFETY: the mask is read during the call.
    let result = unsafe nodes.withUnsafeBufferPointer {
        unsafe cl_set_mempolicy(
            mode, $0.isEmpty ? nil : $0.baseAddress, UInt64($0.count * 64 + ($0.isEmpty ? 0 : 1)))
    }
    try check(.setMempolicy, on: "mode \(mode)", result)
}

/// Gives the caller a session keyring of its own.
/// - SeeAlso: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING
@discardableResult
package func joinSessionKeyring(named name: String) throws(SyscallError) -> Int32 {
    let result = unsafe Path(name).withCString { unsafe cl_join_session_keyring($0) }
    return Int32(truncatingIfNeeded: try check(.keyctl, on: name, result))
}

/// Sets the permissions of a key.
/// - SeeAlso: keyctl(2) KEYCTL_SETPERM
package func setKeyPermissions(_ key: Int32, _ mask: UInt32) throws(SyscallError) {
    try check(.keyctl, on: "\(key)", cl_keyctl(5, UInt64(UInt32(bitPattern: key)), UInt64(mask), 0))
}

/// Puts a filter of 8-byte instructions (struct sock_filter) on the caller; with SECCOMP_FILTER_FLAG_NEW_LISTENER
/// the result is the listener's descriptor.
/// - SeeAlso: seccomp(2) SECCOMP_SET_MODE_FILTER
@discardableResult
package func loadSeccompFilter(_ program: [UInt8], flags: UInt32) throws(SyscallError) -> Int32 {
    guard program.count % 8 == 0, program.count / 8 <= 4096 else { throw SyscallError(.seccomp, .EINVAL) }
    // SAFETY: the kernel copies the program during the call.
    let result = unsafe program.withUnsafeBytes {
        unsafe cl_seccomp_load($0.baseAddress, UInt16(program.count / 8), flags)
    }
    return Int32(try check(.seccomp, on: "\(program.count / 8) instructions", result))
}

/// Sets a network interface of the caller's network namespace up.
/// - SeeAlso: netdevice(7) SIOCSIFFLAGS
package func bringInterfaceUp(_ name: String) throws(SyscallError) {
    try check(
        .ioctl, on: "SIOCSIFFLAGS \(name)", unsafe Path(name).withCString { unsafe cl_interface_up($0) })
}
