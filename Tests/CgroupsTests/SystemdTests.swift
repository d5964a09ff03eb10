import Cgroups
import JSONCoding
import MessageBus
import RuntimeSpec
import Testing

/// CG-4, as far as it needs no systemd; Tests/Integration/test_systemd.py asks a real one.
@Suite struct SystemdTests {
    private static func manager(_ version: Int = 252, group: String = "") -> SystemdManager {
        SystemdManager(
            address: BusAddress(socket: "/run/dbus/system_bus_socket"), isUser: false, version: version,
            controlGroup: group)
    }

    private static let host = CgroupHost(
        unified: "/sys/fs/cgroup", unifiedControllers: ["cpu", "cpuset", "io", "memory", "pids"])

    private static let legacy = CgroupHost(
        unified: nil,
        legacy: [Controller.memory, .cpu, .pids, .io].map {
            .init(name: $0.legacyFolder, controllers: [$0], mountPoint: "/sys/fs/cgroup/\($0.legacyFolder)")
        })

    @Test(arguments: [
        ("machine.slice:docker:ab12", "machine.slice/docker-ab12.scope"),
        ("a-b-c.slice:p:n", "a.slice/a-b.slice/a-b-c.slice/p-n.scope"),
        ("-.slice:p:n", "p-n.scope"), (":p:n", "system.slice/p-n.scope"), ("a.slice::n", "a.slice/n.scope"),
        ("", "system.slice/skiff-web.scope"),
    ]) func `slice, prefix and name make a place`(text: String, place: String) throws {
        #expect(try SystemdUnitName(cgroupsPath: text, id: "web", isUser: false).relativePath == place)
    }

