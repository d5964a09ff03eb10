internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var mounts: [KernelFeature] {
        [
            KernelFeature(
                "mount.new-interface", .mounts, .required, since: "5.2",
                for: "every mount: fsopen(2), fsconfig(2), fsmount(2), move_mount(2)",
                without: "nothing starts",
                .process { () throws(SyscallError) in
                    try Sandbox.enter()
                    try Sandbox.makePlace()
                    return .present
                }),
            KernelFeature(
                "mount.pivot-root", .mounts, .required, since: "2.3.41",
                for: "taking the host's root away from a container", without: "nothing starts",
                .process { () throws(SyscallError) in
                    try Sandbox.enter()
                    try Sandbox.makePlace(["inner"])
                    let tree = try FileSystemContext(type: "tmpfs").mount()
                    let inner = try open("inner", [.pathOnly, .directory])
                    try moveMount(tree, onto: inner.borrowed)
                    try changeDirectory(to: tree.borrowed)
                    try pivotRoot(to: ".", oldRoot: ".")
                    return .present
                }),
            bare(
                "mount.openat2", .openInRoot, .recommended, "5.6",
                "paths that cannot lead out of a container's root",
                "a walk in steps that is as safe and slower",
                .mounts),
            bare(
                "mount.open-tree", .openTree, .recommended, "5.2",
                "binds as descriptors, opened before the container can interfere",
                "binds at a place of their own by mount(2)", .mounts),
            bare(
                "mount.setattr", .mountSetattr, .recommended, "5.12",
                "flags of mounts before they are attached",
                "mount(2), one mount after the other", .mounts),
            bare(
                "mount.recursive-flags", .recursiveReadOnly, .recommended, "5.12", "rro and its kin",
                "mount(2), one mount after the other", .mounts),
            KernelFeature(
                "mount.nosymfollow", .mounts, .optional, since: "5.10", for: "the option nosymfollow",
                without: "mounts with it are refused",
                .process { () throws(SyscallError) in
                    try Sandbox.enter()
                    _ = try FileSystemContext(type: "tmpfs").mount(.noSymlinkFollow)
                    return .present
                }),
            idmap("tmpfs", since: "6.3", "volumes in memory"),
            idmap("/", since: "5.12 (ext4, xfs), 5.15 (btrfs)", "binds from the file system of /"),
            bare(
                "file.chmod-reference", .changeModeOfReference, .recommended, "6.6",
                "modes of files that are opened only as references", "their names in /proc/self/fd"),
        ]
    }

    private static func idmap(_ place: Path, since: String, _ use: String) -> KernelFeature {
        KernelFeature(
            place == "/" ? "mount.idmap-root" : "mount.idmap-\(place)", .mounts, .optional, since: since,
            for: "the mount option idmap: \(use)", without: "mounts with it are refused",
            .process { () throws(SyscallError) in
                try Sandbox.enter()
                let namespace = try Sandbox.mappedNamespace()
                let tree: MountTree
                if place == "/" {
                    tree = try cloneTree("/", recursive: false)
                } else {
                    tree = try FileSystemContext(type: place.string).mount()
                }
                try setMountAttributes(tree.borrowed, userNamespace: namespace.borrowed)
                return .present
            })
    }
}
