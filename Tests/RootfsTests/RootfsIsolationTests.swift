import LinuxSystem
import Rootfs
import RuntimeSpec
import Testing

@Suite(.serialized, .enabled(if: effectiveUserID() == 0, "needs root")) struct RootfsIsolationTests {
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
                    found.expect(try mountsByPlace()["/"]?.type, "tmpfs", "type of /")
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
                    found.expect(try mountsByPlace()["/"]?.type, "tmpfs", "type of /")
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
                    found.expect(try mountsByPlace()["/tmp"]?.options, "rw,nosuid,nodev,relatime", "/tmp")
                    let text = try mountText()
                    found.expect(text.contains("size=128k"), true, "size of /etc")
                    found.expect("writing to /etc", failsWith: .EROFS) { () throws(SyscallError) in
                        try makeDirectory("/etc/x")
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
            trial.facts.ownNamespaces.append(.user)
            trial.spec.linux?.uidMappings = map
            trial.spec.linux?.gidMappings = map
            trial.spec.root = RootSpec(path: "rootfs", readonly: true)
            trial.spec.hostname = "mapped"
            let before = try status(of: "/dev/null")
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    let table = try mountsByPlace()
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
            trial.facts.ownNamespaces.append(.user)
            trial.facts.ownNamespaces.removeAll { $0 == .network }
            trial.spec.linux?.uidMappings = map
            trial.spec.linux?.gidMappings = map
            trial.spec.mounts.removeAll { $0.destination == "/sys/fs/cgroup" }
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    for (place, mount) in try mountsByPlace() where place.hasPrefix("/sys") {
                        found.expect(mount.options.hasPrefix("ro"), true, "\(place) \(mount.options)")
                    }
                    found.expect(try mountsByPlace()["/sys"]?.type, "sysfs", "/sys")
                    return found.lines
                })
        }
    }

    @Test func `MNT-27: a rootless runtime lets the child open what the plan names`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "rootless")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let id: UInt32 = 1234
            try makeDirectory(trial.bundle.appending("data"))
            try makeNode(trial.bundle.appending("data/file"), kind: .regular, mode: 0o644)
            for name in [
                "", "rootfs", "rootfs/dev", "rootfs/proc", "rootfs/sys", "rootfs/etc", "rootfs/tmp", "data",
            ] {
                try changeOwner(of: trial.bundle.appending(Path(name)), userID: id, groupID: id)
            }
            let own = [IDMappingSpec(containerID: 0, hostID: id, size: 1)]
            trial.map = "0 \(id) 1\n"
            trial.flags.insert(.newUser)
            trial.facts.ownNamespaces.append(.user)
            trial.facts.opensInChild = true
            trial.spec.linux?.uidMappings = own
            trial.spec.linux?.gidMappings = own
            trial.spec.mounts.append(
                MountSpec(destination: "/new/data", source: "data", options: ["rbind", "ro"]))
            let rootless = trial
            demandEmpty(
                try asUser(id, writing: trial.bundle.appending("report")) {
                    try rootless.run {
                        var found = Findings()
                        found.expect(try names(in: "/new/data"), ["file"], "bind")
                        found.expect("writing to a read-only bind", failsWith: .EROFS) {
                            () throws(SyscallError) in
                            try makeDirectory("/new/data/x")
                        }
                        found.expect(
                            try status(of: "/dev/null").deviceNumber, DeviceNumber(major: 1, minor: 3), "null"
                        )
                        found.expect(try status(of: "/new").userID, 0, "owner of what was made")
                        found.expect(try mountsByPlace()["/dev/pts"]?.type, "devpts", "/dev/pts")
                        return found.lines
                    }
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
                    found.expect(try mountsByPlace()["/dev/console"]?.type, "devpts", "type")
                    return found.lines
                })
        }
    }

    @Test func `MNT-29: an overlay entry of many layers with long paths, and one for the old mount call`()
        async
    {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "layers")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let long = Path(String(repeating: "l", count: 100))
            let base = trial.bundle.appending(long)
            for number in 0..<60 { try makeDirectories(base.appending("\(number)/only-\(number)")) }
            for name in ["upper", "work"] { try makeDirectory(trial.bundle.appending(Path(name))) }
            // Longer than fsconfig(2) takes: this one has to go through mount(2).
            let deep = trial.bundle.appending("other").appending(long).appending(long).appending(long)
            try makeDirectories(deep.appending("inside"))
            let upper = trial.bundle.appending("upper")
            let work = trial.bundle.appending("work")
            trial.spec.mounts += [
                MountSpec(
                    destination: "/many", type: "overlay",
                    options: [
                        "lowerdir=" + (0..<60).map { base.appending("\($0)").string }.joined(separator: ":"),
                        "upperdir=\(upper)", "workdir=\(work)",
                    ]),
                MountSpec(
                    destination: "/old", type: "overlay",
                    options: ["lowerdir=\(deep):\(base)", "nosuid", "ro"]),
            ]
            demandEmpty(
                try trial.run {
                    var found = Findings()
                    found.expect(try names(in: "/many").count, 60, "layers")
                    try makeDirectory("/many/new")
                    found.expect(try names(in: "/old").contains("inside"), true, "old call")
                    found.expect(
                        try mountsByPlace()["/old"]?.options, "ro,nosuid,relatime", "flags of the old call")
                    return found.lines
                })
        }
    }

    @Test func `I-2: a target that is swapped all the time never leads a mount out of the root`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "swapper")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let root = trial.bundle.appending("rootfs")
            let canary = trial.bundle.appending("canary")
            try makeDirectory(canary)
            try makeDirectories(root.appending("shared/target"))
            try symlink(
                root.appending("shared/link"), to: Path("../../../../../../../../..").appending(canary))
            trial.spec.mounts += [
                MountSpec(destination: "/shared/target", type: "tmpfs"),
                MountSpec(destination: "/shared/target/made/by/us", type: "tmpfs"),
            ]
            let before = try mountText()
            let swapper = try startSwapper(root.appending("shared"))
            var outcomes: [String: Int] = [:]
            for _ in 0..<60 {
                let report = try trial.run {
                    try names(in: "/").contains("canary") ? ["the host is visible"] : []
                }
                if report.contains("visible") { Issue.record(Comment(rawValue: report)) }
                outcomes[String(report.prefix(40)), default: 0] += 1
            }
            try swapper.pidfd.borrowed.sendSignal(9)
            try waitForExit(of: .pidfd(swapper.pidfd.borrowed))
            #expect(try names(in: canary) == [])
            #expect(try mountText() == before)
            #expect(outcomes.count > 1, "the swapper never got in between: \(outcomes)")
        }
    }
}

