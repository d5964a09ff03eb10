import RuntimeSpec
import Testing

/// One change to a valid configuration, and what validation says to it.
struct Refusal: Sendable, CustomTestStringConvertible {
    let expected: String
    let change: @Sendable (inout RuntimeSpec) -> Void

    init(_ expected: String, _ change: @escaping @Sendable (inout RuntimeSpec) -> Void) {
        self.expected = expected
        self.change = change
    }

    var testDescription: String { expected }

    /// A configuration without anything that a check would look at twice.
    static func plain() -> RuntimeSpec {
        RuntimeSpec(
            ociVersion: "1.2.0", process: ProcessSpec(args: ["sh"], cwd: "/"), root: RootSpec(path: "rootfs"),
            linux: LinuxSpec(namespaces: [NamespaceSpec(kind: .mount)], resources: ResourcesSpec()))
    }

    func check() {
        var spec = Self.plain()
        change(&spec)
        #expect(message { () throws(SpecError) in _ = try Validation.validate(spec) } == expected)
    }
}

struct VersionTests {
    @Test(arguments: [
        "1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.0.2", "1.1.0", "1.1.0+dev", "1.2.1", "1.3.0",
        "1.3.0-rc.1+x-y.0",
    ])
    func `any version 1.x up to ours is accepted (BND-3)`(version: String) throws {
        var spec = Refusal.plain()
        spec.ociVersion = version
        _ = try Validation.validate(spec)
    }

    @Test(arguments: ["2.0.0", "0.9.0", "1.4.0", "10.0.0"])
    func `other versions are refused (BND-3)`(version: String) {
        Refusal("ociVersion \"\(version)\": is not supported (1.0.0 to 1.3.0 are)") {
            $0.ociVersion = version
        }.check()
    }

    @Test(arguments: [
        "abc", "1", "1.0", "1.0.0.0", "v1.0.0", "1.02.0", "1.0.0-", "1.0.0+", "1.0.0-a..b", "1.0.0-ä", "1..0",
        "-1.0.0",
        " 1.0.0", "1.0.99999999999",
    ])
    func `malformed versions are refused (BND-3)`(version: String) {
        Refusal("ociVersion \"\(version)\": must be a version such as 1.3.0") { $0.ociVersion = version }
            .check()
    }
}

struct ValidationTests {
    @Test func `the plain configuration is valid`() throws {
        _ = try Validation.validate(Refusal.plain())
    }

    @Test func `every check has its own name`() {
        #expect(Set(Validation.checks.map(\.name)).count == Validation.checks.count)
    }

    @Test func `process may be absent, linux too (PRC-1)`() throws {
        var spec = Refusal.plain()
        spec.process = nil
        spec.linux = nil
        _ = try Validation.validate(spec)
    }

    @Test func `an exec process is named from its own root`() {
        let text = message { () throws(SpecError) in
            try Validation.validate(process: ProcessSpec(args: ["sh"], cwd: "tmp"))
        }
        #expect(text == "cwd \"tmp\": must be an absolute path")
    }

    @Test func `an error stays one line of bearable length`() {
        let error = SpecError(field: "f", reason: "r", value: "a\nb" + String(repeating: "x", count: 500))
        #expect(error.description.hasPrefix("f \"a\\nbxxx") && error.description.hasSuffix("x…\": r"))
        #expect(error.description.utf8.count < 230)
    }

    @Test(arguments: bundleFaults) func `faults of bundle are refused by field and value`(refusal: Refusal) {
        refusal.check()
    }
    @Test(arguments: processFaults) func `faults of process are refused by field and value`(refusal: Refusal)
    {
        refusal.check()
    }
    @Test(arguments: namespaceFaults) func `faults of namespaces are refused by field and value`(
        refusal: Refusal
    ) { refusal.check() }

