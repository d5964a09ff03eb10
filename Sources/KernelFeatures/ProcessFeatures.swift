internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var processes: [KernelFeature] {
        [
            KernelFeature(
                "process.pidfd", .processes, .required, since: "5.4",
                for: "waiting for a process and no other of its number",
                without: "nothing starts",
                .process { () throws(SyscallError) in
                    switch try cloneProcess() {
                    case .child: exitProcess(7)
                    case .parent(let child):
                        let result = try waitForExit(of: .pidfd(child.pidfd.borrowed))
                        return result?.exit == .exited(7) ? .present : .absent("waitid(2) had another result")
                    }
                }),
            KernelFeature(
                "process.pidfd-signal", .processes, .required, since: "5.1",
                for: "signals to a process and no other of its number", without: "nothing starts",
                .process { () throws(SyscallError) in
                    switch try cloneProcess() {
                    case .child: waitToBeKilled()
                    case .parent(let child):
                        try child.pidfd.borrowed.sendSignal(9)
                        let result = try waitForExit(of: .pidfd(child.pidfd.borrowed))
                        return result?.exit == .signaled(9) ? .present : .absent("the signal did not come")
                    }
                }),
            bare(
                "process.clone3", .clone3, .recommended, "5.3", "processes born in their cgroup",
                "clone(2), and the process waits until it has been moved"),
            bare(
                "process.pidfd-open", .pidfdOpen, .recommended, "5.3", "watching processes of other parents",
                "their files in /proc, looked at every millisecond"),
            bare(
                "process.pidfd-poll", .pidfdPoll, .recommended, "5.3",
                "waiting for processes of other parents",
                "their files in /proc, looked at every millisecond"),
            bare(
                "process.pidfd-getfd", .pidfdGet, .optional, "5.6",
                "fetching the listener of a seccomp filter that notifies",
                "filters that notify work only where the calls of init itself are not held up"),
            bare(
                "process.close-range", .closeRange, .recommended, "5.11",
                "keeping descriptors of the caller from the container", "one call for each descriptor"),
            bare(
                "process.memfd-exec", .executableMemoryFile, .recommended, "6.3",
                "the sealed copy of skiff where vm.memfd_noexec is set", "fails where that sysctl is 2"),
            KernelFeature(
                "process.memfd-seal", .processes, .recommended, since: "3.17",
                for: "a copy of skiff that a container cannot write to",
                without: "only an overlay or a read-only file system guards skiff's file",
                .process { () throws(SyscallError) in
                    let file = try memoryFile(named: "check", executable: false, sealable: true)
                    try file.borrowed.sealAgainstChange()
                    return file.borrowed.isSealed() ? .present : .absent("the seals do not hold")
                }),
            option(
                "process.no-new-privileges", .setNoNewPrivileges, .required, "3.5", "noNewPrivileges",
                "nothing starts"),
            option(
                "process.subreaper", .setChildSubreaper, .recommended, "3.4",
                "the monitor gets the container's process from the runtime", "run of an image does not work"),
            KernelFeature(
                "process.ambient-capabilities", .processes, .recommended, since: "4.3",
                for: "capabilities of programs that run as another user",
                without: "configurations with ambient capabilities are refused",
                .process { () throws(SyscallError) in
                    // PR_CAP_AMBIENT_CLEAR_ALL
                    try processControl(.ambientCapability, 4)
                    return .present
                }),
            KernelFeature(
                "process.scheduler", .processes, .optional, since: "3.14", for: "process.scheduler",
                without: "configurations with it are refused",
                .process { () throws(SyscallError) in
                    try setScheduling(SchedulingAttributes())
                    return .present
                }),
            KernelFeature(
                "process.io-priority", .processes, .optional, since: "2.6.13", for: "process.ioPriority",
                without: "configurations with it are refused",
                .process { () throws(SyscallError) in
                    try setProcessGroup()
                    try setIOPriority(class: 2, level: 4)
                    return .present
                }),
            KernelFeature(
                "process.memory-policy", .processes, .optional, since: "2.6.7", for: "linux.memoryPolicy",
                without: "configurations with it are refused",
                .process { () throws(SyscallError) in
                    try setMemoryPolicy(mode: 0, nodes: [])
                    return .present
                }),
            KernelFeature(
                "process.personality", .processes, .optional, since: "1.2", for: "linux.personality",
                without: "configurations with it are refused",
                .process { () throws(SyscallError) in
                    try setPersonality(8)
                    return .present
                }),
        ]
    }

    /// What CRIU needs to checkpoint and restore.
    static var criu: [KernelFeature] {
        let (use, without) = ("checkpoint and restore by CRIU", "CRIU refuses to work")
        return [
            bare("criu.kcmp", .compareProcesses, .optional, "3.5", use, without),
            bare("criu.memory-map", .memoryMapSize, .optional, "3.18", use, without),
            KernelFeature(
                "criu.map-files", .processes, .optional, since: "3.3", for: use, without: without,
                .process { () throws(SyscallError) in
                    _ = try open("/proc/self/map_files", [.readOnly, .directory])
                    return .present
                }),
        ]
    }

    static func bare(
        _ name: String, _ call: BareCall, _ need: Need, _ since: String, _ use: String, _ without: String,
        _ area: Area = .processes
    ) -> KernelFeature {
        KernelFeature(
            name, area, need, since: since, for: use, without: without,
            .process { () throws(SyscallError) in
                if area == .mounts { try Sandbox.enter() }
                try call.make()
                return .present
            })
    }

    private static func option(
        _ name: String, _ option: ProcessControl, _ need: Need, _ since: String, _ use: String,
        _ without: String
    ) -> KernelFeature {
        KernelFeature(
            name, .processes, need, since: since, for: use, without: without,
            .process { () throws(SyscallError) in
                try processControl(option, 1)
                return .present
            })
    }
}

/// For children of a probe: they end with it at the latest.
func waitToBeKilled() -> Never {
    bestEffort("ten seconds are the limit without it") { () throws(SyscallError) in
        try processControl(.setParentDeathSignal, 9)
    }
    Clock.sleep(nanoseconds: 10_000_000_000)
    exitProcess(0)
}
