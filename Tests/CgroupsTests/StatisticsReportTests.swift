import Cgroups
import JSONCoding
import LinuxSystem
import RuntimeSpec
import Synchronization
import Testing

private let trees = Atomic<Int>(0)

/// CLI-12 on a folder with files as a v2 kernel has them; Tests/Integration/test_events.py asks this machine's.
@Suite struct StatisticsReportTests {
    private func withTree(_ files: [(Path, String)], _ body: (Path) throws -> Void) throws {
        let number = trees.add(1, ordering: .relaxed).newValue
        let root: Path = "/tmp/skiff-test-\(currentProcessID())-report\(number)"
        try makeDirectories(root.appending("a"))
        do {
            for (file, text) in files {
                let opened = try open(root.appending(file), [.writeOnly, .create, .truncate], mode: 0o644)
                try opened.borrowed.writeAll(text)
            }
            try body(root)
        } catch {
            try removeTree(root)
            throw error
        }
        try removeTree(root)
    }

    private func cgroup(_ root: Path) throws -> Cgroup {
        try Cgroup.reopen(
            from: CgroupRecord(
                path: "/a",
                directories: [.init(tree: .unified, controllers: [], path: root.appending("a").string)]))
    }

    @Test func `the report of v2 has runc's form`() throws {
        let files: [(Path, String)] = [
            (
                "a/cpu.stat",
                "usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 5\nnr_throttled 2\nthrottled_usec 7\n"
            ),
            (
                "a/cpu.pressure",
                "some avg10=1.50 avg60=0.00 avg300=0.02 total=11\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
            ),
            ("a/cpuset.cpus.effective", "0-1,4\n"), ("a/cpuset.mems.effective", "0\n"),
            ("a/memory.current", "100\n"),
            ("a/memory.max", "max\n"), ("a/memory.peak", "200\n"), ("a/memory.swap.current", "5\n"),
            ("a/memory.swap.max", "10\n"),
            ("a/memory.stat", "anon 50\nfile 40\n"), ("a/pids.current", "3\n"), ("a/pids.max", "max\n"),
            ("a/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"),
            ("a/hugetlb.2MB.rsvd.current", "6\n"),
            ("a/hugetlb.2MB.events", "max 9\n"),
        ]
        try withTree(files) { root in
            let report = StatisticsReport(of: try cgroup(root), pageSizes: ["2MB"])
            let text = String(decoding: report.json(), as: UTF8.self)
            #expect(
                text
                    == #"{"cpu":{"usage":{"total":30000,"kernel":20000,"user":10000},"throttling":{"periods":5,"throttledPeriods":2,"throttledTime":7000},"#
                    + #""psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0.02,"total":11},"full":{"avg10":0,"avg60":0,"avg300":0,"total":0}}},"#
                    + #""cpuset":{"cpus":[0,1,4],"cpu_exclusive":0,"mems":[0],"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"#
                    + #""memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},"#
                    + #""memory":{"cache":40,"usage":{"limit":18446744073709551615,"usage":100,"max":200,"failcnt":0},"#
                    + #""swap":{"limit":18446744073709551615,"usage":105,"failcnt":0},"raw":{"anon":50,"file":40}},"pids":{"current":3},"#
                    + #""blkio":{"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":1},{"major":8,"op":"Write","value":2}],"#
                    + #""ioServicedRecursive":[{"major":8,"op":"Read","value":3},{"major":8,"op":"Write","value":4}]},"#
                    + #""hugetlb":{"2MB":{"usage":6,"failcnt":9}},"intel_rdt":{},"network_interfaces":null}"#)
        }
    }

    @Test func `what a host has not is left out`() throws {
        try withTree([]) { root in
            let text = String(
                decoding: StatisticsReport(of: try cgroup(root), pageSizes: ["2MB"]).json(), as: UTF8.self)
            #expect(text.hasPrefix(#"{"cpu":{},"cpuset":{"cpu_exclusive":0,"#))
            #expect(
                text.hasSuffix(
                    #""memory":{},"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}"#
                ))
        }
    }

    /// CLI-11: pairs of which an update names one half.
    @Test func `an update of v2 changes what is given and its other half stays`() throws {
        let host: (Path) -> CgroupHost = {
            CgroupHost(unified: $0, unifiedControllers: ["cpu", "memory", "pids", "io"])
        }
        let files: [(Path, String)] = [
            ("a/cgroup.controllers", "cpu memory pids io\n"), ("a/memory.max", "4096\n"),
            ("a/memory.swap.max", "max\n"),
            ("a/cpu.max", "20000 100000\n"), ("a/cpu.weight", "100\n"), ("a/pids.max", "20\n"),
        ]
        func text(_ root: Path, _ name: String) throws -> String {
            let whole = String(decoding: try readFile(root.appending(Path("a/\(name)"))), as: UTF8.self)
            return String(whole.prefix { $0 != "\n" })
        }
        try withTree(files) { root in
            try cgroup(root).update(
                ResourcesSpec(memory: .init(swap: 8192), cpu: .init(period: 50_000)), host: host(root))
            #expect(try text(root, "memory.max") == "4096")
            #expect(try text(root, "memory.swap.max").hasPrefix("4096"))
            #expect(try text(root, "cpu.max").hasPrefix("20000 50000"))
            #expect(try text(root, "pids.max") == "20")
        }
        try withTree(files) { (root: Path) throws in
            // io.weight is not there: what was written before gets its old text back.
            #expect {
                try cgroup(root).update(
                    ResourcesSpec(
                        memory: .init(limit: 8192), pids: .init(limit: 5), blockIO: .init(weight: 500)),
                    host: host(root))
            } throws: { "\($0)".contains("blockIO.weight") }
            #expect(try text(root, "memory.max").hasPrefix("4096"))
            #expect(try text(root, "pids.max").hasPrefix("20"))
        }
    }
}
