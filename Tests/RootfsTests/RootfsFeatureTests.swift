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
                    found.expect(try mountsByPlace()["/etc"]?.type, "tmpfs", "type")
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
}
