import RuntimeSpec
import Testing

struct LinuxValidationTests {
    @Test(arguments: deviceFaults) func `faults of devices are refused by field and value`(refusal: Refusal) {
        refusal.check()
    }
    @Test(arguments: limitFaults) func `faults of limits are refused by field and value`(refusal: Refusal) {
        refusal.check()
    }
    @Test(arguments: kernelFaults) func `faults of kernel are refused by field and value`(refusal: Refusal) {
        refusal.check()
    }
    @Test(arguments: filterFaults) func `faults of seccomp are refused by field and value`(refusal: Refusal) {
        refusal.check()
    }

    static let deviceFaults: [Refusal] = [
        Refusal("linux.devices[0].path \"dev/x\": must be an absolute path") {
            $0.linux?.devices = [.init(kind: .fifo, path: "dev/x")]
        },
        Refusal("linux.devices[0] \"/x\": needs major and minor for type c") {
            $0.linux?.devices = [.init(kind: .character, path: "/x", major: 1)]
        },
        Refusal("linux.devices[0].major \"4096\": must be between 0 and 4095") {
            $0.linux?.devices = [.init(kind: .block, path: "/x", major: 4096, minor: 0)]
        },
        Refusal("linux.devices[0].minor \"-1\": must be between 0 and 1048575") {
            $0.linux?.devices = [.init(kind: .block, path: "/x", major: 0, minor: -1)]
        },
        Refusal("linux.devices[0].fileMode \"65536\": must be between 0 and 65535") {
            $0.linux?.devices = [.init(kind: .fifo, path: "/x", fileMode: 65536)]
        },
        Refusal("linux.netDevices: needs a network namespace in linux.namespaces") {
            $0.linux?.netDevices = [.init(hostName: "eth0")]
        },
        interfaces(
            "linux.netDevices[\"\"] \"\": must be an interface name of 1 to 15 bytes", [.init(hostName: "")]),
        interfaces(
            "linux.netDevices[\"a\"].name \"0123456789abcdef\": must be an interface name of 1 to 15 bytes",
            [.init(hostName: "a", name: "0123456789abcdef")]),
        interfaces(
            "linux.netDevices[\"a/b\"] \"a/b\": must be an interface name of 1 to 15 bytes",
            [.init(hostName: "a/b")]),
        interfaces(
            "linux.netDevices[\"b\"].name \"a\": two interfaces cannot have one name",
            [.init(hostName: "a"), .init(hostName: "b", name: "a")]),
        interfaces(
            "linux.netDevices[\"a\"].name \"e%x\": may have one %d and no other %",
            [.init(hostName: "a", name: "e%x")]),
        limit("linux.resources.devices[0].access \"rx\": must be letters out of rwm") {
            $0.devices = [.init(allow: true, access: "rx")]
        },
        limit("linux.resources.devices[0].major \"-2\": must be between -1 and 4294967295") {
            $0.devices = [.init(allow: true, major: -2)]
        },
        limit("linux.resources.devices[0].minor \"-2\": must be between -1 and 4294967295") {
            $0.devices = [.init(allow: true, minor: -2)]
        },
    ]

