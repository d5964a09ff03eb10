internal import CLinux

/// The number of a process in the caller's pid namespace.
package struct ProcessID: Sendable, Hashable, CustomStringConvertible {
    package let rawValue: Int32
    /// From a number.
    package init(rawValue: Int32) { self.rawValue = rawValue }
    /// The decimal number.
    package var description: String { "\(rawValue)" }
}

/// Flags of clone(2), unshare(2), setns(2): which namespaces.
/// - SeeAlso: namespaces(7)
package struct CloneFlags: OptionSet, Sendable, Hashable {
    /// Bits CLONE_*.
    package let rawValue: UInt64
    /// From kernel bits.
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The union of flags. The generic way of the standard library costs some 5 us each time, because it is not
    /// specialised across modules.
    package init(arrayLiteral flags: CloneFlags...) {
        var bits: RawValue = 0
        for flag in flags { bits |= flag.rawValue }
        rawValue = bits
    }

    package static let newMount = CloneFlags(rawValue: CL_CLONE_NEWNS)
    package static let newPID = CloneFlags(rawValue: CL_CLONE_NEWPID)
    package static let newNetwork = CloneFlags(rawValue: CL_CLONE_NEWNET)
    package static let newIPC = CloneFlags(rawValue: CL_CLONE_NEWIPC)
    package static let newUTS = CloneFlags(rawValue: CL_CLONE_NEWUTS)
    package static let newUser = CloneFlags(rawValue: CL_CLONE_NEWUSER)
    package static let newCgroup = CloneFlags(rawValue: CL_CLONE_NEWCGROUP)
    package static let newTime = CloneFlags(rawValue: CL_CLONE_NEWTIME)
    /// Caller and child have one table of descriptors until one of them executes a program.
    package static let sharedFiles = CloneFlags(rawValue: CL_CLONE_FILES)
    /// The child's parent is the caller's parent.
    package static let sameParent = CloneFlags(rawValue: CL_CLONE_PARENT)
}

/// A child process that the caller made and must wait for or hand on.
package struct Child: ~Copyable {
    /// Its number as the caller sees it.
    package let pid: ProcessID
    /// The descriptor that refers to it and no later process of the same number.
    package let pidfd: OwnedFD

    /// A child by number and descriptor.
    package init(pid: ProcessID, pidfd: consuming OwnedFD) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Gives up the descriptor alone.
    package consuming func takePIDFD() -> OwnedFD { pidfd }
}

/// On which side of a clone the caller finds itself.
package enum CloneOutcome: ~Copyable {
    /// In the new process. It leaves only by exec or `exitProcess`.
    case child
    /// In the old process, with the new one.
    case parent(Child)
}

/// Makes a child process that goes on with a copy of the caller's memory, in new namespaces by flags and, where the
/// kernel can, born in a cgroup v2. Preconditions: the caller has one thread.
/// - SeeAlso: clone3(2)
package func cloneProcess(
    _ flags: CloneFlags = [], intoCgroup cgroup: BorrowedFD? = nil
) throws(SyscallError) -> CloneOutcome {
    var pidfd: Int32 = -1
    var bits = flags.rawValue | CL_CLONE_PIDFD
    if cgroup != nil { bits |= CL_CLONE_INTO_CGROUP }
    let exitSignal: Int32 = flags.contains(.sameParent) ? 0 : 17
    // SAFETY: the kernel stores the pidfd before the call returns in the parent.
    let result = unsafe cl_clone3(bits, &pidfd, exitSignal, cgroup?.rawValue ?? -1)
    if let cgroup, result == Int(-Errno.ENOSYS.rawValue) || result == Int(-Errno.E2BIG.rawValue) {
        return try cloneAndMove(flags, into: cgroup)
    }
    let pid = try check(.clone3, on: "flags 0x\(String(bits, radix: 16))", result)
    if pid == 0 { return .child }
    return .parent(Child(pid: ProcessID(rawValue: Int32(pid)), pidfd: OwnedFD(adopting: pidfd)))
}

/// For kernels before 5.7: the child waits until the caller has moved it, so that it does nothing outside its cgroup.
private func cloneAndMove(
    _ flags: CloneFlags, into cgroup: BorrowedFD
) throws(SyscallError) -> CloneOutcome {
    let gate = try Pipe()
    let outcome = try cloneProcess(flags)
    let ends = gate.ends()
    let readEnd = OwnedFD(adopting: ends.read)
    let writeEnd = OwnedFD(adopting: ends.write)
    switch consume outcome {
    case .child:
        _ = cl_close(writeEnd.release())
        guard try readEnd.borrowed.read(max: 1).count == 1 else { exitProcess(1) }
        return .child
    case .parent(let child):
        do throws(SyscallError) {
            try writeFile("cgroup.procs", in: cgroup, "\(child.pid)")
            try writeEnd.borrowed.writeAll([1])
        } catch {
            bestEffort("the first error counts, and the child waits for a word that never comes") {
                () throws(SyscallError) in
                try child.pidfd.borrowed.sendSignal(9)
                try waitForExit(of: .pidfd(child.pidfd.borrowed))
            }
            throw error
        }
        return .parent(child)
    }
}

