import Cgroups
import LinuxSystem
import RuntimeSpec
import Synchronization
import Testing

private let counter = Atomic<Int>(0)

/// A folder with files as a kernel has them, for what this machine's kernel may lack.
private func withTree(_ files: [Path: String], _ body: (Path) throws -> Void) throws {
    let number = counter.add(1, ordering: .relaxed).newValue
    let root: Path = "/tmp/skiff-test-\(currentProcessID())-tree\(number)"
    try makeDirectory(root)
    do {
        for (file, text) in files {
            try makeDirectories(root.appending(file).parent)
            let opened = try open(root.appending(file), [.writeOnly, .create], mode: 0o644)
            try opened.borrowed.writeAll(text)
        }
        try body(root)
    } catch {
        try removeTree(root)
        throw error
    }
    try removeTree(root)
}

private func text(_ path: Path) throws -> String { String(decoding: try readFile(path), as: UTF8.self) }

/// An unused cgroup.
private let unused: [Path: String] = [
    "a/cgroup.procs": "", "a/cgroup.events": "populated 0\nfrozen 0\n", "a/cgroup.controllers": "",
    "cgroup.subtree_control": "",
]

@Suite struct TemporaryTreeTests {
    private func statistics(_ tree: CgroupTree, _ controllers: [Controller], _ files: [Path: String]) throws
        -> CgroupStatistics
    {
        var result = CgroupStatistics()
        try withTree(files) { root in
            let path = root.appending("a")
            let directory = try open(path, [.readOnly, .directory])
            result = CgroupStatistics.read(from: [
                CgroupFiles(
                    tree: tree, controllers: controllers, path: path, depth: 1, descriptor: directory.borrowed
                )
            ])
        }
        return result
    }

    @Test func `v2 figures come from their files (W-8, W-9)`() throws {
        let statistics = try statistics(
            .unified, [],
            [
                "a/cpu.stat":
                    "usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 5\nnr_throttled 2\nthrottled_usec 7\n",
                "a/memory.current": "100\n", "a/memory.peak": "200\n", "a/memory.max": "max\n",
                "a/memory.swap.current": "0\n",
                "a/memory.stat": "anon 50\nfile 40\nkernel 10\npgfault 9\npgmajfault 1\n",
                "a/memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n", "a/pids.current": "1\n",
                "a/pids.peak": "7\n",
                "a/pids.max": "64\n", "a/pids.events": "max 4\n",
                "a/io.stat":
                    "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n8:16 rbytes=10 wbytes=20 rios=30 wios=40\n",
                "a/memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\n",
            ])
        let expected: [(FigureKind, UInt64, String)] = [
            (.cpuUsage, 30, "cpu.stat usage_usec"), (.cpuThrottledTime, 7, "cpu.stat throttled_usec"),
            (.memoryPeak, 200, "memory.peak"), (.memoryAnonymous, 50, "memory.stat anon"),
            (.memoryLimitHits, 3, "memory.events max"), (.memoryOOMKills, 2, "memory.events oom_kill"),
            (.processesPeak, 7, "pids.peak"), (.processesLimitHits, 4, "pids.events max"),
            (.ioReadBytes, 11, "io.stat rbytes, wbytes"), (.ioWriteOperations, 44, "io.stat rios, wios"),
            (.pressureMemorySome, 11, "memory.pressure some"), (.memorySwap, 0, "memory.swap.current"),
        ]
        for (kind, number, source) in expected { #expect(statistics[kind] == .value(number, source: source)) }
        #expect(statistics[.memoryLimit] == .unlimited(source: "memory.max"))
        #expect(statistics.devices.count == 2)
        // A file or key that is not there is told, never 0.
        #expect(statistics[.memorySwapPeak] == .unavailable("this kernel or cgroup has no memory.swap.peak"))
        #expect(statistics[.memorySockets] == .unavailable("memory.stat has no sock"))
        #expect(statistics[.pressureIOSome].number == nil && statistics[.pressureMemoryFull].number == nil)
    }

    @Test func `v1 counts disks only once they are throttled`() throws {
        let bytes: Path = "blkio.throttle.io_service_bytes_recursive"
        let operations: Path = "blkio.throttle.io_serviced_recursive"
        func figure(root: String, own: String) throws -> Figure {
            try statistics(
                .legacy("blkio"), [.io],
                [bytes: root, Path("a/\(bytes)"): own, Path("a/\(operations)"): own]
            )[.ioReadBytes]
        }
        #expect(try figure(root: "Total 0\n", own: "Total 0\n").number == nil)
        #expect(try figure(root: "8:0 Read 5\nTotal 5\n", own: "Total 0\n").number == 0)
        #expect(
            try figure(root: "8:0 Read 5\nTotal 5\n", own: "8:0 Read 3\n8:0 Write 1\nTotal 4\n").number == 3)
    }

