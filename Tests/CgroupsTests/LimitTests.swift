import Cgroups
import LinuxSystem
import RuntimeSpec
import Testing

extension KernelTests {
    @Suite struct LimitTests {
        /// The text of the file that holds a limit, in whichever version.
        private func text(_ cgroup: borrowing Cgroup, _ controller: Controller, v1: String, v2: String) throws
            -> String
        {
            let tree = cgroup.tree(of: controller)
            let files = try #require(tree)
            return try files.text(files.version == .unified ? v2 : v1)
        }

        @Test(.enabled(if: mayUse(.memory), "needs a memory controller"))
        func `a hog is killed at the memory limit and the figures tell`() throws {
            let limit: Int64 = 32 << 20
            try withCgroup(ResourcesSpec(memory: .init(limit: limit, swap: limit)), on: host()) { cgroup in
                let guest = try Guest("exec tail /dev/zero", in: cgroup)
                #expect(try guest.wait() == .signaled(9))
                let statistics = cgroup.statistics()
                #expect(statistics[.memoryOOMKills].number == 1)
                let peak = try #require(statistics[.memoryPeak].number)
                #expect(peak > 28 << 20 && peak <= UInt64(limit))
                #expect(statistics[.memoryLimit].number == UInt64(limit))
                let receipt = UsageReceipt(
                    id: "x", name: nil, statistics: statistics, usage: nil, started: Clock.wall(),
                    finished: Clock.wall(),
                    wallMicroseconds: 1, exit: .signaled(9))
                #expect(receipt.outOfMemory.verdict == .ownLimit)
            }
        }

        @Test(.enabled(if: mayUse(.pids), "needs a pids controller"))
        func `the pids limit holds and its hits are counted`() throws {
            try withCgroup(ResourcesSpec(pids: .init(limit: 4)), on: host()) { cgroup in
                let guest = try Guest("for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; wait", in: cgroup)
                #expect(eventually { (cgroup.statistics()[.processesLimitHits].number ?? 0) > 0 })
                #expect(try cgroup.processes().count <= 4)
                #expect(cgroup.statistics()[.processesLimit].number == 4)
                try cgroup.kill()
                _ = try guest.wait()
            }
        }

        @Test(.enabled(if: mayUse(.cpu), "needs a cpu controller"))
        func `half a CPU is half a CPU, with throttling counted`() throws {
            try withCgroup(ResourcesSpec(cpu: .init(quota: 10_000, period: 20_000)), on: host()) { cgroup in
                // More demand than one processor, so that the limit is met on a busy machine, too.
                let begin = Clock.monotonicNanoseconds()
                let guest = try Guest("for i in 1 2 3 4; do while :; do :; done & done; wait", in: cgroup)
                #expect(eventually { (cgroup.statistics()[.cpuThrottledPeriods].number ?? 0) > 10 })
                let statistics = cgroup.statistics()
                let elapsed = UInt64(Clock.monotonicNanoseconds() - begin) / 1000
                let used = try #require(statistics[.cpuUsage].number)
                #expect(used < elapsed * 65 / 100 + 50_000, "\(used) of \(elapsed) us")
                #expect(try #require(statistics[.cpuThrottledTime].number) > 0)
                try cgroup.kill()
                _ = try guest.wait()
            }
        }

        @Test(.enabled(if: mayUse(.cpuset), "needs a cpuset controller"))
        func `a cpuset is inherited and applied`() throws {
            try withCgroup(ResourcesSpec(cpu: .init(cpus: "0")), on: host()) { cgroup in
                #expect(try text(cgroup, .cpuset, v1: "cpuset.cpus", v2: "cpuset.cpus") == "0")
                _ = try Guest("sleep 100", in: cgroup)
            }
            #expect {
                try withCgroup(ResourcesSpec(cpu: .init(cpus: "4000")), on: host()) { _ in }
            } throws: { "\($0)".contains("cpu.cpus") && "\($0)".contains("hint") }
        }

