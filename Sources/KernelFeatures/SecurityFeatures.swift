internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var security: [KernelFeature] {
        [
            KernelFeature(
                "seccomp.filter", .security, .required, since: "3.5 (the call: 3.17)",
                for: "the filter of system calls", without: "containers with a filter do not start",
                .process { () throws(SyscallError) in
                    try processControl(.setNoNewPrivileges, 1)
                    try loadSeccompFilter(allowAll, flags: 0)
                    return .present
                }),
            flag("sync-threads", 1, since: "3.17", "SECCOMP_FILTER_FLAG_TSYNC"),
            flag("log", 2, since: "4.14", "SECCOMP_FILTER_FLAG_LOG"),
            flag("spec-allow", 4, since: "4.17", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"),
            flag("listener", 8, since: "5.0", "SCMP_ACT_NOTIFY: a filter that asks an agent"),
            flag("wait-killable", 8 | 32, since: "5.19", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
            KernelFeature(
                "seccomp.add-descriptor", .security, .optional, since: "5.9",
                for: "agents that open files in a container's stead", without: "they cannot",
                .process { () throws(SyscallError) in
                    try processControl(.setNoNewPrivileges, 1)
                    let number = try loadSeccompFilter(allowAll, flags: 8)
                    return listenerTakesDescriptors(BorrowedFD(rawValue: number))
                        ? .present : .absent("ioctl(2): SECCOMP_IOCTL_NOTIF_ADDFD is not known")
                }),
            KernelFeature(
                "security.apparmor", .security, .optional, since: "2.6.36", for: "process.apparmorProfile",
                without: "configurations with it are refused",
                .process { () throws(SyscallError) in
                    let text = try readFile("/sys/module/apparmor/parameters/enabled")
                    return text.first == UInt8(ascii: "Y") ? .present : .absent("it is switched off")
                }),
            KernelFeature(
                "security.selinux", .security, .optional, since: "2.6.0",
                for: "process.selinuxLabel, linux.mountLabel", without: "a warning instead of labels",
                .process { () throws(SyscallError) in
                    let known = String(decoding: try readFile("/proc/filesystems"), as: UTF8.self)
                    return known.split(separator: "\n").contains("nodev\tselinuxfs")
                        ? .present : .absent("it is not in this kernel, or off")
                }),
            KernelFeature(
                "security.keyrings", .security, .recommended, since: "2.6.10",
                for: "a session keyring of each container's own", without: "it shares the caller's",
                .process { () throws(SyscallError) in
                    let key = try joinSessionKeyring(named: "skiff-check")
                    try setKeyPermissions(key, 0x3f3f_0000)
                    return .present
                }),
            KernelFeature(
                "security.device-nodes", .security, .recommended, since: "1.0", for: "devices in /dev",
                without: "the host's are bound, as in containers of users",
                .process { () throws(SyscallError) in
                    try unshare(.newMount)
                    try Sandbox.enter()
                    try Sandbox.makePlace()
                    try makeNode(
                        "null", kind: .characterDevice, mode: 0o666,
                        device: DeviceNumber(major: 1, minor: 3))
                    return .present
                }),
        ]
    }

    /// BPF_RET | BPF_K, SECCOMP_RET_ALLOW.
    private static let allowAll: [UInt8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]

    private static func flag(
        _ name: String, _ bits: UInt32, since: String, _ use: String
    ) -> KernelFeature {
        KernelFeature(
            "seccomp.\(name)", .security, .optional, since: since, for: use,
            without: "configurations with it are refused",
            .process { () throws(SyscallError) in
                kernelKnowsFilterFlags(bits) ? .present : .absent("seccomp(2): EINVAL")
            })
    }
}
