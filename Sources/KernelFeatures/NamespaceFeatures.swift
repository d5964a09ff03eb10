internal import LinuxSystem

extension KernelFeature {
    static var namespaces: [KernelFeature] {
        [
            namespace("mount", .newMount, .required, "2.4.19", "each container's own tree of mounts"),
            namespace("pid", .newPID, .required, "2.6.24", "each container's own processes, ended together"),
            namespace("ipc", .newIPC, .required, "2.6.19", "each container's own queues and shared memory"),
            namespace("uts", .newUTS, .required, "2.6.19", "the host name of a container"),
            namespace("network", .newNetwork, .required, "2.6.29", "each container's own network"),
            KernelFeature(
                "ns.user", .namespaces, .recommended, since: "3.8",
                for:
                    "root of a container as another user of the host; containers of users without privileges",
                without: "no id mappings, and only root can run containers",
                .process { () throws(SyscallError) in
                    try Sandbox.enterUserNamespace()
                    return .present
                }),
            KernelFeature(
                "ns.cgroup", .namespaces, .recommended, since: "4.6",
                for: "a container sees its own cgroup as the top", without: "it sees the host's paths",
                making(.newCgroup)),
            KernelFeature(
                "ns.time", .namespaces, .optional, since: "5.6",
                for: "linux.timeOffsets: clocks of a container's own",
                without: "configurations with a time namespace are refused",
                .process { () throws(SyscallError) in
                    try Sandbox.gainRights()
                    try unshare(.newTime)
                    try writeFile("/proc/self/timens_offsets", "monotonic 10 0")
                    return .present
                }),
            KernelFeature(
                "ns.join-by-pidfd", .namespaces, .recommended, since: "5.8",
                for: "exec joins all namespaces of a container in one step",
                without: "one after the other, by the files in /proc",
                .process { () throws(SyscallError) in
                    try Sandbox.gainRights()
                    try unshare([.newUTS, .newIPC])
                    let process = try openPIDFD(currentProcessID())
                    guard try process.borrowed.fileSystemStatus().magic != FileSystemStatus.proc else {
                        return .absent("there are no pidfds")
                    }
                    try joinNamespace(process.borrowed, kinds: [.newUTS, .newIPC])
                    return .present
                }),
        ]
    }

    private static func namespace(
        _ name: String, _ kind: CloneFlags, _ need: Need, _ since: String, _ use: String
    ) -> KernelFeature {
        KernelFeature(
            "ns.\(name)", .namespaces, need, since: since, for: use,
            without: "containers with the usual namespaces do not start", making(kind))
    }

    private static func making(_ kind: CloneFlags) -> Probe {
        .process { () throws(SyscallError) in
            try Sandbox.gainRights()
            try unshare(kind)
            return .present
        }
    }
}
