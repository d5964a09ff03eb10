import LinuxSystem
import Rootfs
import RuntimeSpec
import Testing

private let isRoot = effectiveUserID() == 0

@Suite(.serialized, .enabled(if: isRoot, "needs root")) struct DefaultRootfsTests {
    @Test
    func `MNT-1, MNT-24: the default mounts are there with their flags, and the host's table is unchanged`()
        async
    {
        await #expect(processExitsWith: .success) {
            let before = try mountText()
            let trial = try ContainerTrial(name: "defaults")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let report = try trial.run {
                var found = Findings()
                let table = try mountsByPlace()
                found.expect(
                    Set(table.keys).isSuperset(of: [
                        "/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup",
                    ]), true, "mount points \(table.keys.sorted())")
                found.expect(table["/dev/shm"]?.options, "rw,nosuid,nodev,noexec,relatime", "/dev/shm")
                found.expect(table["/dev/shm"]?.source, "shm", "/dev/shm source")
                found.expect(table["/sys"]?.options, "ro,nosuid,nodev,noexec,relatime", "/sys")
                found.expect(table["/proc/sys"]?.options, "ro,relatime", "/proc/sys")
                found.expect(try workingDirectory(), "/", "working directory")
                for (name, major, minor) in [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("tty", 5, 0)]
                    as [(String, UInt32, UInt32)]
                {
                    let node = try status(of: Path("/dev/\(name)"))
                    found.expect(node.deviceNumber, DeviceNumber(major: major, minor: minor), name)
                    found.expect(node.mode, 0o666, "mode of \(name)")
                }
                found.expect(try readLink("/dev/ptmx"), "pts/ptmx", "/dev/ptmx")
                found.expect(try readLink("/dev/fd"), "/proc/self/fd", "/dev/fd")
                found.expect(try readLink("/dev/stderr"), "/proc/self/fd/2", "/dev/stderr")
                found.expect(
                    try status(of: "/proc/timer_list").deviceNumber, DeviceNumber(major: 1, minor: 3),
                    "masked /proc/timer_list")
                found.expect(
                    try names(in: "/sys/firmware"), [],
                    "masked /sys/firmware")
                found.expect("writing to a masked directory", failsWith: .EROFS) { () throws(SyscallError) in
                    try makeDirectory("/sys/firmware/x")
                }
                found.expect("writing to /proc/sys", failsWith: .EROFS) { () throws(SyscallError) in
                    _ = try open("/proc/sys/kernel/domainname", .writeOnly)
                }
                return found.lines
            }
            demandEmpty(report)
            #expect(try mountText() == before)
        }
    }

    @Test func `ROOT-2: a read-only root refuses writing, its mounts do not`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "readonly")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            trial.spec.root = RootSpec(path: "rootfs", readonly: true)
            trial.spec.mounts.append(MountSpec(destination: "/tmp", type: "tmpfs", options: ["ro"]))
            trial.spec.mounts.append(MountSpec(destination: "/tmp/inner", type: "tmpfs"))
            let report = try trial.run {
                var found = Findings()
                found.expect("writing to /", failsWith: .EROFS) { () throws(SyscallError) in
                    try makeDirectory("/x")
                }
                found.expect("writing to a read-only tmpfs", failsWith: .EROFS) { () throws(SyscallError) in
                    try makeDirectory("/tmp/x")
                }
                try makeDirectory("/tmp/inner/x")
                try makeDirectory("/dev/x")
                return found.lines
            }
            demandEmpty(report)
        }
    }

    @Test func `MNT-4, MNT-5, MNT-14: binds of directories and files with recursive flags`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "binds")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            try makeDirectory(trial.bundle.appending("data"))
            try makeNode(trial.bundle.appending("file"), kind: .regular, mode: 0o644)
            try makeNode(trial.bundle.appending("fifo"), kind: .fifo, mode: 0o644)
            trial.spec.mounts += [
                MountSpec(destination: "/new/dir", source: "data", options: ["rbind", "rro"]),
                MountSpec(destination: "/new/file", source: "file", options: ["bind", "ro"]),
                MountSpec(
                    destination: "/fifo", source: trial.bundle.appending("fifo").string, options: ["rbind"]),
                MountSpec(destination: "/proc/cpuinfo", source: "file", options: ["bind"]),
            ]
            let report = try trial.run {
                var found = Findings()
                found.expect("writing to a read-only bind", failsWith: .EROFS) { () throws(SyscallError) in
                    try makeDirectory("/new/dir/x")
                }
                found.expect(try status(of: "/new/file").kind, .regular, "/new/file")
                found.expect(try status(of: "/fifo").kind, .fifo, "/fifo")
                found.expect(try readFile("/proc/cpuinfo").count, 0, "/proc/cpuinfo")
                return found.lines
            }
            demandEmpty(report)
            // What spreads to the host is cloned before init is there.
            let missing = MountSpec(destination: "/x", source: "nothing/here", options: ["bind", "shared"])
            trial.spec.mounts = [missing]
            trial.spec.linux?.rootfsPropagation = .shared
            let plan = try MountPlan.make(spec: trial.spec, facts: trial.facts)
            let error = #expect(throws: StepError.self) { _ = try MountSources.open(plan).self }
            #expect(error?.description.contains("mounts[0]") == true)
            #expect(error?.hint?.contains("nothing: no such file or directory") == true)
        }
    }
}