    @Test func `a user's containers are in a user's slice`() throws {
        #expect(
            try SystemdUnitName(cgroupsPath: nil, id: "web", isUser: true).relativePath
                == "user.slice/skiff-web.scope")
    }

    @Test(arguments: [
        "/a/b", "a", "a:b", "a:b:c:d", "a:b:c", ".slice:b:c", "a--b.slice:p:n", "-a.slice:p:n",
        "a-.slice:p:n", "a/b.slice:p:n", "a.slice:p:",
        "a.slice:p:x.slice", "a.slice:p p:n", "a.slice:p:n\n",
        "a.slice:p:\(String(repeating: "n", count: 255))",
    ])
    func `other forms are refused`(text: String) {
        #expect(throws: SpecError.self) { try SystemdUnitName(cgroupsPath: text, id: "web", isUser: false) }
    }

    @Test func `objects are named by escaped units`() {
        #expect(SystemdUnitName.objectPath(of: "a-1.scope") == "/org/freedesktop/systemd1/unit/a_2d1_2escope")
        #expect(SystemdUnitName.objectPath(of: "1a") == "/org/freedesktop/systemd1/unit/_31a")
    }

    private func limits(_ resources: ResourcesSpec, on host: CgroupHost = Self.host, version: Int = 252)
        throws -> [String: BusValue]
    {
        let list = try SystemdLimits.properties(for: resources, on: host, version: version)
        return Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0.value) })
    }

    @Test func `limits become properties of v2`() throws {
        let found = try limits(
            ResourcesSpec(
                memory: .init(limit: 4096, reservation: 1024, swap: 8192),
                cpu: .init(shares: 1024, quota: 25_001, period: 50_000, cpus: "0-1,8", mems: "0"),
                pids: .init(limit: 0),
                blockIO: .init(weight: 500)))
        #expect(
            found == [
                "MemoryMax": .uint64(4096), "MemoryLow": .uint64(1024), "MemorySwapMax": .uint64(4096),
                "CPUWeight": .uint64(100),
                "CPUQuotaPeriodUSec": .uint64(50_000), "CPUQuotaPerSecUSec": .uint64(510_000),
                "AllowedCPUs": .bytes([3, 1]),
                "AllowedMemoryNodes": .bytes([1]), "TasksMax": .uint64(1), "IOWeight": .uint64(4950),
            ])
    }

    @Test func `no limit is the largest number`() throws {
        let found = try limits(
            ResourcesSpec(memory: .init(limit: -1), cpu: .init(quota: -1), pids: .init(limit: -1)))
        #expect(
            found == [
                "MemoryMax": .uint64(.max), "MemorySwapMax": .uint64(.max),
                "CPUQuotaPerSecUSec": .uint64(.max), "TasksMax": .uint64(.max),
            ])
    }

    @Test func `what a version does not know is left out`() throws {
        let resources = ResourcesSpec(cpu: .init(shares: 512, period: 1000, cpus: "0", idle: 1))
        #expect(
            try limits(resources) == [
                "CPUWeight": .uint64(0), "CPUQuotaPeriodUSec": .uint64(1000), "AllowedCPUs": .bytes([1]),
            ])
        #expect(try limits(resources, version: 240).keys.sorted() == ["CPUWeight"])
    }

    @Test func `v1 has other names`() throws {
        let found = try limits(
            ResourcesSpec(
                memory: .init(limit: 4096, swap: 8192), cpu: .init(shares: 1), pids: .init(limit: 5),
                blockIO: .init(weight: 300)), on: Self.legacy)
        #expect(
            found == [
                "MemoryLimit": .uint64(4096), "CPUShares": .uint64(2), "TasksMax": .uint64(5),
                "BlockIOWeight": .uint64(300),
            ])
    }

    @Test func `unified values win`() throws {
        let unified: StringMap = [
            "memory.max": "max", "memory.high": "77", "cpu.max": "10000 20000", "cpu.weight": "5",
            "cpuset.cpus": "2", "pids.max": "0", "io.max": "8:0 rbps=1",
        ]
        let found = try limits(ResourcesSpec(memory: .init(limit: 4096), unified: unified))
        #expect(
            found == [
                "MemoryMax": .uint64(.max), "MemoryHigh": .uint64(77), "CPUQuotaPeriodUSec": .uint64(20_000),
                "CPUQuotaPerSecUSec": .uint64(500_000),
                "CPUWeight": .uint64(5), "AllowedCPUs": .bytes([4]), "TasksMax": .uint64(1),
            ])
        for (key, value) in [("memory.high", "x"), ("cpu.max", "1 2 3"), ("pids.max", "-1")] {
            #expect(throws: SpecError.self) { try limits(ResourcesSpec(unified: StringMap([(key, value)]))) }
        }
    }

    @Test func `annotations become properties`() throws {
        let found = try SystemdAnnotations.properties([
            "org.systemd.property.TimeoutStopUSec": "uint64 5", "org.systemd.property.RuntimeMaxSec": "1.5",
            "other": "x",
            "org.systemd.property.CollectMode": "'inactive'",
        ])
        #expect(
            found == [
                SystemdProperty("TimeoutStopUSec", .uint64(5)),
                SystemdProperty("RuntimeMaxUSec", .uint64(1_500_000)),
                SystemdProperty("CollectMode", .string("inactive")),
            ])
        for (key, value) in [("X", "1"), ("A-b", "1"), ("AbcSec", "'1'"), ("AbcSec", "-1"), ("Abc", "one")] {
            #expect(throws: SpecError.self) {
                try SystemdAnnotations.properties(StringMap([("org.systemd.property.\(key)", value)]))
            }
        }
    }

    @Test func `the plan of a scope is a plan of its directory`() throws {
        var spec = RuntimeSpec()
        spec.linux = LinuxSpec()
        spec.linux?.cgroupsPath = "a-b.slice:p:n"
        spec.linux?.resources = ResourcesSpec(memory: .init(limit: 4096), pids: .init(limit: 1))
        spec.annotations = ["org.systemd.property.Delegate": "false"]
        let plan = try CgroupPlan.make(
            spec: spec, id: "web", host: Self.host, systemd: Self.manager(group: "outer/inner"))
        let scope = try #require(plan.scope)
        #expect(
            plan.path.description == "/outer/inner/a.slice/a-b.slice/p-n.scope" && !plan.path.isInOwnFolder)
        #expect(scope.record.name == "p-n.scope")
        #expect(scope.properties.contains(SystemdProperty("MemoryMax", .uint64(4096))))
        #expect(
            scope.properties.filter { $0.name == "Delegate" } == [
                SystemdProperty("Delegate", .boolean(false))
            ])
        // The scope's holder and the container's first process are two.
        #expect(
            scope.lateProperties == [SystemdProperty("TasksMax", .uint64(1))]
                && scope.lateWrites.map(\.file) == ["pids.max"])
        #expect(!plan.directories.contains { $0.writes.contains { $0.file == "pids.max" } })
    }

    @Test func `without v2 the processes are in systemd's own tree, too`() throws {
        let plan = try CgroupPlan.make(
            spec: RuntimeSpec(), id: "web", host: Self.legacy, systemd: Self.manager())
        #expect(
            plan.directories.contains {
                $0.tree == .legacy("systemd") && $0.mountPoint == "/sys/fs/cgroup/systemd"
            })
    }

    @Test func `the record keeps the unit`() throws {
        var record = CgroupRecord(path: "/a/b.scope")
        record.unit = CgroupRecord.Unit(
            name: "b.scope", address: BusAddress(socket: "/run/systemd/private", isPeer: true))
        #expect(try CgroupRecord(json: record.json()) == record)
        #expect(try CgroupRecord(json: CgroupRecord(path: "/a").json()).unit == nil)
    }
}