    static let limitFaults: [Refusal] = [
        path("linux.cgroupsPath \"/a/../b\": must not contain . or ..", "/a/../b"),
        path("linux.cgroupsPath \"..\": must not contain . or ..", ".."),
        path("linux.cgroupsPath \"/a/./b\": must not contain . or ..", "/a/./b"),
        path("linux.cgroupsPath \"/a//b\": must not contain //", "/a//b"),
        path("linux.cgroupsPath \"/a\\nb\": must not contain control characters", "/a\nb"),
        limit("linux.resources.memory.limit \"-2\": must be -1 or more") { $0.memory = .init(limit: -2) },
        limit("linux.resources.memory.reservation \"-2\": must be -1 or more") {
            $0.memory = .init(reservation: -2)
        },
        limit("linux.resources.memory.swap \"-5\": must be -1 or more") { $0.memory = .init(swap: -5) },
        limit("linux.resources.memory.swappiness \"101\": must be between 0 and 100") {
            $0.memory = .init(swappiness: 101)
        },
        limit("linux.resources.memory.swap \"5\": needs a memory limit") { $0.memory = .init(swap: 5) },
        limit("linux.resources.memory.swap \"5\": counts memory and swap and must not be below the limit 6") {
            $0.memory = .init(limit: 6, swap: 5)
        },
        limit("linux.resources.memory.swap \"5\": counts memory and swap and must not be below the limit -1")
        {
            $0.memory = .init(limit: -1, swap: 5)
        },
        limit("linux.resources.cpu.quota \"-2\": must be -1 or more") { $0.cpu = .init(quota: -2) },
        limit("linux.resources.cpu.burst \"2\": must not be above the quota 1") {
            $0.cpu = .init(quota: 1, burst: 2)
        },
        limit("linux.resources.cpu.idle \"2\": must be between 0 and 1") { $0.cpu = .init(idle: 2) },
        limit("linux.resources.cpu.cpus \"a\": must be a list such as 0-3,7") { $0.cpu = .init(cpus: "a") },
        limit("linux.resources.cpu.cpus \"+1\": must be a list such as 0-3,7") { $0.cpu = .init(cpus: "+1") },
        limit("linux.resources.cpu.mems \"0-1-2\": must be a list such as 0-3,7") {
            $0.cpu = .init(mems: "0-1-2")
        },
        limit("linux.resources.pids.limit \"-2\": must be -1 or more") { $0.pids = .init(limit: -2) },
        page("2mb"), page("MB"), page("02MB"), page("2TB"), page("2M"), page("-2MB"),
        limit("linux.resources.network.priorities[0].name: is required") {
            $0.network = .init(priorities: [.init(priority: 1)])
        },
        limit("linux.resources.rdma[\"mlx\"]: needs hcaHandles or hcaObjects") { $0.rdma = ["mlx": .init()] },
        limit("linux.resources.blockIO.weight \"9\": must be between 10 and 1000") {
            $0.blockIO = .init(weight: 9)
        },
        limit("linux.resources.blockIO.leafWeight \"1001\": must be between 10 and 1000") {
            $0.blockIO = .init(leafWeight: 1001)
        },
        limit("linux.resources.blockIO.weightDevice[0]: needs weight or leafWeight") {
            $0.blockIO = .init(weightDevice: [.init(major: 8)])
        },
        limit("linux.resources.blockIO.weightDevice[0].weight \"1\": must be between 10 and 1000") {
            $0.blockIO = .init(weightDevice: [.init(major: 8, weight: 1)])
        },
        limit("linux.resources.unified: must not contain an empty name") { $0.unified = ["": "1"] },
        limit("linux.resources.unified \"../x\": must name a file of the cgroup") {
            $0.unified = ["../x": "1"]
        },
        limit("linux.resources.unified \"a/b\": must name a file of the cgroup") {
            $0.unified = ["a/b": "1"]
        },
        limit("linux.resources.unified \"a\\nb\": must not contain control characters") {
            $0.unified = ["a\nb": "1"]
        },
    ]

    static let kernelFaults: [Refusal] =
        ["", "x", "net..x", ".net.x", "net/../kernel", "net.ipv4.x\n", "a b.c", "kernel.a=1"].map(sysctlName)
        + [
            Refusal("linux.sysctl[\"net.x\"] \"1\\n2\": must not contain control characters") {
                $0.linux?.sysctl = ["net.x": "1\n2"]
            },
            Refusal("linux.sysctl[\"net.x\"] \"1+kernel.core_pattern=|/x\": must not contain + or =") {
                $0.linux?.sysctl = ["net.x": "1+kernel.core_pattern=|/x"]
            },
            Refusal(
                "linux.sysctl[\"kernel.hostname\"] \"a\": conflicts with the field hostname, which sets this name"
            ) {
                $0.linux?.sysctl = ["kernel.hostname": "a"]
            },
            Refusal("linux.sysctl[\"kernel/domainname\"] \"a\": conflicts with domainname \"b\"") {
                $0.linux?.namespaces = [.init(kind: .uts)]
                $0.domainname = "b"
                $0.linux?.sysctl = ["kernel/domainname": "a"]
            },
            rdt("linux.intelRdt.closID \"a/b\": must be / or a plain name", .init(closID: "a/b")),
            rdt("linux.intelRdt.closID \"..\": must be / or a plain name", .init(closID: "..")),
            rdt(
                "linux.intelRdt.schemata[0] \"a\\nb\": must not contain control characters",
                .init(schemata: ["a\nb"])),
            rdt(
                "linux.intelRdt.l3CacheSchema \"a\\nb\": must not contain control characters",
                .init(l3CacheSchema: "a\nb")),
            rdt("linux.intelRdt.memBwSchema \"L3:0=f\": must begin with MB:", .init(memBwSchema: "L3:0=f")),
            memory("linux.memoryPolicy.nodes: is required for MPOL_BIND", .init(mode: .bind)),
            memory(
                "linux.memoryPolicy.nodes \"0\": must be empty for MPOL_LOCAL",
                .init(mode: .local, nodes: "0")),
            memory(
                "linux.memoryPolicy.nodes \"x\": must be a list such as 0-3,7", .init(mode: .bind, nodes: "x")
            ),
            memory(
                "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other",
                .init(mode: .bind, nodes: "0", flags: [.staticNodes, .relativeNodes])),
            memory(
                "linux.memoryPolicy.flags \"MPOL_INTERLEAVE\": "
                    + "MPOL_F_NUMA_BALANCING is only for MPOL_BIND and MPOL_PREFERRED_MANY",
                .init(mode: .interleave, nodes: "0", flags: [.numaBalancing])),
            memory(
                "linux.memoryPolicy.flags \"MPOL_LOCAL\": "
                    + "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes",
                .init(mode: .local, nodes: "", flags: [.staticNodes])),
            Refusal("linux.personality.flags \"x\": must be empty") {
                $0.linux?.personality = .init(domain: .linux, flags: ["x"])
            },
        ]

