internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var pressure: [KernelFeature] {
        let missing = "stats, events and receipts say: not available"
        return ["cpu", "memory", "io"].map { name in
            KernelFeature(
                "\(name).pressure", .pressure, .recommended, since: "4.20",
                for: "how long processes of a container waited for \(name)", without: missing,
                .cgroups { $0.answer(file: "\(name).pressure", of: nil) })
        } + [
            KernelFeature(
                "pressure.of-host", .pressure, .optional, since: "4.20",
                for: "pressure of the whole host beside that of a container", without: missing,
                .process { () throws(SyscallError) in
                    _ = try readFile("/proc/pressure/memory")
                    return .present
                }),
            KernelFeature(
                "pressure.trigger-of-cgroup", .pressure, .optional, since: "5.2",
                for: "being told when a container is short of memory",
                without: "nobody is told",
                .cgroups { $0.answer(tried: "pressure.trigger-of-cgroup") }),
        ]
    }
}