        @Test(.enabled(if: mayUse(.memory) && mayUse(.pids), "needs memory and pids controllers"))
        func `an update changes what is given only`() throws {
            let resources = ResourcesSpec(
                memory: .init(limit: 64 << 20, swap: 64 << 20), pids: .init(limit: 10))
            try withCgroup(resources, on: host()) { cgroup in
                // Up and down again: v1 wants another order of writes each way.
                for size: Int64 in [128 << 20, 32 << 20] {
                    try cgroup.update(ResourcesSpec(memory: .init(limit: size, swap: size)), host: host())
                    #expect(
                        try text(cgroup, .memory, v1: "memory.limit_in_bytes", v2: "memory.max") == "\(size)")
                }
                try cgroup.update(ResourcesSpec(pids: .init(limit: 0)), host: host())
                #expect(try text(cgroup, .pids, v1: "pids.max", v2: "pids.max") == "10")
            }
        }

        @Test(.enabled(if: mayUse(.memory) && mayUse(.pids), "needs memory and pids controllers"))
        func `an update that fails half way changes nothing`() throws {
            let resources = ResourcesSpec(
                memory: .init(limit: 64 << 20), cpu: .init(quota: 50_000, period: 100_000),
                pids: .init(limit: 10))
            try withCgroup(resources, on: host()) { cgroup in
                // Order of the tables: cpu, memory, pids, then io, where a device that does not exist is refused.
                let update = ResourcesSpec(
                    memory: .init(limit: 32 << 20), cpu: .init(quota: 20_000), pids: .init(limit: 20),
                    blockIO: .init(throttleReadBpsDevice: [.init(major: 4000, minor: 1, rate: 1000)]))
                #expect {
                    try cgroup.update(update, host: host())
                } throws: { error in
                    let text = "\(error)"
                    return text.contains("blockIO") && !text.contains("not restored")
                }
                let memory = try text(cgroup, .memory, v1: "memory.limit_in_bytes", v2: "memory.max")
                let quota = try text(cgroup, .cpu, v1: "cpu.cfs_quota_us", v2: "cpu.max")
                let pids = try text(cgroup, .pids, v1: "pids.max", v2: "pids.max")
                #expect(memory == "\(64 << 20)" && quota.hasPrefix("50000") && pids == "10")
            }
        }

        @Test(.enabled(if: mayUse(.memory), "needs a memory controller"))
        func `a limit below the usage is refused when asked (RES-6)`() throws {
            try withCgroup(on: host()) { cgroup in
                let guest = try Guest("head -c 30000000 /dev/zero | tail -c 29000000 | sleep 100", in: cgroup)
                #expect(eventually { (cgroup.statistics()[.memoryCurrent].number ?? 0) > 8 << 20 })
                #expect {
                    try cgroup.update(
                        ResourcesSpec(memory: .init(limit: 4 << 20, checkBeforeUpdate: true)), host: host())
                } throws: { "\($0)".contains("below the present usage") }
                try cgroup.kill()
                _ = try guest.wait()
            }
        }

        @Test func `devices are refused and allowed, by v1 and by BPF (CG-9)`() throws {
            let rules = ResourcesSpec(devices: [
                .init(allow: false, access: "rwm"),
                .init(allow: true, kind: .character, major: 10, minor: 200, access: "r"),
            ])
            for host in [try host(), try unifiedHost()] where host.layout != .none {
                try withCgroup(rules, on: host) { cgroup in
                    #expect(try Guest("head -c 1 /dev/zero > /dev/null", in: cgroup).wait() == .exited(0))
                    let directory: Path = "/tmp/skiff-test-\(currentProcessID())-devices"
                    try makeDirectory(directory)
                    let node = "mknod \(directory)/kmsg c 1 11"
                    #expect(try Guest(node, in: cgroup).wait() == .exited(0), "making a node is allowed")
                    #expect(
                        try Guest("dd if=\(directory)/kmsg of=/dev/null bs=8192 count=1", in: cgroup).wait()
                            != .exited(0))
                    // The same without rules, so that the refusal above is the rules' doing.
                    try withCgroup(on: host) { free in
                        let exit = try Guest("dd if=\(directory)/kmsg of=/dev/null bs=8192 count=1", in: free)
                            .wait()
                        #expect(exit == .exited(0))
                    }
                    try removeTree(directory)
                }
            }
        }

        @Test func `a device program is replaced in one step (CG-11)`() throws {
            let host = try unifiedHost()
            if host.layout == .none { return }
            let deny = ResourcesSpec(devices: [.init(allow: false, access: "rwm")])
            try withCgroup(deny, on: host) { cgroup in
                let v2 = cgroup.v2Directory
                let directory = try #require(v2)
                let before = try attachedDevicePrograms(of: directory)
                try cgroup.update(ResourcesSpec(devices: [.init(allow: true, access: "rwm")]), host: host)
                let after = try attachedDevicePrograms(of: directory)
                #expect(before.count == 1 && after.count == 1 && before != after)
            }
        }

        @Test func `figures agree with the files`() throws {
            try withCgroup(on: host()) { cgroup in
                let guest = try Guest("dd if=/dev/zero of=/dev/null bs=1M count=200; sleep 100", in: cgroup)
                #expect(eventually { (cgroup.statistics()[.cpuUsage].number ?? 0) > 1000 })
                let statistics = cgroup.statistics()
                let v2 = cgroup.v2Directory
                if v2 != nil {
                    #expect(statistics[.cpuUsage].source == "cpu.stat usage_usec")
                    #expect(statistics[.pressureCPUSome].number != nil)
                }
                if let memory = cgroup.tree(of: .memory), memory.version == .legacy {
                    let later = try #require(try UInt64(memory.text("memory.max_usage_in_bytes")))
                    let peak = try #require(statistics[.memoryPeak].number)
                    #expect(peak > 0 && peak <= later)
                    #expect(try #require(statistics[.pageFaults].number) > 0)
                }
                try cgroup.kill()
                _ = try guest.wait()
            }
        }
    }
}

@Suite struct HostTests {
    @Test func `the trees are found without the table of mounts`() throws {
        let host = try CgroupHost.detect()
        let nothing = try CgroupHost.detect(root: "/proc")
        #expect(nothing.layout == .none)
        #expect(try CgroupHost.detect(root: "/no/such/folder").layout == .none)
        if let unified = host.unified { #expect(try CgroupHost.detect(root: unified).layout == .unified) }
        for tree in host.legacy { #expect(!tree.controllers.isEmpty) }
    }
}
