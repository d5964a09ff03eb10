import LinuxSystem
import Rootfs
import RuntimeSpec
import Testing

/// Builds a container's file system in a process of its own and lets a test look at it from inside.
struct ContainerTrial {
    /// The bundle, with `rootfs` in it.
    let bundle: Path
    var spec: RuntimeSpec
    var facts: RootfsFacts
    /// The lines of both id maps, when there is a user namespace.
    var map = "0 100000 65536\n"
    var flags: CloneFlags = [.newMount, .newPID, .newIPC, .newUTS, .newNetwork]

    /// A fresh bundle directory whose rootfs has the usual directories.
    init(name: String, directories: [Path] = ["dev", "proc", "sys", "etc", "tmp"]) throws {
        bundle = Path("/tmp/skiff-rootfs-tests-\(currentProcessID())-\(name)")
        try makeDirectories(bundle.appending("rootfs"))
        for directory in directories { try makeDirectories(bundle.appending("rootfs").appending(directory)) }
        spec = RuntimeSpec(
            ociVersion: "1.2.0", root: RootSpec(path: "rootfs"), mounts: ContainerTrial.defaultMounts,
            linux: LinuxSpec(
                maskedPaths: [
                    "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/scsi", "/sys/firmware",
                    "/proc/timer_list",
                ],
                readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]))
        facts = RootfsFacts(
            ownNamespaces: [.pid, .mount, .ipc, .uts, .network, .cgroup], bundle: bundle, cgroups: .none)
    }

    func remove() throws { try removeTree(bundle) }

    /// Everything of the child, in a function that returns: in one that ends in `exitProcess` the compiler may close
    /// descriptors right after their last use.
    private func reportFromInside(
        _ plan: MountPlan, _ sources: consuming MountSources, mapped: BorrowedFD, console: Bool,
        _ inside: () throws -> [String]
    ) -> String {
        do {
            if flags.contains(.newUser) {
                _ = try mapped.read(max: 1)
                try setGroupIDs(0)
                try setUserIDs(0)
            }
            var context = try RootfsSteps.attach(plan, sources)
            try RootfsSteps.run(RootfsSteps.beforeHooks, on: &context)
            if console { return try reportWithConsole(&context, inside) }
            try RootfsSteps.run(RootfsSteps.afterHooks, on: &context)
            return try inside().joined(separator: "\n")
        } catch {
            return "\(error)"
        }
    }

    private func reportWithConsole(
        _ context: inout RootfsContext, _ inside: () throws -> [String]
    ) throws -> String {
        let pts = try open("dev/pts", [.pathOnly, .directory], in: context.root, resolving: .inRoot)
        let primary = try Terminal.openPrimary(ptmx: "ptmx", in: pts.borrowed)
        let replica = try Terminal.openReplica(of: primary.borrowed)
        try context.placeConsole(replica.borrowed)
        try RootfsSteps.run(RootfsSteps.afterHooks, on: &context)
        return try inside().joined(separator: "\n")
    }

    /// What runc's default configuration mounts.
    static let defaultMounts = [
        MountSpec(destination: "/proc", type: "proc", source: "proc"),
        MountSpec(
            destination: "/dev", type: "tmpfs", source: "tmpfs",
            options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        MountSpec(
            destination: "/dev/pts", type: "devpts", source: "devpts",
            options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        MountSpec(
            destination: "/dev/shm", type: "tmpfs", source: "shm",
            options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        MountSpec(
            destination: "/dev/mqueue", type: "mqueue", source: "mqueue",
            options: ["nosuid", "noexec", "nodev"]),
        MountSpec(
            destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]),
        MountSpec(
            destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
            options: ["nosuid", "noexec", "nodev", "relatime", "ro"]),
    ]

    /// Builds the file system in a child process and calls `inside` there; what it finds wrong comes back as text,
    /// what fails to build as the error's text. Empty means all is well.
    func run(
        rootTree: consuming MountTree? = nil, console: Bool = false, _ inside: () throws -> [String]
    ) throws -> String {
        let plan = try MountPlan.make(spec: spec, facts: facts)
        let sources = try MountSources.open(plan, rootTree: rootTree)
        let pipe = try Pipe()
        let mapped = try Pipe()
        switch try cloneProcess(flags) {
        case .child:
            let report = reportFromInside(
                plan, sources, mapped: mapped.readEnd.borrowed, console: console, inside)
            bestEffort("the parent sees a short report") { () throws(SyscallError) in
                try pipe.writeEnd.borrowed.writeAll(report)
            }
            exitProcess(0)
        case .parent(let child):
            if flags.contains(.newUser) {
                let isPrivileged = effectiveUserID() == 0
                if !isPrivileged { try writeFile(Path("/proc/\(child.pid)/setgroups"), "deny") }
                for name in ["uid_map", "gid_map"] { try writeFile(Path("/proc/\(child.pid)/\(name)"), map) }
                try mapped.writeEnd.borrowed.writeAll("x")
            }
            let ends = pipe.ends()
            _ = OwnedFD(adopting: ends.write)
            let reader = OwnedFD(adopting: ends.read)
            let bytes = try reader.borrowed.readAll()
            try waitForExit(of: .pidfd(child.pidfd.borrowed))
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// Lines of differences between what was expected and what was found.
struct Findings {
    private(set) var lines: [String] = []

    mutating func expect<Value: Equatable>(
        _ found: @autoclosure () throws -> Value, _ wanted: Value, _ what: String
    ) {
        do {
            let value = try found()
            if value != wanted { lines.append("\(what): \(value), not \(wanted)") }
        } catch {
            lines.append("\(what): \(error)")
        }
    }

    mutating func expect(_ what: String, failsWith errno: Errno, _ body: () throws(SyscallError) -> Void) {
        do throws(SyscallError) {
            try body()
            lines.append("\(what): succeeded")
        } catch {
            if error.errno != errno { lines.append("\(what): \(error)") }
        }
    }
}

/// The mounts of the calling process: mount point → (type, per-mount options, source).
func mountsByPlace() throws -> [String: (type: String, options: String, source: String)] {
    var table: [String: (type: String, options: String, source: String)] = [:]
    for line in String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).split(separator: "\n") {
        let halves = line.split(separator: " - ", maxSplits: 1).map { String($0) }
        let left = halves[0].split(separator: " ").map { String($0) }
        let right = halves[1].split(separator: " ").map { String($0) }
        table[left[4]] = (right[0], left[5], right[1])
    }
    return table
}

/// The whole mount table as text.
func mountText() throws -> String { String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self) }

/// Records a report of findings as an issue, unless it is empty.
func demandEmpty(_ report: String) {
    if !report.isEmpty { Issue.record(Comment(rawValue: report)) }
}

/// The names in a directory, sorted.
func names(in path: Path) throws -> [String] {
    let directory = try open(path, [.readOnly, .directory])
    return try directory.borrowed.list().map(\.name.string).sorted()
}
