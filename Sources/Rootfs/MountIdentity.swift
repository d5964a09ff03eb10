package import LinuxSystem

extension MountSources {
    /// Gives a tree the identity mapping of its entry, from a user namespace that exists only for that moment: no
    /// helper and no namespace is left behind (MNT-23).
    /// - SeeAlso: mount_setattr(2) MOUNT_ATTR_IDMAP
    static func applyIdentityMap(_ entry: MountEntry, to tree: borrowing MountTree) throws(SyscallError) {
        guard let map = entry.identityMap else { return }
        // What takes its place changes attached mounts, and those never get a mapping.
        if MountStaging.isOn { throw SyscallError(.mountSetattr, on: "idmap", .ENOSYS) }
        let namespace =
            if let path = map.namespace {
                try LinuxSystem.open(path, .readOnly)
            } else {
                try MountIdentityMap.userNamespace(users: map.users, groups: map.groups)
            }
        try setMountAttributes(
            tree.borrowed, userNamespace: namespace.borrowed, recursive: map.recursive)
    }
}

extension MountIdentityMap {
    /// Makes a user namespace with these mappings: a child that waits holds it until it is opened.
    package static func userNamespace(
        users: [Range], groups: [Range]
    ) throws(SyscallError) -> OwnedFD {
        switch try cloneProcess(.newUser) {
        case .child:
            // Killed by the parent, or by the kernel with it.
            bestEffort("without it a killed parent leaves a sleeping process") { () throws(SyscallError) in
                try processControl(.setParentDeathSignal, 9)
            }
            while true { Clock.sleep(nanoseconds: 1 << 60) }
        case .parent(let child):
            do throws(SyscallError) {
                let directory = try LinuxSystem.open("/proc/\(child.pid)", [.pathOnly, .directory])
                try writeFile("gid_map", in: directory.borrowed, lines(groups))
                try writeFile("uid_map", in: directory.borrowed, lines(users))
                let namespace = try LinuxSystem.open("ns/user", .readOnly, in: directory.borrowed)
                try end(child)
                return namespace
            } catch {
                bestEffort("the first error counts") { () throws(SyscallError) in try end(child) }
                throw error
            }
        }
    }

    private static func end(_ child: borrowing Child) throws(SyscallError) {
        try child.pidfd.borrowed.sendSignal(9)
        try waitForExit(of: .pidfd(child.pidfd.borrowed))
    }

    private static func lines(_ ranges: [MountIdentityMap.Range]) -> String {
        ranges.map { "\($0.inside) \($0.outside) \($0.count)\n" }.joined()
    }
}
