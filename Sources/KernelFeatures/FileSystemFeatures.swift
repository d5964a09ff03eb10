internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var fileSystems: [KernelFeature] {
        [
            mountable("proc", .required, "1.0", "/proc of a container", "nothing starts", in: .newPID),
            mountable("tmpfs", .required, "2.4", "/dev and /run of a container", "nothing starts"),
            mountable(
                "sysfs", .recommended, "2.6", "/sys of a container", "containers with /sys do not start",
                in: .newNetwork),
            KernelFeature(
                "fs.devpts", .fileSystems, .recommended, since: "4.7",
                for: "terminals of a container's own", without: "containers with /dev/pts do not start",
                .process { () throws(SyscallError) in
                    try Sandbox.enter()
                    try Sandbox.makePlace(["pts"])
                    let context = try FileSystemContext(type: "devpts")
                    try context.setFlag("newinstance")
                    try context.set("ptmxmode", to: "0666")
                    let tree = try context.mount()
                    let target = try open("pts", [.pathOnly, .directory])
                    try moveMount(tree, onto: target.borrowed)
                    let primary = try Terminal.openPrimary(ptmx: "ptmx", in: tree.borrowed)
                    _ = try Terminal.openReplica(of: primary.borrowed)
                    return .present
                }),
            mountable(
                "mqueue", .recommended, "2.6.6", "/dev/mqueue of a container",
                "containers with /dev/mqueue do not start", in: .newIPC),
            // In the first cgroup namespace a mount without options would take the options of the host's away.
            mountable(
                "cgroup2", .recommended, "4.5", "/sys/fs/cgroup of a container", "only v1 is seen there",
                in: .newCgroup),
            mountable(
                "erofs", .optional, "5.4", "mounts of type erofs; a program on one needs no seal",
                "mounts with it are refused", images: true),
            KernelFeature(
                "fs.erofs-files", .fileSystems, .optional, since: "6.12",
                for: "mounts of type erofs from a file without a loop device",
                without: "such mounts are refused",
                .process { () throws(SyscallError) in
                    try Sandbox.enter()
                    return try takesErofsFrom(try readLink("/proc/self/exe"))
                }),
            KernelFeature(
                "fs.tmpfs-in-userns", .fileSystems, .recommended, since: "3.9",
                for: "/dev of containers with a user namespace", without: "such containers do not start",
                .process { () throws(SyscallError) in
                    try Sandbox.enterUserNamespace()
                    try Sandbox.enter()
                    _ = try FileSystemContext(type: "tmpfs").mount()
                    return .present
                }),
            KernelFeature(
                "fs.loop", .fileSystems, .optional, since: "2.2 (loop-control: 3.1)",
                for: "images of file systems that are to be mounted", without: "such mounts are refused",
                .process { () throws(SyscallError) in
                    _ = try open("/dev/loop-control", .readWrite)
                    return .present
                }),
            KernelFeature(
                "fs.verity", .fileSystems, .optional, since: "5.4",
                for: "skiff's own file guarded by fs-verity needs no other seal",
                without: "an overlay or a copy in memory seals it, at each start",
                .process { () throws(SyscallError) in
                    let file = try open("/proc/self/exe", .readOnly)
                    try checkVerity(of: file.borrowed)
                    return .present
                }),
            KernelFeature(
                "fs.resctrl", .fileSystems, .optional, since: "4.10", for: "linux.intelRdt",
                without: "configurations with it are refused",
                .process { () throws(SyscallError) in
                    let known = String(decoding: try readFile("/proc/filesystems"), as: UTF8.self)
                    return known.split(separator: "\n").contains("nodev\tresctrl")
                        ? .present : .absent("the processor or the kernel lacks it")
                }),
        ]
    }

    private static func mountable(
        _ type: String, _ need: Need, _ since: String, _ use: String, _ without: String,
        in kinds: CloneFlags = [], images: Bool = false
    ) -> KernelFeature {
        KernelFeature(
            "fs.\(type)", .fileSystems, need, since: since, for: use, without: without,
            .process { () throws(SyscallError) in
                try Sandbox.enter(kinds)
                // One with an image is known when it can be opened; a new pid namespace is the children's.
                if images {
                    _ = try FileSystemContext(type: type)
                    return .present
                }
                if kinds != .newPID {
                    _ = try FileSystemContext(type: type).mount()
                    return .present
                }
                return ProbeProcess.ask { () throws(SyscallError) in
                    _ = try FileSystemContext(type: type).mount()
                    return .present
                }
            })
    }

    /// A kernel that takes files finds that this one is no image; another does not even look.
    private static func takesErofsFrom(_ file: Path) throws(SyscallError) -> Answer {
        let context = try FileSystemContext(type: "erofs")
        try context.set("source", to: file)
        do throws(SyscallError) {
            _ = try context.mount(.readOnly)
            return .present
        } catch {
            if error.errno == .EINVAL { return .present }
            if error.errno != Errno(rawValue: 15) { throw error }  // ENOTBLK
            return .absent("\(error.call.name): ENOTBLK; or skiff's own file is on tmpfs or an overlay")
        }
    }
}
