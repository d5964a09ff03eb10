import Cgroups
import RuntimeSpec
import Testing

@Suite struct ConversionTests {
    @Test(
        "shares become the published weights (RES-7)",
        arguments: [
            (1, 1), (2, 1), (3, 1), (256, 35), (512, 59), (1024, 100), (2048, 174), (262_144, 10_000),
        ]
            as [(UInt64, UInt64)])
    func shares(_ shares: UInt64, _ weight: UInt64) {
        #expect(abs(Int64(Conversions.cpuWeight(shares: shares)) - Int64(weight)) <= (shares == 3 ? 1 : 0))
    }

    @Test func `more shares never give a lower weight (RES-7)`() {
        var last: UInt64 = 0
        for shares in stride(from: UInt64(2), through: 262_144, by: 97) {
            let weight = Conversions.cpuWeight(shares: shares)
            #expect(weight >= last && (1...10_000).contains(weight))
            last = weight
        }
    }

    @Test(
        "block weights are linear (RES-14)",
        arguments: [(10, 1), (100, 910), (500, 4950), (1000, 10_000)] as [(UInt64, UInt64)])
    func blockWeight(_ weight: UInt64, _ expected: UInt64) {
        #expect(Conversions.ioWeight(weight) == expected)
    }
}

/// What a resources section becomes, as `file = value` lines.
func lines(
    _ table: (ResourcesSpec, CgroupVersion) throws(SpecError) -> [CgroupWrite], _ resources: ResourcesSpec,
    _ version: CgroupVersion
) throws(SpecError) -> [String] {
    try table(resources, version).map(\.description)
}

@Suite struct MemoryWriteTests {
    private typealias Memory = ResourcesSpec.Memory

    @Test(
        "memory and swap (RES-1, RES-2)",
        arguments: [
            (100, nil, ["memory.max = 100"]), (100, 100, ["memory.swap.max = 0", "memory.max = 100"]),
            (100, 150, ["memory.swap.max = 50", "memory.max = 100"]),
            (100, -1, ["memory.swap.max = max", "memory.max = 100"]),
            (-1, nil, ["memory.swap.max = max", "memory.max = max"]),
            (0, 0, []), (nil, nil, []), (nil, -1, ["memory.swap.max = max"]),
        ] as [(Int64?, Int64?, [String])])
    func unified(_ limit: Int64?, _ swap: Int64?, _ expected: [String]) throws {
        let resources = ResourcesSpec(memory: Memory(limit: limit, swap: swap))
        #expect(try lines(MemoryController.writes, resources, .unified) == expected)
    }

    @Test(
        "swap below memory or without it is refused (RES-2)",
        arguments: [(100, 50), (nil, 50), (0, 50), (-1, 50)] as [(Int64?, Int64?)])
    func contradiction(_ limit: Int64?, _ swap: Int64?) {
        let resources = ResourcesSpec(memory: Memory(limit: limit, swap: swap))
        for version in [CgroupVersion.unified, .legacy] {
            #expect(throws: SpecError.self) { try MemoryController.writes(for: resources, on: version) }
        }
    }

    @Test func `v1 takes the sum of memory and swap`() throws {
        let resources = ResourcesSpec(memory: Memory(limit: 64, reservation: 32, swap: 128, swappiness: 10))
        #expect(
            try lines(MemoryController.writes, resources, .legacy) == [
                "memory.limit_in_bytes = 64", "memory.memsw.limit_in_bytes = 128",
                "memory.soft_limit_in_bytes = 32",
                "memory.swappiness = 10",
            ])
    }

    @Test func `reservation is memory.low (RES-3)`() throws {
        let resources = ResourcesSpec(memory: Memory(reservation: 32))
        #expect(try lines(MemoryController.writes, resources, .unified) == ["memory.low = 32"])
    }

    @Test func `obsolete kernel limits do nothing, what v2 lacks is refused (RES-4, RES-5)`() throws {
        let obsolete = ResourcesSpec(
            memory: Memory(kernel: 1, kernelTCP: 1, disableOOMKiller: false, useHierarchy: true))
        #expect(try MemoryController.writes(for: obsolete, on: .unified).isEmpty)
        for version in [CgroupVersion.unified, .legacy] {
            let unset = ResourcesSpec(memory: Memory(swappiness: .max))
            #expect(try MemoryController.writes(for: unset, on: version).isEmpty)
        }
        for memory in [Memory(swappiness: 10), Memory(disableOOMKiller: true)] {
            #expect(throws: SpecError.self) {
                try MemoryController.writes(for: ResourcesSpec(memory: memory), on: .unified)
            }
        }
    }
}

