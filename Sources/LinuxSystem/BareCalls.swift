internal import CLinux

/// System calls as the running kernel has them, for finding out what it can: elsewhere older ones stand in for those that
/// are missing. Each really makes the call and throws what the kernel says. What they make goes with the process.
package enum BareCall: Sendable {
    case clone3, openInRoot, closeRange, pidfdOpen, pidfdGet, pidfdPoll
    case openTree, mountSetattr, recursiveReadOnly
    case compareProcesses, memoryMapSize, changeModeOfReference, executableMemoryFile

    /// Makes the call in a way that changes nothing outside the caller.
    package func make() throws(SyscallError) {
        let here = BorrowedFD.currentDirectory.rawValue
        switch self {
        case .clone3:
            let result = cl_bare_clone3()
            if result != Int(-Errno.EINVAL.rawValue) { try check(.clone3, result) }
        case .openInRoot:
            let result = unsafe Path("/").withCString {
                unsafe cl_openat2(here, $0, CL_O_PATH | CL_O_CLOEXEC, 0, Resolve.inRoot.rawValue)
            }
            try check(.openat2, result)
        case .closeRange: try check(.closeRange, cl_close_range(UInt32(Int32.max), UInt32(Int32.max), 4))
        case .pidfdOpen: try check(.pidfdOpen, cl_pidfd_open(cl_getpid()))
        case .pidfdGet:
            let process = try pidfdOfCaller()
            try check(.pidfdGetfd, cl_pidfd_getfd(process.rawValue, process.rawValue))
        case .pidfdPoll:
            let process = try pidfdOfCaller()
            let found = try poll([(process.borrowed, .readable)], timeoutMilliseconds: 0)
            if found[0].contains(.invalid) { throw SyscallError(.poll, .EINVAL) }
        case .openTree: _ = try bareTree()
        case .mountSetattr: try setAttributes(.noSetUserID, recursive: false)
        case .recursiveReadOnly: try setAttributes(.readOnly, recursive: true)
        case .compareProcesses: try check(.prctl, on: "kcmp(2)", cl_bare_kcmp(cl_getpid()))
        case .memoryMapSize: try check(.prctl, cl_bare_map_size())
        case .changeModeOfReference:
            let file = try open("/proc/self", [.pathOnly])
            let result = unsafe Path("").withCString {
                unsafe cl_fchmodat2(file.rawValue, $0, 0o555, CL_AT_EMPTY_PATH)
            }
            if result == Int(-Errno.ENOSYS.rawValue) { try check(.fchmod, result) }
        case .executableMemoryFile:
            let result = unsafe Path("check").withCString {
                unsafe cl_memfd_create($0, CL_MFD_CLOEXEC | CL_MFD_EXEC)
            }
            try check(.memfdCreate, result)
        }
    }

    private func pidfdOfCaller() throws(SyscallError) -> OwnedFD {
        OwnedFD(adopting: Int32(try check(.pidfdOpen, cl_pidfd_open(cl_getpid()))))
    }

    private func bareTree() throws(SyscallError) -> OwnedFD {
        let flags = CL_OPEN_TREE_CLONE | CL_AT_RECURSIVE
        let result = unsafe Path("/").withCString { unsafe cl_open_tree(-100, $0, flags) }
        return OwnedFD(adopting: Int32(try check(.openTree, result)))
    }

    private func setAttributes(_ set: MountAttributes, recursive: Bool) throws(SyscallError) {
        let tree = try bareTree()
        var attributes = cl_mount_attr(attr_set: set.rawValue, attr_clr: 0, propagation: 0, userns_fd: 0)
        let flags = CL_AT_EMPTY_PATH | (recursive ? CL_AT_RECURSIVE : 0)
        let result = unsafe Path("").withCString {
            unsafe cl_mount_setattr(tree.rawValue, $0, flags, &attributes)
        }
        try check(.mountSetattr, result)
    }
}

/// Makes a child in a cgroup v2 by clone3(2) alone; ENOSYS or E2BIG where the kernel cannot.
/// - SeeAlso: clone3(2) CLONE_INTO_CGROUP
package func cloneProcessBorn(inCgroup cgroup: BorrowedFD) throws(SyscallError) -> CloneOutcome {
    var pidfd: Int32 = -1
    // SAFETY: the kernel stores the pidfd before the call returns in the parent.
    let result = unsafe cl_clone3(CL_CLONE_PIDFD | CL_CLONE_INTO_CGROUP, &pidfd, 17, cgroup.rawValue)
    let pid = try check(.clone3, on: "CLONE_INTO_CGROUP", result)
    if pid == 0 { return .child }
    return .parent(Child(pid: ProcessID(rawValue: Int32(pid)), pidfd: OwnedFD(adopting: pidfd)))
}

/// Whether a seccomp listener of the caller's takes descriptors for the program.
/// - SeeAlso: seccomp_unotify(2) SECCOMP_IOCTL_NOTIF_ADDFD
package func listenerTakesDescriptors(_ listener: BorrowedFD) -> Bool {
    cl_bare_add_fd(listener.rawValue) == -Int(Errno.ENOENT.rawValue)
}

/// Whether the file system of an open file can guard files by fs-verity.
/// - SeeAlso: Documentation/filesystems/fsverity.rst, FS_IOC_MEASURE_VERITY
package func checkVerity(of file: BorrowedFD) throws(SyscallError) {
    let result = cl_bare_verity(file.rawValue)
    if result != -Int(Errno.ENODATA.rawValue) { try check(.ioctl, on: "FS_IOC_MEASURE_VERITY", result) }
}

/// The release of the running kernel: `6.1.0-40-amd64`.
/// - SeeAlso: uname(2)
package func kernelRelease() -> String {
    var release: [CChar] = Array(repeating: 0, count: 65)
    // SAFETY: the call fills 65 bytes, the last of which is 0.
    let result = unsafe cl_release(&release)
    guard result >= 0 else { return "unknown" }
    return String(decoding: release.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