    static let filterFaults: [Refusal] = [
        filter(
            "linux.seccomp.defaultErrnoRet \"1\": "
                + "is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE, not SCMP_ACT_ALLOW",
            .init(defaultAction: .allow, defaultErrnoRet: 1)),
        filter(
            "linux.seccomp.defaultErrnoRet \"4096\": must be between 0 and 4095",
            .init(defaultAction: .errno, defaultErrnoRet: 4096)),
        filter(
            "linux.seccomp.defaultErrnoRet \"65536\": must be between 0 and 65535",
            .init(defaultAction: .trace, defaultErrnoRet: 65536)),
        filter(
            "linux.seccomp.defaultAction \"SCMP_ACT_NOTIFY\": cannot be the default",
            .init(defaultAction: .notify, listenerPath: "/x")),
        filter(
            "linux.seccomp.listenerMetadata \"m\": needs listenerPath",
            .init(defaultAction: .allow, listenerMetadata: "m")),
        rule("linux.seccomp.syscalls[0].names: is required", .init(action: .errno)),
        rule("linux.seccomp.syscalls[0].names[1]: is required", .init(names: ["a", ""], action: .errno)),
        rule(
            "linux.seccomp.syscalls[0].errnoRet \"1\": "
                + "is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE, not SCMP_ACT_KILL",
            .init(names: ["a"], action: .kill, errnoRet: 1)),
        rule(
            "linux.seccomp.syscalls[0].action \"SCMP_ACT_NOTIFY\": needs linux.seccomp.listenerPath",
            .init(names: ["a"], action: .notify)),
        rule(
            "linux.seccomp.syscalls[0].args[0].index \"6\": must be between 0 and 5",
            .init(names: ["a"], action: .errno, args: [.init(index: 6, op: .equal)])),
    ]

    @Test func `values that mean unset or unlimited are accepted`() throws {
        var spec = Refusal.plain()
        spec.linux?.resources = ResourcesSpec(
            devices: [.init(allow: false, major: -1, minor: -1, access: "rwm")],
            memory: .init(limit: -1, swap: -1, swappiness: .max),
            cpu: .init(shares: 0, quota: -1, cpus: "0-3,7"),
            pids: .init(limit: -1), blockIO: .init(weight: 0), hugepageLimits: [.init(pageSize: "64KB")],
            network: .init(), unified: ["memory.high": "max"])
        spec.linux?.cgroupsPath = "system.slice:skiff:c1"
        spec.linux?.sysctl = ["net/ipv4/ip_forward": "1", "net.ipv4.ping_group_range": "0\t1"]
        spec.linux?.namespaces.append(.init(kind: .network))
        spec.linux?.netDevices = [.init(hostName: "a", name: "eth%d"), .init(hostName: "b", name: "eth%d")]
        spec.linux?.memoryPolicy = .init(mode: .preferred)
        spec.linux?.intelRdt = .init(closID: "/")
        _ = try Validation.validate(spec)
    }
}

extension LinuxValidationTests {
    private static func limit(
        _ expected: String, _ change: @escaping @Sendable (inout ResourcesSpec) -> Void
    ) -> Refusal {
        Refusal(expected) { spec in
            var resources = ResourcesSpec()
            change(&resources)
            spec.linux?.resources = resources
        }
    }

    private static func interfaces(_ expected: String, _ devices: [NetDeviceSpec]) -> Refusal {
        Refusal(expected) {
            $0.linux?.namespaces = [.init(kind: .network)]
            $0.linux?.netDevices = devices
        }
    }

    private static func path(_ expected: String, _ path: String) -> Refusal {
        Refusal(expected) { $0.linux?.cgroupsPath = path }
    }

    private static func page(_ size: String) -> Refusal {
        limit("linux.resources.hugepageLimits[0].pageSize \"\(size)\": must be a size such as 2MB or 1GB") {
            $0.hugepageLimits = [.init(pageSize: size)]
        }
    }

    private static func sysctlName(_ name: String) -> Refusal {
        let shown = name.replacing("\n", with: "\\n")
        return Refusal("linux.sysctl \"\(shown)\": must be a name such as net.ipv4.ip_forward") {
            $0.linux?.sysctl = [name: "1"]
        }
    }

    private static func rdt(_ expected: String, _ rdt: IntelRdtSpec) -> Refusal {
        Refusal(expected) { $0.linux?.intelRdt = rdt }
    }

    private static func memory(_ expected: String, _ policy: MemoryPolicySpec) -> Refusal {
        Refusal(expected) { $0.linux?.memoryPolicy = policy }
    }

    private static func filter(_ expected: String, _ seccomp: SeccompSpec) -> Refusal {
        Refusal(expected) { $0.linux?.seccomp = seccomp }
    }

    private static func rule(_ expected: String, _ rule: SeccompSpec.SyscallRule) -> Refusal {
        filter(expected, .init(defaultAction: .allow, syscalls: [rule]))
    }
}