    static let bundleFaults: [Refusal] = [
        Refusal("ociVersion: is required") { $0.ociVersion = "" },
        Refusal("root: is required") { $0.root = nil },
        Refusal("root.path: is required") { $0.root?.path = "" },
        Refusal("mounts[1].destination: is required") { $0.mounts = [.init(destination: "a"), .init()] },
        Refusal("mounts[0].gidMappings: is required beside uidMappings") {
            $0.mounts = [.init(destination: "/a", uidMappings: [.init(size: 1)])]
        },
        Refusal("mounts[0].uidMappings: is required beside gidMappings") {
            $0.mounts = [.init(destination: "/a", gidMappings: [.init(size: 1)])]
        },
        Refusal("mounts[0].options \"ridmap\": needs uidMappings and gidMappings or a user namespace") {
            $0.mounts = [.init(destination: "/a", options: ["rbind", "ridmap"])]
        },
        Refusal("hooks.poststop[0].path \"bin/x\": must be an absolute path") {
            $0.hooks = .init(poststop: [.init(path: "bin/x")])
        },
        Refusal("hooks.prestart[1].path: is required") {
            $0.hooks = .init(prestart: [.init(path: "/x"), .init()])
        },
        Refusal("hooks.createRuntime[0].timeout \"0\": must be more than 0 seconds") {
            $0.hooks = .init(createRuntime: [.init(path: "/x", timeout: 0)])
        },
        Refusal("hooks.poststart[0].timeout \"-1\": must be more than 0 seconds") {
            $0.hooks = .init(poststart: [.init(path: "/x", timeout: -1)])
        },
        Refusal("annotations: must not contain an empty name") { $0.annotations = ["": "x"] },
        Refusal("linux.maskedPaths[1] \"b\": must be an absolute path") {
            $0.linux?.maskedPaths = ["/a", "b"]
        },
        Refusal("linux.readonlyPaths[0]: is required") { $0.linux?.readonlyPaths = [""] },
    ]

    static let processFaults: [Refusal] = [
        Refusal("process.cwd: is required") { $0.process?.cwd = "" },
        Refusal("process.cwd \"tmp\": must be an absolute path") { $0.process?.cwd = "tmp" },
        Refusal("process.args: is required") { $0.process?.args = [] },
        Refusal("process.args[0]: is required") { $0.process?.args = [""] },
        Refusal("process.user.umask \"512\": must be between 0 and 511") { $0.process?.user.umask = 0o1000 },
        Refusal("process.consoleSize.height \"65536\": must be between 0 and 65535") {
            $0.process?.consoleSize = .init(height: 65536, width: 1)
        },
        Refusal("process.consoleSize.width \"65536\": must be between 0 and 65535") {
            $0.process?.consoleSize = .init(height: 1, width: 65536)
        },
        Refusal("process.oomScoreAdj \"1001\": must be between -1000 and 1000") {
            $0.process?.oomScoreAdj = 1001
        },
        Refusal("process.ioPriority.priority \"8\": must be between 0 and 7") {
            $0.process?.ioPriority = .init(schedulingClass: .idle, priority: 8)
        },
        Refusal("process.execCPUAffinity.initial \"3-1\": must be a list such as 0-3,7") {
            $0.process?.execCPUAffinity = .init(initial: "3-1")
        },
        Refusal("process.execCPUAffinity.final \"0,\": must be a list such as 0-3,7") {
            $0.process?.execCPUAffinity = .init(final: "0,")
        },
        Refusal("process.rlimits[1].type \"RLIMIT_CORE\": occurs twice") {
            $0.process?.rlimits = [.init(type: .coreSize), .init(type: .coreSize)]
        },
        Refusal("process.rlimits[0].soft \"2\": must not be above the hard limit 1") {
            $0.process?.rlimits = [.init(type: .coreSize, soft: 2, hard: 1)]
        },
        Refusal("process.scheduler.nice \"20\": must be between -20 and 19") {
            $0.process?.scheduler = .init(policy: .other, nice: 20)
        },
        Refusal("process.scheduler.priority \"0\": must be between 1 and 99") {
            $0.process?.scheduler = .init(policy: .fifo)
        },
        Refusal("process.scheduler.priority \"1\": is only for SCHED_FIFO and SCHED_RR") {
            $0.process?.scheduler = .init(policy: .batch, priority: 1)
        },
        Refusal("process.scheduler \"SCHED_RR\": runtime, deadline and period are only for SCHED_DEADLINE") {
            $0.process?.scheduler = .init(policy: .roundRobin, priority: 1, runtime: 1)
        },
        Refusal(
            "process.scheduler \"runtime 2, deadline 1, period 0\": "
                + "SCHED_DEADLINE needs 0 < runtime <= deadline <= period"
        ) { $0.process?.scheduler = .init(policy: .deadline, runtime: 2, deadline: 1) },
    ]

