import Cgroups
import LinuxSystem
import RuntimeSpec
import Testing

let pureHost = CgroupHost(
    unified: "/cg", unifiedControllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"])
let hybridHost = CgroupHost(
    unified: "/cg/unified", unifiedControllers: ["hugetlb"],
    legacy: ["cpu", "cpuacct", "cpuset", "blkio", "memory", "pids", "devices", "freezer"].map { name in
        .init(
            name: name, controllers: [name == "blkio" ? .io : Controller(rawValue: name)].compactMap { $0 },
            mountPoint: Path("/cg/\(name)"))
    })

@Suite struct PathTests {
    @Test(
        "places (CG-1, CG-2)",
        arguments: [
            (nil, "/skiff/c1"), ("", "/skiff/c1"), ("/a/b", "/a/b"), ("//a/./b/", "/a/b"),
            ("a/b", "/skiff/a/b"),
            ("a", "/skiff/a"), ("a:b", "/skiff/a:b"),
        ] as [(String?, String)])
    func place(_ cgroupsPath: String?, _ expected: String) throws {
        #expect(try CgroupPath(cgroupsPath: cgroupsPath, id: "c1").description == expected)
    }

    @Test(
        "refused (CG-3)", arguments: ["/../x", "/a/../b", "..", "/", "//", "system.slice:skiff:x", "/a\nb"])
    func refused(_ text: String) {
        #expect(throws: SpecError.self) { try CgroupPath(cgroupsPath: text, id: "c1") }
    }
}

@Suite struct PlanTests {
    private func plan(_ resources: ResourcesSpec?, _ host: CgroupHost) throws -> CgroupPlan {
        try CgroupPlan.make(resources: resources, path: CgroupPath(cgroupsPath: "/t", id: "t"), host: host)
    }

    @Test func `without limits only accounting trees are used`() throws {
        let hybrid = try plan(nil, hybridHost)
        #expect(
            hybrid.directories.map(\.tree.description) == [
                "unified", "memory", "cpu", "cpuacct", "pids", "blkio",
            ])
        #expect(hybrid.directories.allSatisfy { !$0.isRequired })
        let pure = try plan(nil, pureHost)
        #expect(pure.directories.map(\.tree) == [.unified])
        #expect(pure.directories.first?.wanted == ["memory", "cpu", "pids", "io"])
        #expect(try plan(nil, CgroupHost(unified: nil)).directories.isEmpty)
    }

    @Test func `a v1 host without a v2 tree also uses the freezer`() throws {
        var host = hybridHost
        host.unified = nil
        #expect(try plan(nil, host).directories.contains { $0.tree == .legacy("freezer") })
    }

    @Test func `limits go where their controller lives and need it there`() throws {
        let resources = ResourcesSpec(
            memory: .init(limit: 4096), cpu: .init(cpus: "0"), pids: .init(limit: 5))
        let hybrid = try plan(resources, hybridHost)
        func writes(_ plan: CgroupPlan, _ tree: String) -> [String]? {
            plan.directories.first { $0.tree.description == tree }?.writes.map(\.description)
        }
        #expect(writes(hybrid, "memory") == ["memory.limit_in_bytes = 4096"])
        #expect(writes(hybrid, "cpuset") == ["cpuset.cpus = 0"])
        #expect(writes(hybrid, "unified") == [])
        let pure = try plan(resources, pureHost)
        #expect(writes(pure, "unified") == ["cpuset.cpus = 0", "memory.max = 4096", "pids.max = 5"])
        #expect(pure.directories.first?.required == ["cpuset", "memory", "pids"])
        #expect(pure.directories.first?.wanted == ["cpu", "io"])
    }

    @Test func `a limit without its controller is refused by name`() {
        let bare = CgroupHost(unified: "/cg", unifiedControllers: ["cpu"])
        #expect {
            try plan(ResourcesSpec(memory: .init(limit: 4096)), bare)
        } throws: { error in
            "\(error)".contains("linux.resources.memory.limit") && "\(error)".contains("no memory controller")
        }
        #expect {
            try plan(ResourcesSpec(unified: ["memory.high": "1"]), hybridHost)
        } throws: { "\($0)".contains("memory") }
    }

    @Test func `unified comes last and overrides (RES-21)`() throws {
        let resources = ResourcesSpec(memory: .init(limit: 4096), unified: ["memory.max": "8192"])
        #expect(
            try plan(resources, pureHost).directories.first?.writes.map(\.description) == [
                "memory.max = 4096", "memory.max = 8192",
            ])
    }

    @Test func `device rules go to v1 where it is, else into a program, and nowhere if all is allowed`()
        throws
    {
        let rules = ResourcesSpec(devices: [.init(allow: false, access: "rwm")])
        #expect(try plan(rules, hybridHost).deviceRules == nil)
        #expect(try plan(rules, hybridHost).directories.last?.writes.first?.description == "devices.deny = a")
        #expect(try plan(rules, pureHost).deviceRules?.count == DeviceRules.defaults.count + 1)
        let all = ResourcesSpec(devices: [.init(allow: true, access: "rwm")])
        #expect(try !plan(all, hybridHost).directories.contains { $0.tree == .legacy("devices") })
    }

    @Test func `the record goes through JSON`() throws {
        let record = CgroupRecord(
            path: "/skiff/a", isInOwnFolder: true,
            directories: [
                .init(tree: .legacy("blkio"), controllers: [.io], path: "/sys/fs/cgroup/blkio/skiff/a")
            ])
        #expect(try CgroupRecord(json: record.json()) == record)
    }
}