@Suite struct CPUWriteTests {
    private typealias CPU = ResourcesSpec.CPU

    @Test func `quota and period are one write (RES-8)`() throws {
        func unified(_ cpu: CPU) throws -> [String] {
            try lines(CPUController.writes, ResourcesSpec(cpu: cpu), .unified)
        }
        #expect(try unified(CPU(quota: 50_000, period: 100_000)) == ["cpu.max = 50000 100000"])
        #expect(try unified(CPU(quota: -1)) == ["cpu.max = max"])
        #expect(try unified(CPU(quota: 50_000)) == ["cpu.max = 50000"])
        #expect(try unified(CPU(period: 20_000)) == ["cpu.max = (kept) 20000"])
        #expect(try unified(CPU(shares: 0, quota: 0, period: 0)).isEmpty)
        #expect(
            try unified(CPU(shares: 1024, quota: 5000, burst: 4000)) == [
                "cpu.weight = 100", "cpu.max = 5000", "cpu.max.burst = 4000",
            ])
    }

    @Test func `idle goes before the weight or without it (RES-10)`() throws {
        let on = ResourcesSpec(cpu: CPU(shares: 512, idle: 1))
        #expect(try lines(CPUController.writes, on, .unified) == ["cpu.idle = 1"])
        let off = ResourcesSpec(cpu: CPU(shares: 512, idle: 0))
        #expect(try lines(CPUController.writes, off, .unified) == ["cpu.idle = 0", "cpu.weight = 59"])
    }

    @Test func `v1 has a file for each value`() throws {
        let resources = ResourcesSpec(cpu: CPU(shares: 512, quota: 50_000, burst: 10, period: 100_000))
        #expect(
            try lines(CPUController.writes, resources, .legacy) == [
                "cpu.shares = 512", "cpu.cfs_period_us = 100000", "cpu.cfs_quota_us = 50000",
                "cpu.cfs_burst_us = 10",
            ])
    }

    @Test func `realtime on v2 and a burst above the quota are refused by name (RES-9, RES-12)`() {
        func message(_ cpu: CPU, _ version: CgroupVersion) -> String {
            do {
                _ = try CPUController.writes(for: ResourcesSpec(cpu: cpu), on: version)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message(CPU(realtimeRuntime: 1000), .unified).contains("cgroup v2"))
        #expect(message(CPU(realtimeRuntime: 1000), .legacy).isEmpty)
        #expect(message(CPU(quota: 10, burst: 20), .unified).contains("linux.resources.cpu.burst"))
        #expect(message(CPU(idle: 2), .unified).contains("idle"))
    }

    @Test(
        "cpuset lists are checked (RES-11)",
        arguments: [
            ("0", true), ("0-3,7", true), ("1,2,3", true), ("", false), ("3-1", false), ("a", false),
            ("0-", false),
            ("0,,1", false), ("0 1", false), ("-1", false), ("0-1-2", false),
        ])
    func cpuset(_ text: String, _ valid: Bool) {
        #expect(CpusetController.isList(text) == valid)
    }
}

@Suite struct OtherWriteTests {
    @Test("pids.limit (RES-13)", arguments: [(-1, "max"), (0, "1"), (64, "64")] as [(Int64, String)])
    func pids(_ limit: Int64, _ text: String) throws {
        let resources = ResourcesSpec(pids: .init(limit: limit))
        #expect(try lines(PidsController.writes, resources, .legacy) == ["pids.max = \(text)"])
    }

