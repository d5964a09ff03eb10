internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var cgroups: [KernelFeature] {
        let refused = "limits that need it are refused by name, unless a v1 tree has the controller"
        return [
            controller("cpuset", "5.0", "--cpuset-cpus, --cpuset-mems", refused),
            controller("cpu", "4.15", "--cpus, --cpu-weight, CPU time of receipts", refused),
            controller("io", "4.5", "--device-read-bps and its kin, I/O of receipts", refused),
            controller("memory", "4.5", "--memory, memory of receipts", refused),
            controller("hugetlb", "5.6", "linux.resources.hugepageLimits", refused, .optional),
            controller("pids", "4.5", "--pids-limit", refused),
            controller("rdma", "4.11", "linux.resources.rdma", refused, .optional),
            controller("misc", "5.13", "misc.max by linux.resources.unified", refused, .optional),
            tried(
                "cgroup.born", "5.7", "a process begins in its cgroup (CLONE_INTO_CGROUP)",
                "it waits until it has been moved"),
            tried(
                "cgroup.kill", "5.14", "all processes of a container killed at once",
                "they are frozen, or killed again until none is left"),
            tried("cgroup.freeze", "5.2", "pause and resume", "only with the freezer of v1"),
            tried(
                "cgroup.threaded", "4.14", "cgroups of single threads that a container makes",
                "it cannot make them", .optional),
            tried(
                "cgroup.device-program", "4.15", "device rules", "only with the devices controller of v1"),
            tried(
                "cgroup.device-program-replaced", "5.6", "device rules changed without a gap",
                "update of device rules is refused"),
            KernelFeature(
                "cgroup.delegate", .cgroups, .recommended, since: "4.15",
                for: "cgroups handed over to a container's user: which files",
                without: "the three files that every kernel lets be handed over",
                .process { () throws(SyscallError) in
                    _ = try readFile("/sys/kernel/cgroup/delegate")
                    return .present
                }),
            option("nsdelegate", "4.13", "a container that makes cgroups cannot move its own limits"),
            option("memory_recursiveprot", "5.7", "protection of memory holds for cgroups below, too"),
        ]
    }

    // lint:table one entry for each feature
    static var cgroupFiles: [KernelFeature] {
        [
            file("memory.high", "4.5", "a limit that slows down", "memory", .optional),
            file("memory.low", "4.5", "memory.reservation", "memory", .recommended),
            file("memory.min", "4.18", "memory that is never taken away", "memory", .optional),
            file("memory.swap.max", "4.5", "limits of swap", "memory", .recommended),
            file(
                "memory.oom.group", "4.19", "all processes of a container end together", "memory", .optional),
            file("memory.events.local", "5.2", "whose limit killed a process", "memory", .recommended),
            file("memory.peak", "5.19", "peak memory of receipts", "memory", .recommended),
            file("memory.swap.peak", "6.5", "peak of swap in receipts", "memory", .optional),
            file(
                "memory.reclaim", "5.19", "taking memory back by linux.resources.unified", "memory", .optional
            ),
            file("memory.zswap.max", "5.19", "limits of compressed swap by unified", "memory", .optional),
            file("cpu.weight", "4.15", "--cpu-weight, shares", "cpu", .recommended),
            file("cpu.max", "4.15", "--cpus, quota and period", "cpu", .recommended),
            file("cpu.max.burst", "5.14", "linux.resources.cpu.burst", "cpu", .optional),
            file("cpu.idle", "5.15", "linux.resources.cpu.idle", "cpu", .optional),
            file("cpu.uclamp.min", "5.4", "clamps of frequency by unified", "cpu", .optional),
            file("cpuset.cpus", "5.0", "--cpuset-cpus", "cpuset", .recommended),
            file("pids.max", "4.5", "--pids-limit", "pids", .recommended),
            file("pids.peak", "6.6", "most processes at once, in receipts", "pids", .optional),
            file("io.max", "4.5", "--device-read-bps and its kin", "io", .recommended),
            file("io.weight", "5.4", "blockIO.weight, where iocost is set up", "io", .optional),
            file("io.bfq.weight", "5.0", "blockIO.weight with the scheduler bfq", "io", .optional),
            file("io.latency", "4.19", "targets of latency by unified", "io", .optional),
            file("hugetlb.*.max", "5.6", "hugepageLimits", "hugetlb", .optional),
            file("hugetlb.*.rsvd.max", "5.7", "hugepageLimits, counted when reserved", "hugetlb", .optional),
            file("rdma.max", "4.11", "linux.resources.rdma", "rdma", .optional),
            file("misc.max", "5.13", "misc.max by unified", "misc", .optional),
        ]
    }

    static var controllersV1: [KernelFeature] {
        [
            "cpu", "cpuacct", "cpuset", "io", "memory", "pids", "devices", "freezer", "hugetlb", "rdma",
            "net_cls", "net_prio",
        ].map { name in
            KernelFeature(
                "v1.\(name)", .controllersV1, .optional, since: "2.6.24 to 4.11",
                for: "limits and figures on hosts with trees of v1",
                without: name.hasPrefix("net_")
                    ? "linux.resources.network is refused" : "those of v2, if it has it",
                .cgroups { $0.answer(legacy: name) })
        }
    }

    private static func controller(
        _ name: String, _ since: String, _ use: String, _ without: String, _ need: Need = .recommended
    ) -> KernelFeature {
        KernelFeature(
            "controller.\(name)", .cgroups, need, since: since, for: use, without: without,
            .cgroups { $0.answer(controller: name) })
    }

    private static func tried(
        _ name: String, _ since: String, _ use: String, _ without: String, _ need: Need = .recommended
    ) -> KernelFeature {
        KernelFeature(
            name, .cgroups, need, since: since, for: use, without: without,
            .cgroups { $0.answer(tried: name) })
    }

    private static func option(_ name: String, _ since: String, _ use: String) -> KernelFeature {
        KernelFeature(
            "cgroup.\(name)", .cgroups, .optional, since: since, for: use,
            without: "mount cgroup2 with the option, as systemd does", .cgroups { $0.answer(option: name) })
    }

    private static func file(
        _ name: String, _ since: String, _ use: String, _ controller: String, _ need: Need
    ) -> KernelFeature {
        KernelFeature(
            name, .cgroups, need, since: since, for: use,
            without: need == .optional
                ? "a configuration with it is refused" : "limits are refused, figures missing",
            .cgroups { $0.answer(file: name, of: controller) })
    }
}