    @Test func `v1 limit hits that the kernel does not count are not called 0`() throws {
        func hits(peak: String, failcnt: String) throws -> Figure {
            try statistics(
                .legacy("memory"), [.memory],
                [
                    "a/memory.limit_in_bytes": "33554432\n", "a/memory.max_usage_in_bytes": peak,
                    "a/memory.failcnt": failcnt, "a/memory.memsw.failcnt": "2\n",
                ])[.memoryLimitHits]
        }
        #expect(try hits(peak: "1000\n", failcnt: "1\n").number == 3)
        try withTree([:]) { _ in }
        let none = try statistics(
            .legacy("memory"), [.memory],
            [
                "a/memory.limit_in_bytes": "33554432\n", "a/memory.max_usage_in_bytes": "33554432\n",
                "a/memory.failcnt": "0\n",
            ])
        #expect(none[.memoryLimitHits].number == nil)
    }

    @Test func `controllers are enabled above and limits written below (RES-23)`() throws {
        var files = unused
        for name in ["memory.max", "memory.swap.max", "pids.max", "cpu.weight", "io.weight"] {
            files[Path("a/\(name)")] = ""
        }
        try withTree(files) { root in
            let host = CgroupHost(unified: root, unifiedControllers: ["cpu", "io", "memory", "pids"])
            let resources = ResourcesSpec(
                memory: .init(limit: 4096, swap: 8192), cpu: .init(shares: 1024), pids: .init(limit: 9),
                blockIO: .init(weight: 500))
            let plan = try CgroupPlan.make(
                resources: resources, path: CgroupPath(cgroupsPath: "/a", id: ""), host: host)
            _ = try Cgroup.create(plan)
            #expect(try text(root.appending("cgroup.subtree_control")) == "+cpu +memory +pids +io")
            #expect(try text(root.appending("a/memory.max")) == "4096")
            #expect(try text(root.appending("a/memory.swap.max")) == "4096")
            #expect(try text(root.appending("a/pids.max")) == "9")
            #expect(try text(root.appending("a/cpu.weight")) == "100")
            #expect(try text(root.appending("a/io.weight")) == "4950")
        }
    }

    @Test func `enabled controllers are left alone`() throws {
        var files = unused
        files["a/cgroup.controllers"] = "cpu io memory pids\n"
        try withTree(files) { root in
            let host = CgroupHost(unified: root, unifiedControllers: ["cpu", "io", "memory", "pids"])
            _ = try Cgroup.create(
                CgroupPlan.make(resources: nil, path: CgroupPath(cgroupsPath: "/a", id: ""), host: host))
            #expect(try text(root.appending("cgroup.subtree_control")).isEmpty)
        }
    }

    @Test func `a frozen cgroup and one without the limit's file are refused (CG-5)`() throws {
        var frozen = unused
        frozen["a/cgroup.events"] = "populated 0\nfrozen 1\n"
        for (files, words) in [(frozen, "frozen"), (unused, "pids.limit")] {
            try withTree(files) { root in
                let host = CgroupHost(unified: root, unifiedControllers: ["pids"])
                let plan = try CgroupPlan.make(
                    resources: ResourcesSpec(pids: .init(limit: 3)),
                    path: CgroupPath(cgroupsPath: "/a", id: ""),
                    host: host)
                #expect {
                    _ = try Cgroup.create(plan)
                } throws: { "\($0)".contains(words) }
            }
        }
    }

    @Test func `a tree that may not be written is passed over unless a limit needs it`() throws {
        // Nobody can make a directory here, root neither.
        let host = CgroupHost(unified: "/sys/kernel", unifiedControllers: ["memory"])
        let path = try CgroupPath(cgroupsPath: "/a", id: "")
        let cgroup = try Cgroup.create(CgroupPlan.make(resources: nil, path: path, host: host))
        #expect(cgroup.trees.isEmpty && cgroup.notes.count == 1)
        let limited = try CgroupPlan.make(
            resources: ResourcesSpec(memory: .init(limit: 1)), path: path, host: host)
        #expect {
            _ = try Cgroup.create(limited)
        } throws: { "\($0)".contains("create cgroup /a") }
    }
}