    @Test func `block I/O limits merge by device (RES-16), weight 0 is unset`() throws {
        let io = ResourcesSpec.BlockIO(
            weight: 0,
            throttleReadBpsDevice: [
                .init(major: 8, minor: 0, rate: 1000), .init(major: 8, minor: 16, rate: 5),
            ],
            throttleWriteIOPSDevice: [.init(major: 8, minor: 0, rate: 7)])
        let resources = ResourcesSpec(blockIO: io)
        #expect(
            try lines(IOController.writes, resources, .unified) == [
                "io.max = 8:0 rbps=1000 wiops=7", "io.max = 8:16 rbps=5",
            ])
        #expect(
            try lines(IOController.writes, resources, .legacy) == [
                "blkio.throttle.read_bps_device = 8:0 1000", "blkio.throttle.read_bps_device = 8:16 5",
                "blkio.throttle.write_iops_device = 8:0 7",
            ])
    }

    @Test func `block weights fall back to the other file (RES-14, RES-15)`() throws {
        let resources = ResourcesSpec(
            blockIO: .init(weight: 500, weightDevice: [.init(major: 8, minor: 0, weight: 100)]))
        let writes = try IOController.writes(for: resources, on: .unified)
        #expect(writes.map(\.description) == ["io.bfq.weight = 500", "io.bfq.weight = 8:0 100"])
        #expect(
            writes.map(\.ifMissing) == [
                .alternative(file: "io.weight", value: "4950"),
                .alternative(file: "io.weight", value: "8:0 910"),
            ])
        for bad in [
            ResourcesSpec.BlockIO(weight: 5), .init(leafWeight: 10),
            .init(weightDevice: [.init(major: 1, minor: 1)]),
        ] {
            #expect(throws: SpecError.self) {
                try IOController.writes(for: ResourcesSpec(blockIO: bad), on: .unified)
            }
        }
    }

    @Test func `huge pages limit reservations too (RES-17)`() throws {
        let resources = ResourcesSpec(hugepageLimits: [.init(pageSize: "2MB", limit: 4_194_304)])
        #expect(
            try lines(HugetlbController.writes, resources, .unified) == [
                "hugetlb.2MB.rsvd.max = 4194304", "hugetlb.2MB.max = 4194304",
            ])
        for size in ["2", "2Mb", "MB", "02MB", "../MB", "2 MB"] {
            #expect(!HugetlbController.isPageSize(size))
        }
    }

    @Test func `rdma and network (RES-18, RES-19)`() throws {
        let rdma = ResourcesSpec(rdma: [
            "mlx5_1": .init(hcaHandles: 3), "mlx5_0": .init(hcaHandles: 1, hcaObjects: 2),
        ])
        #expect(
            try lines(RDMAController.writes, rdma, .unified) == [
                "rdma.max = mlx5_0 hca_handle=1 hca_object=2", "rdma.max = mlx5_1 hca_handle=3",
            ])
        #expect(throws: SpecError.self) {
            try RDMAController.writes(for: ResourcesSpec(rdma: ["x": .init()]), on: .unified)
        }
        let network = ResourcesSpec(network: .init(classID: 1))
        #expect(throws: SpecError.self) {
            try CgroupPlan.make(
                resources: network, path: CgroupPath(cgroupsPath: nil, id: "x"),
                host: CgroupHost(unified: "/cg"))
        }
    }

    @Test func `unified is verbatim, line by line (RES-20, RES-21)`() throws {
        let resources = ResourcesSpec(unified: ["memory.high": "100", "io.max": "8:0 rbps=1\n8:16 rbps=2"])
        #expect(
            try UnifiedKeys.writes(for: resources).map(\.description).sorted() == [
                "io.max = 8:0 rbps=1", "io.max = 8:16 rbps=2", "memory.high = 100",
            ])
        for key in ["a/b", "memory", "../x.y", ".x", "x.", "cgroup.procs", "cgroup.kill", "a b.c"] {
            #expect(throws: SpecError.self) {
                try UnifiedKeys.writes(for: ResourcesSpec(unified: [key: "1"]))
            }
        }
    }
}
