import Cgroups
import LinuxSystem
import RuntimeSpec
import Synchronization
import Testing

/// The machine's trees.
func host() throws -> CgroupHost { try CgroupHost.detect() }

/// The machine's v2 tree alone, as a host without v1 has it.
func unifiedHost() throws -> CgroupHost {
    let all = try host()
    return CgroupHost(unified: all.unified, unifiedControllers: all.unifiedControllers)
}

/// The machine's v1 trees alone.
func legacyHost() throws -> CgroupHost {
    CgroupHost(unified: nil, legacy: try host().legacy)
}

/// Whether this machine has a controller that we may use; nil asks only for any tree.
func mayUse(_ controller: Controller?) -> Bool {
    guard effectiveUserID() == 0, let host = try? host() else { return false }
    return controller.map { host.home(of: $0) != nil } ?? (host.layout != .none)
}

private let counter = Atomic<Int>(0)

/// A path that no other test uses.
func freshPath() throws -> CgroupPath {
    let number = counter.add(1, ordering: .relaxed).newValue
    return try CgroupPath(cgroupsPath: "/skiff-test-\(currentProcessID())-\(number)", id: "")
}

func exists(_ path: Path) throws -> Bool { try statusIfPresent(of: path) != nil }

func pause(milliseconds: Int64) { Clock.sleep(nanoseconds: milliseconds * 1_000_000) }

/// Makes a cgroup for the time of a test; nothing may be left of it afterwards.
func withCgroup(
    _ resources: ResourcesSpec? = nil, on host: CgroupHost, at path: CgroupPath? = nil,
    _ body: (borrowing Cgroup) throws -> Void
) throws {
    let plan = try CgroupPlan.make(resources: resources, path: try path ?? freshPath(), host: host)
    let cgroup = try Cgroup.create(plan)
    do {
        try body(cgroup)
    } catch {
        try cgroup.remove()
        throw error
    }
    try cgroup.remove()
    for directory in plan.directories {
        let left = directory.mountPoint.appending(plan.path.relative)
        #expect(try !exists(left), "\(left) is left")
    }
}

/// A shell command that was born in a cgroup, or moved there by its pid.
final class Guest {
    let pid: ProcessID
    private let pidfd: OwnedFD
    private var isReaped = false

    /// Starts the shell. It enters by itself before it becomes a shell, as a container's first process does.
    init(_ command: String, in cgroup: borrowing Cgroup) throws {
        let entry = try cgroup.openEntry()
        let nowhere = try open("/dev/null", .readWrite)
        let started = try Pipe().ends()
        switch try cloneProcess(intoCgroup: cgroup.v2Directory) {
        case .child:
            do throws(SyscallError) {
                for file in entry.files { try file.writeAll("0") }
                for number: Int32 in 0...2 { try nowhere.borrowed.duplicate(onto: number) }
                try execute(
                    "/bin/sh", arguments: ["sh", "-c", command],
                    environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            } catch {
                exitProcess(125)
            }
        case .parent(let child):
            pid = child.pid
            pidfd = try child.pidfd.borrowed.duplicate()
            // The child's end closes with exec: then it is in the cgroup and a shell.
            let readEnd = OwnedFD(adopting: started.read)
            try OwnedFD(adopting: started.write).close()
            _ = try readEnd.borrowed.read(max: 1)
        }
    }

    /// How it ended; a test that waits longer than a minute has failed.
    func wait() throws -> ProcessExit {
        let events = try poll([(fd: pidfd.borrowed, events: .readable)], timeoutMilliseconds: 60_000)
        try #require(events.first?.contains(.readable) == true, "\(pid) does not end")
        isReaped = true
        return try #require(try waitForExit(of: .pidfd(pidfd.borrowed))).exit
    }

    /// Nothing may stay behind, not even a zombie: exit tests wait for any child and would find it for ever.
    deinit {
        guard !isReaped else { return }
        bestEffort("it may have ended") { () throws(SyscallError) in try pidfd.borrowed.sendSignal(9) }
        bestEffort("the test has its result") { () throws(SyscallError) in
            _ = try waitForExit(of: .pidfd(pidfd.borrowed))
        }
    }
}

/// Asks again until it is so, at most five seconds.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<500 {
        if try condition() { return true }
        pause(milliseconds: 10)
    }
    return false
}

/// Tests that use the kernel's cgroups run one after the other: they clone this process and measure time.
@Suite(.serialized, .enabled(if: mayUse(nil), "needs root and mounted cgroups")) struct KernelTests {}
