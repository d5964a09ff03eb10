import LinuxSystem
import Rootfs
import RuntimeSpec
import Testing

@Suite(.serialized, .enabled(if: effectiveUserID() == 0, "needs root")) struct RootfsFeatureTests {
    @Test func `SYS-1, HST-1, HST-2: parameters and names are set inside and not outside`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "sysctl")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let hostName = try readFile("/proc/sys/kernel/hostname")
            trial.spec.hostname = "inside"
            trial.spec.domainname = "example"
            trial.spec.linux?.sysctl = ["net.ipv4.ip_forward": "1", "kernel/msgmax": "9000"]
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(
                        try readFile("/proc/sys/net/ipv4/ip_forward"), Array("1\n".utf8), "ip_forward")
                    found.expect(try readFile("/proc/sys/kernel/msgmax"), Array("9000\n".utf8), "msgmax")
                    found.expect(
                        try readFile("/proc/sys/kernel/hostname"), Array("inside\n".utf8), "hostname")
                    found.expect(
                        try readFile("/proc/sys/kernel/domainname"), Array("example\n".utf8), "domainname")
                    return found.lines
                })
            #expect(try readFile("/proc/sys/kernel/hostname") == hostName)
        }
    }

    @Test func `I-3: a parameter hidden by a mount of the container is not written`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "cover")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            try makeNode(trial.bundle.appending("fake"), kind: .regular, mode: 0o644)
            trial.spec.mounts.append(
                MountSpec(destination: "/proc/sys/kernel/ns_last_pid", source: "fake", options: ["bind"]))
            trial.spec.linux?.sysctl = ["kernel.msgmax": "9000"]
            demandEmpty(try trial.run { [] })
            #expect(try readFile(trial.bundle.appending("fake")) == [])
        }
    }

    @Test func `PATH-2: many masked directories share one file system`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "masks")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let root = trial.bundle.appending("rootfs")
            for number in 0..<50 {
                try makeDirectories(root.appending("secret/\(number)"))
                try makeNode(root.appending("secret/\(number).txt"), kind: .regular, mode: 0o644)
            }
            trial.spec.linux?.maskedPaths = (0..<50).flatMap {
                ["/secret/\($0)", "/secret/\($0).txt", "/missing/\($0)"]
            }
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    let devices = try Set((0..<50).map { try status(of: "/secret/\($0)").device })
                    found.expect(devices.count, 1, "file systems under masked directories")
                    for number in 0..<50 {
                        found.expect(
                            try status(of: "/secret/\(number).txt").deviceNumber,
                            DeviceNumber(major: 1, minor: 3),
                            "masked file \(number)")
                    }
                    return found.lines
                })
        }
    }

    @Test func `MNT-18: tmpcopyup keeps content, owners, modes, links and times`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "copyup")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let etc = trial.bundle.appending("rootfs/etc")
            try makeDirectories(etc.appending("deep/er"))
            let file = try open(etc.appending("deep/file"), [.writeOnly, .create], mode: 0o644)
            try file.borrowed.writeAll("content")
            try file.borrowed.changeOwner(userID: 7, groupID: 8)
            try file.borrowed.changeMode(0o4750)
            try file.borrowed.setTimes(modified: FileTime(seconds: 1_000_000_000))
            let directory = try open(etc, [.pathOnly, .directory])
            try link("deep/file", in: directory.borrowed, to: "twin", in: directory.borrowed)
            try symlink("out", to: "/outside", in: directory.borrowed)
            try makeNode("pipe", in: directory.borrowed, kind: .fifo, mode: 0o600)
            trial.spec.mounts.append(
                MountSpec(destination: "/etc", type: "tmpfs", options: ["tmpcopyup", "mode=0711"]))
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(try readFile("/etc/deep/file"), Array("content".utf8), "content")
                    let copy = try status(of: "/etc/deep/file")
                    found.expect(copy.mode, 0o4750, "mode")
                    found.expect(copy.userID, 7, "owner")
                    found.expect(copy.groupID, 8, "group")
                    found.expect(copy.modified.seconds, 1_000_000_000, "time")
                    found.expect(copy.inode, try status(of: "/etc/twin").inode, "hard link")
                    found.expect(try readLink("/etc/out"), "/outside", "symbolic link")
                    found.expect(try status(of: "/etc/pipe").kind, .fifo, "pipe")
                    found.expect(try names(in: "/etc"), ["deep", "out", "pipe", "twin"], "names")
                    found.expect(try mountTable()["/etc"]?.type, "tmpfs", "type")
                    return found.lines
                })
        }
    }

    @Test func `MNT-19, MNT-21, MNT-23: an idmapped bind shows other owners and leaves no process`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "idmap")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            try makeDirectory(trial.bundle.appending("data"))
            let map = [IDMappingSpec(containerID: 0, hostID: 4000, size: 100)]
            trial.spec.mounts = [
                MountSpec(
                    destination: "/tmp", source: "data", options: ["bind", "idmap"], uidMappings: map,
                    gidMappings: map)
            ]
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(try status(of: "/tmp").userID, 4000, "owner")
                    return found.lines
                })
            let error = #expect(throws: SyscallError.self) { try waitForExit(of: .any, blocking: false) }
            #expect(error?.errno == .ECHILD)
        }
    }

    @Test func `DEV-1, DEV-2, DEV-3: listed devices are exact, a different file in the way is an error`()
        async
    {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "devices")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            setFileModeMask(0o077)
            trial.spec.linux?.devices = [
                DeviceSpec(
                    kind: .character, path: "/dev/net/tun", major: 10, minor: 200, fileMode: 0o664, uid: 3,
                    gid: 4),
                DeviceSpec(kind: .fifo, path: "/var/run/p", fileMode: 0o622),
                DeviceSpec(kind: .block, path: "/dev/b", major: 7, minor: 9),
            ]
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    let tun = try status(of: "/dev/net/tun")
                    found.expect(tun.deviceNumber, DeviceNumber(major: 10, minor: 200), "tun")
                    found.expect([tun.mode, tun.userID, tun.groupID], [0o664, 3, 4], "tun's mode and owner")
                    found.expect(try status(of: "/var/run/p").mode, 0o622, "mode of the FIFO")
                    found.expect(try status(of: "/dev/b").kind, .blockDevice, "block device")
                    return found.lines
                })
            trial.spec.mounts.removeAll { $0.destination == "/dev" }
            try makeNode(trial.bundle.appending("rootfs/dev/null"), kind: .regular, mode: 0o644)
            let report = try trial.run { [] }
            #expect(report.contains("make device /dev/null: a different file of that name"), "\(report)")
        }
    }

    @Test func `MNT-25: on a hybrid host only the container's own v1 cgroups show`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "hybrid")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            for name in ["memory", "cpu"] { try makeDirectories(trial.bundle.appending("cg/\(name)/own")) }
            trial.facts.cgroups = .hybrid(
                [
                    CgroupHierarchy(name: "memory", ownDirectory: trial.bundle.appending("cg/memory")),
                    CgroupHierarchy(name: "cpu,cpuacct", ownDirectory: trial.bundle.appending("cg/cpu")),
                ], unified: nil)
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(
                        try names(in: "/sys/fs/cgroup"), ["cpu", "cpu,cpuacct", "cpuacct", "memory"],
                        "hierarchies")
                    found.expect(try readLink("/sys/fs/cgroup/cpuacct"), "cpu,cpuacct", "link")
                    found.expect(try names(in: "/sys/fs/cgroup/memory"), ["own"], "own cgroup")
                    found.expect("making a hierarchy", failsWith: .EROFS) { () throws(SyscallError) in
                        try makeDirectory("/sys/fs/cgroup/x")
                    }
                    found.expect("making a cgroup", failsWith: .EROFS) { () throws(SyscallError) in
                        try makeDirectory("/sys/fs/cgroup/memory/x")
                    }
                    return found.lines
                })
        }
    }

    @Test func `MNT-12, PROP-1: propagation of binds and root`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "spread")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            try makeDirectory(trial.bundle.appending("data"))
            trial.spec.linux?.rootfsPropagation = .rshared
            trial.spec.mounts += [
                MountSpec(destination: "/a", source: "data", options: ["bind", "unbindable"]),
                MountSpec(destination: "/b", source: "data", options: ["rbind", "rprivate"]),
            ]
            let before = try mountText()
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    let lines = try mountText().split(separator: "\n")
                    let root = lines.first { $0.split(separator: " ")[4] == "/" } ?? ""
                    found.expect(root.contains(" shared:"), true, "shared root: \(root)")
                    let peers = before.split(separator: "\n").compactMap { line in
                        line.split(separator: " ").first { $0.hasPrefix("shared:") }
                    }
                    found.expect(peers.contains { root.contains(" \($0) ") }, false, "a peer of the host's")
                    let unbindable = lines.first { $0.split(separator: " ")[4] == "/a" } ?? ""
                    // The recursive setting of the root comes last and is meant for everything in it.
                    found.expect(unbindable.isEmpty, false, "bind /a")
                    return found.lines
                })
            #expect(try mountText() == before)
        }
    }

    @Test func `MNT-31: a mount on / is the container's root, nothing leaks`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "slash")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let before = try mountText()
            trial.spec.mounts.insert(MountSpec(destination: "/", type: "tmpfs", options: ["mode=755"]), at: 0)
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(try mountTable()["/"]?.type, "tmpfs", "type of /")
                    found.expect(try names(in: "/"), ["dev", "proc", "sys"], "names in /")
                    return found.lines
                })
            trial.spec.mounts[0] = MountSpec(destination: "/host", source: "/", options: ["rbind"])
            demandEmpty(
                try trial.run {
                    try statusIfPresent(of: "/host/proc/self") == nil
                        ? ["the host's /proc is not in the bind"] : []
                })
            #expect(try mountText() == before)
        }
    }

    @Test func `a detached tree handed over becomes the root`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "handed")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            trial.facts.hasRootTree = true
            let context = try FileSystemContext(type: "tmpfs")
            try context.set("mode", to: "755")
            let tree = try context.mount()
            demandEmpty(
                try trial.run(rootTree: tree) {
                    var found = Findings()
                    found.expect(try mountTable()["/"]?.type, "tmpfs", "type of /")
                    found.expect(try names(in: "/"), ["dev", "proc", "sys"], "names in /")
                    return found.lines
                })
            #expect(try names(in: trial.bundle.appending("rootfs")) == ["dev", "etc", "proc", "sys", "tmp"])
        }
    }

    @Test func `--no-pivot moves the root over / and changes into it`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "move")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            trial.facts.avoidsPivot = true
            let before = try mountText()
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(try names(in: "/"), ["dev", "etc", "proc", "sys", "tmp"], "names in /")
                    return found.lines
                })
            #expect(try mountText() == before)
        }
    }

    @Test func `MNT-11: remount changes what is there`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "remount")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            trial.spec.mounts += [
                MountSpec(destination: "/tmp", type: "tmpfs", options: ["size=64k"]),
                MountSpec(destination: "/tmp", options: ["bind", "remount", "nosuid", "nodev"]),
                MountSpec(destination: "/etc", type: "tmpfs", options: ["size=64k"]),
                MountSpec(destination: "/etc", options: ["remount", "size=128k", "ro"]),
            ]
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(try mountTable()["/tmp"]?.options, "rw,nosuid,nodev,relatime", "/tmp")
                    let text = try mountText()
                    found.expect(text.contains("size=128k"), true, "size of /etc")
                    found.expect("writing to /etc", failsWith: .EROFS) { () throws(SyscallError) in
                        try makeDirectory("/etc/x")
                    }
                    return found.lines
                })
        }
    }

    @Test func `I-6: a working directory outside the root is refused`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "cwd")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            trial.spec.mounts.removeAll { $0.destination == "/sys/fs/cgroup" }
            let host = try open("/", [.pathOnly, .directory])
            let number = host.rawValue
            let link = trial.bundle.appending("rootfs/link")
            try symlink(link, to: Path("/proc/self/fd/\(number)"))
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    for path in [Path("/proc/self/fd/\(number)"), "/link", "/proc/self/cwd"] {
                        do throws(StepError) {
                            try WorkingDirectory.enter(path)
                            found.expect(true, false, "entering \(path)")
                        } catch {
                            found.expect(error.description.contains("working directory"), true, "\(error)")
                        }
                    }
                    try WorkingDirectory.enter("/etc")
                    found.expect(try workingDirectory(), "/etc", "working directory")
                    try changeDirectory(to: host.borrowed)
                    do throws(StepError) {
                        try WorkingDirectory.enter(".")
                        found.expect(true, false, "staying on the host")
                    } catch {
                        found.expect(error.description.contains("outside"), true, "\(error)")
                    }
                    return found.lines
                })
        }
    }

    @Test func `MNT-30: a failure half way leaves the host's mounts alone and names the entry`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "failure")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let before = try mountText()
            trial.spec.mounts.append(MountSpec(destination: "/x", type: "nosuchfs"))
            let report = try trial.run { [] }
            #expect(
                report.hasPrefix("mount nosuchfs on /x (mounts[7]): fsopen(2) nosuchfs: ENODEV"), "\(report)")
            #expect(report.contains("hint: the kernel does not know"), "\(report)")
            trial.spec.mounts[7] = MountSpec(destination: "/x", type: "tmpfs", options: ["nosuchoption=1"])
            let other = try trial.run { [] }
            #expect(
                other.contains("mount tmpfs on /x (mounts[7]): fsconfig(2) tmpfs nosuchoption=1: EINVAL"),
                "\(other)")
            #expect(try mountText() == before)
        }
    }

    @Test func `DEV-4: in a user namespace host nodes are bound and stay as they are`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "userns")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let map = [IDMappingSpec(containerID: 0, hostID: 100000, size: 65536)]
            trial.flags.insert(.newUser)
            trial.facts.ownNamespaces.insert(.user)
            trial.spec.linux?.uidMappings = map
            trial.spec.linux?.gidMappings = map
            trial.spec.root = RootSpec(path: "rootfs", readonly: true)
            trial.spec.hostname = "mapped"
            let before = try status(of: "/dev/null")
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    let table = try mountTable()
                    found.expect(
                        table["/dev/null"]?.options.contains("nosuid,noexec"), true,
                        "/dev/null \(table["/dev/null"] as Any)")
                    found.expect(
                        try status(of: "/dev/null").deviceNumber, DeviceNumber(major: 1, minor: 3), "null")
                    try writeFile("/dev/null", "x")
                    found.expect(try status(of: "/dev/pts").userID, 0, "owner of /dev/pts")
                    found.expect(table["/proc"]?.type, "proc", "/proc")
                    found.expect(table["/sys"]?.type, "sysfs", "/sys")
                    found.expect(table["/dev/mqueue"]?.type, "mqueue", "/dev/mqueue")
                    found.expect(
                        try status(of: "/proc/timer_list").deviceNumber, DeviceNumber(major: 1, minor: 3),
                        "mask")
                    return found.lines
                })
            #expect(try status(of: "/dev/null") == before)
        }
    }

    @Test func `MNT-24, I-24: without a network namespace of its own a user namespace sees /sys read-only`()
        async
    {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "hostnet")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let map = [IDMappingSpec(containerID: 0, hostID: 100000, size: 65536)]
            trial.flags.insert(.newUser)
            trial.flags.remove([.newNetwork])
            trial.facts.ownNamespaces.insert(.user)
            trial.facts.ownNamespaces.remove(.network)
            trial.spec.linux?.uidMappings = map
            trial.spec.linux?.gidMappings = map
            trial.spec.mounts.removeAll { $0.destination == "/sys/fs/cgroup" }
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    for (place, mount) in try mountTable() where place.hasPrefix("/sys") {
                        found.expect(mount.options.hasPrefix("ro"), true, "\(place) \(mount.options)")
                    }
                    found.expect(try mountTable()["/sys"]?.type, "sysfs", "/sys")
                    return found.lines
                })
        }
    }

    @Test func `I-28: the console is the replica of the container's own devpts`() async {
        await #expect(processExitsWith: .success) {
            let trial = try ContainerTrial(name: "console")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            demandEmpty(
                try trial.run(console: true) {
                    var found = Findings()
                    let console = try status(of: "/dev/console")
                    found.expect(
                        console.deviceNumber, try status(of: "/dev/pts/0").deviceNumber, "/dev/console")
                    found.expect(try mountTable()["/dev/console"]?.type, "devpts", "type")
                    return found.lines
                })
        }
    }
}