/// Moves the caller into new namespaces (for pid and time: its later children).
/// - SeeAlso: unshare(2)
package func unshare(_ flags: CloneFlags) throws(SyscallError) {
    try check(.unshare, on: "flags 0x\(String(flags.rawValue, radix: 16))", cl_unshare(flags.rawValue))
}

/// Moves the caller into the namespace that `file` refers to; with a pidfd, into all kinds that `kinds` name.
/// - SeeAlso: setns(2)
package func joinNamespace(_ file: BorrowedFD, kinds: CloneFlags) throws(SyscallError) {
    let result = cl_setns(file.rawValue, kinds.rawValue)
    // EINVAL, or EBADF before 6.9: it may be what `openPIDFD` gives where there are no pidfds.
    if result == Int(-Errno.EINVAL.rawValue) || result == Int(-Errno.EBADF.rawValue),
        try file.fileSystemStatus().magic == FileSystemStatus.proc,
        try joinNamespaces(ofProcess: file, kinds)
    {
        return
    }
    try check(.setns, on: file.operand, result)
}

/// Joins one after the other, by the files of a process's directory in procfs; false when it is no such directory. All
/// are opened before the first is joined: in the user namespace the right to open the others may be gone.
private func joinNamespaces(ofProcess directory: BorrowedFD, _ kinds: CloneFlags) throws(SyscallError) -> Bool
{
    guard try statusIfPresent(of: "ns/mnt", in: directory) != nil else { return false }
    let names: [(CloneFlags, Path)] = [
        (.newUser, "ns/user"), (.newIPC, "ns/ipc"), (.newUTS, "ns/uts"), (.newNetwork, "ns/net"),
        (.newPID, "ns/pid"), (.newCgroup, "ns/cgroup"), (.newTime, "ns/time"), (.newMount, "ns/mnt"),
    ]
    var opened: [Int32] = []
    defer { for number in opened { _ = cl_close(number) } }
    for (kind, name) in names where kinds.contains(kind) {
        opened.append(try open(name, .readOnly, in: directory).release())
    }
    for number in opened { try check(.setns, on: directory.operand, cl_setns(number, 0)) }
    return true
}

/// The kind of the namespace that an open file refers to, as a single flag; ENOTTY when it is no namespace.
/// - SeeAlso: ioctl_nsfs(2) NS_GET_NSTYPE
package func namespaceKind(of file: BorrowedFD) throws(SyscallError) -> CloneFlags {
    let bits = try check(
        .ioctl, on: "\(file.operand) NS_GET_NSTYPE", cl_ioctl(file.rawValue, CL_NS_GET_NSTYPE, 0))
    return CloneFlags(rawValue: UInt64(bits))
}

/// How a process ended.
package enum ProcessExit: Sendable, Equatable {
    /// It called exit with this code.
    case exited(Int32)
    /// A signal of this number ended it.
    case signaled(Int32)

    /// What a shell reports: the code, or 128 + the signal.
    package var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let number): 128 + number
        }
    }
}

/// What a process and its waited-for descendants used.
/// - SeeAlso: getrusage(2)
package struct ResourceUsage: Sendable, Equatable {
    /// Microseconds in user mode.
    package var userMicroseconds: UInt64 = 0
    /// Microseconds in the kernel.
    package var systemMicroseconds: UInt64 = 0
    /// Largest resident set of a single process, bytes.
    package var maximumResidentBytes: UInt64 = 0
    /// Page faults that needed no I/O.
    package var minorFaults: UInt64 = 0
    /// Page faults that needed I/O.
    package var majorFaults: UInt64 = 0
    /// Blocks of 512 bytes read and written.
    package var inputBlocks: UInt64 = 0
    package var outputBlocks: UInt64 = 0
    package var voluntarySwitches: UInt64 = 0
    package var involuntarySwitches: UInt64 = 0

    /// Nothing used.
    package init() {}

    init(_ raw: rusage) {
        userMicroseconds = UInt64(raw.ru_utime.tv_sec) * 1_000_000 + UInt64(raw.ru_utime.tv_usec)
        systemMicroseconds = UInt64(raw.ru_stime.tv_sec) * 1_000_000 + UInt64(raw.ru_stime.tv_usec)
        maximumResidentBytes = UInt64(raw.ru_maxrss) * 1024
        minorFaults = UInt64(raw.ru_minflt)
        majorFaults = UInt64(raw.ru_majflt)
        inputBlocks = UInt64(raw.ru_inblock)
        outputBlocks = UInt64(raw.ru_oublock)
        voluntarySwitches = UInt64(raw.ru_nvcsw)
        involuntarySwitches = UInt64(raw.ru_nivcsw)
    }
}