    static let namespaceFaults: [Refusal] = [
        Refusal("linux.namespaces[1].type \"mount\": occurs twice") {
            $0.linux?.namespaces.append(.init(kind: .mount, path: "/x"))
        },
        Refusal("linux.namespaces[0].path \"x\": must be an absolute path") {
            $0.linux?.namespaces = [.init(kind: .ipc, path: "x")]
        },
        Refusal("hostname \"h\": needs a uts namespace in linux.namespaces") { $0.hostname = "h" },
        Refusal("domainname \"d\": needs a uts namespace in linux.namespaces") {
            $0.linux = nil
            $0.domainname = "d"
        },
        Refusal("hostname \"\(String(repeating: "h", count: 65))\": must not be longer than 64 bytes") {
            $0.linux?.namespaces = [.init(kind: .uts)]
            $0.hostname = String(repeating: "h", count: 65)
        },
        Refusal("linux.uidMappings: is required for a new user namespace") {
            $0.linux?.namespaces = [.init(kind: .user)]
        },
        Refusal("linux.gidMappings: needs a user namespace in linux.namespaces") {
            $0.linux?.gidMappings = [.init(size: 1)]
        },
        Refusal("linux.gidMappings: is required beside uidMappings") {
            $0.linux?.namespaces = [.init(kind: .user)]
            $0.linux?.uidMappings = [.init(size: 1)]
        },
        mappings("linux.uidMappings[0].size: must be more than 0", [.init()]),
        mappings(
            "linux.uidMappings[0].size \"2\": the range ends beyond the last id",
            [.init(containerID: 0, hostID: .max, size: 2)]),
        mappings(
            "linux.uidMappings[2]: overlaps entry 0",
            [
                .init(containerID: 0, hostID: 100, size: 10), .init(containerID: 10, hostID: 200, size: 10),
                .init(containerID: 9, hostID: 300, size: 1),
            ]),
        mappings(
            "linux.uidMappings[1]: overlaps entry 0",
            [.init(containerID: 0, hostID: 100, size: 10), .init(containerID: 20, hostID: 91, size: 10)]),
        mappings(
            "linux.uidMappings \"341\": must not have more than 340 entries",
            (0..<341).map { .init(containerID: $0, hostID: $0, size: 1) }),
        Refusal("linux.timeOffsets.boottime.nanosecs \"1000000000\": must be between 0 and 999999999") {
            $0.linux?.timeOffsets = .init(boottime: .init(seconds: 0, nanoseconds: 1_000_000_000))
        },
        Refusal("linux.timeOffsets: needs a new time namespace in linux.namespaces") {
            $0.linux?.namespaces = [.init(kind: .time, path: "/x")]
            $0.linux?.timeOffsets = .init(monotonic: .init(seconds: 1))
        },
    ]

    private static func mappings(_ expected: String, _ mappings: [IDMappingSpec]) -> Refusal {
        Refusal(expected) {
            $0.linux?.namespaces = [.init(kind: .user)]
            $0.linux?.uidMappings = mappings
            $0.linux?.gidMappings = [.init(size: 1)]
        }
    }

    @Test func `340 mappings that touch but do not overlap are accepted (MAP-3)`() throws {
        var spec = Refusal.plain()
        spec.linux?.namespaces = [.init(kind: .user)]
        spec.linux?.uidMappings = (0..<340).map { .init(containerID: $0 * 2, hostID: 1000 + $0 * 2, size: 2) }
        spec.linux?.gidMappings = [.init(containerID: .max, hostID: .max, size: 1)]
        _ = try Validation.validate(spec)
    }
}