/// A process that exchanges a directory and a link to the host without end.
private func startSwapper(_ path: Path) throws -> Child {
    let directory = try open(path, [.pathOnly, .directory])
    switch try cloneProcess() {
    case .child:
        while true { swapOnce(directory.borrowed) }
    case .parent(let child): return child
    }
}

private func swapOnce(_ directory: BorrowedFD) {
    bestEffort("the container's set-up makes names of its own meanwhile") { () throws(SyscallError) in
        try rename("target", in: directory, to: "aside", in: directory)
        try rename("link", in: directory, to: "target", in: directory)
        try rename("target", in: directory, to: "link", in: directory)
        try rename("aside", in: directory, to: "target", in: directory)
    }
}

/// Runs `body` in a process of another user and hands back the text that it gives.
private func asUser(_ id: UInt32, writing path: Path, _ body: () throws -> String) throws -> String {
    switch try cloneProcess() {
    case .child:
        let report: String
        do {
            try setSupplementaryGroups([])
            try setGroupIDs(id)
            try setUserIDs(id)
            // Changing ids closes /proc/self to the process itself; a runtime started by the user has it open.
            try processControl(.setDumpable, 1)
            report = try body()
        } catch {
            report = "\(error)"
        }
        bestEffort("a missing report fails the test") {
            let file = try open(path, [.writeOnly, .create], mode: 0o644)
            try file.borrowed.writeAll(report)
        }
        exitProcess(0)
    case .parent(let child):
        try waitForExit(of: .pidfd(child.pidfd.borrowed))
        return String(decoding: try readFile(path), as: UTF8.self)
    }
}