/// A child that ended, by which way and at what cost.
package struct WaitResult: Sendable, Equatable {
    package let pid: ProcessID
    package let exit: ProcessExit
    package let usage: ResourceUsage
}

/// Whom to wait for.
package enum WaitTarget: Sendable {
    /// The child that a pidfd refers to.
    case pidfd(BorrowedFD)
    /// The child of a number.
    case pid(ProcessID)
    /// Any child.
    case any
}

/// Waits until a child has ended and takes its result away; with `blocking` false gives nil when it still runs.
/// - SeeAlso: waitid(2)
@discardableResult
package func waitForExit(of target: WaitTarget, blocking: Bool = true) throws(SyscallError) -> WaitResult? {
    let (kind, number): (Int32, Int32) =
        switch target {
        case .pidfd(let fd): (3, fd.rawValue)
        case .pid(let pid): (1, pid.rawValue)
        case .any: (0, 0)
        }
    var code: Int32 = 0
    var status: Int32 = 0
    var pid: Int32 = 0
    var usage = rusage()
    let options: Int32 = 4 | (blocking ? 0 : 1)  // WEXITED, WNOHANG
    try checkRetrying(.waitid, on: "\(number)") {
        // SAFETY: all four are filled during the call.
        unsafe cl_waitid(kind, number, options, &code, &status, &pid, &usage)
    }
    if pid == 0 { return nil }
    let exit: ProcessExit = code == 1 ? .exited(status) : .signaled(status)  // CLD_EXITED
    return WaitResult(pid: ProcessID(rawValue: pid), exit: exit, usage: ResourceUsage(usage))
}

/// A descriptor for a running process: for signals, and for `waitForEnd`. Kernels before 5.3 give one for signals only,
/// the process's directory in procfs, which poll(2) and waitid(2) do not take.
/// - SeeAlso: pidfd_open(2), pidfd_send_signal(2)
package func openPIDFD(_ pid: ProcessID) throws(SyscallError) -> OwnedFD {
    let result = cl_pidfd_open(pid.rawValue)
    guard result == Int(-Errno.ENOSYS.rawValue) else {
        return OwnedFD(adopting: Int32(try check(.pidfdOpen, on: "\(pid)", result)))
    }
    do throws(SyscallError) {
        return try open("/proc/\(pid)", [.readOnly, .directory])
    } catch {
        throw SyscallError(.pidfdOpen, on: "\(pid)", error.errno == .ENOENT ? .ESRCH : error.errno)
    }
}

/// Waits until the process of a descriptor from `openPIDFD` has ended, also as a zombie; whether it has in time.
/// - SeeAlso: pidfd_open(2), proc_pid_stat(5)
@discardableResult
package func waitForEnd(of process: BorrowedFD, _ deadline: Deadline) throws(SyscallError) -> Bool {
    guard try process.fileSystemStatus().magic == FileSystemStatus.proc else {
        let events = try poll([(process, .readable)], timeoutMilliseconds: deadline.milliseconds)
        return !events[0].isEmpty
    }
    while true {
        do throws(SyscallError) {
            let text = try readFile("stat", in: process, sizeHint: 1024)
            // The program's name stands in parentheses and may hold anything; the state follows it.
            guard let end = text.lastIndex(of: UInt8(ascii: ")")), text.count > end + 2 else { return true }
            if text[end + 2] == UInt8(ascii: "Z") || text[end + 2] == UInt8(ascii: "X") { return true }
        } catch {
            if error.errno == .ENOENT || error.errno == .ESRCH { return true }
            throw error
        }
        if deadline.isOver { return false }
        Clock.sleep(nanoseconds: 1_000_000)
    }
}

extension BorrowedFD {
    /// Sends a signal to the process that this pidfd refers to; 0 only asks whether it is there.
    /// - SeeAlso: pidfd_send_signal(2)
    package func sendSignal(_ number: Int32) throws(SyscallError) {
        try check(.pidfdSendSignal, on: "signal \(number)", cl_pidfd_send_signal(rawValue, number))
    }

    /// A copy of a descriptor of the process that this pidfd refers to.
    /// - SeeAlso: pidfd_getfd(2)
    package func copyDescriptor(_ number: Int32) throws(SyscallError) -> OwnedFD {
        OwnedFD(adopting: Int32(try check(.pidfdGetfd, on: "\(number)", cl_pidfd_getfd(rawValue, number))))
    }
}
