internal import LinuxSystem

/// Where a probe may do what needs rights: namespaces that end with it.
enum Sandbox {
    /// CAP_SYS_ADMIN.
    private static let administer: UInt64 = 1 << 21

    /// Makes sure that the caller may make namespaces and mounts: in a user namespace of its own unless it may already.
    static func gainRights() throws(SyscallError) {
        if try threadCapabilities().effective & administer == 0 { try enterUserNamespace() }
    }

    /// A user namespace in which the caller is root.
    static func enterUserNamespace() throws(SyscallError) {
        let (user, group) = (effectiveUserID(), effectiveGroupID())
        try unshare(.newUser)
        try writeFile("/proc/self/setgroups", "deny")
        try writeFile("/proc/self/uid_map", "0 \(user) 1")
        try writeFile("/proc/self/gid_map", "0 \(group) 1")
    }

    /// A mount namespace from which nothing propagates.
    static func enter(_ more: CloneFlags = []) throws(SyscallError) {
        try gainRights()
        try unshare(more.union(.newMount))
        try makePrivate()
    }

    private static func makePrivate() throws(SyscallError) {
        let privateRecursively: UInt64 = 1 << 18 | 0x4000
        try legacyMount(source: nil, onto: "/", type: nil, flags: privateRecursively)
    }

    /// Mounts a tmpfs for what a probe has to write, makes directories in it, and makes it the working directory.
    /// Preconditions: `enter`.
    static func makePlace(_ names: [Path] = []) throws(SyscallError) {
        let tree = try FileSystemContext(type: "tmpfs").mount()
        try moveMount(tree, onto: try place(), in: .currentDirectory)
        try changeDirectory(to: tree.borrowed)
        for name in names { try makeDirectory(name) }
    }

    /// Any directory that no probe needs.
    private static func place() throws(SyscallError) -> Path {
        for path: Path in ["/tmp", "/run", "/mnt", "/sys"]
        where try statusIfPresent(of: path, following: true)?.kind == .directory {
            return path
        }
        throw SyscallError(.moveMount, on: "/tmp", .ENOENT)
    }

    /// A user namespace that maps ids 0 to 999 to those from 100000 on.
    static func mappedNamespace() throws(SyscallError) -> OwnedFD {
        let gate = try Pipe()
        switch try cloneProcess(.newUser) {
        case .child:
            // Ends with the other end of the pipe, which is then closed.
            let number = gate.takeReadEnd().release()
            bestEffort("the end of the pipe ends it either way") { () throws(SyscallError) in
                _ = try BorrowedFD(rawValue: number).read(max: 1)
            }
            exitProcess(0)
        case .parent(let child):
            let writeEnd = gate.takeWriteEnd()
            let namespace = try namespace(of: child.pid)
            try writeEnd.close()
            try waitForExit(of: .pidfd(child.pidfd.borrowed))
            return namespace
        }
    }

    private static func namespace(of child: ProcessID) throws(SyscallError) -> OwnedFD {
        try writeFile("/proc/\(child)/uid_map", "0 100000 1000")
        try writeFile("/proc/\(child)/gid_map", "0 100000 1000")
        return try open("/proc/\(child)/ns/user", .readOnly)
    }
}
