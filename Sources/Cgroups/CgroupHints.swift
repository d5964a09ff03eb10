internal import LinuxSystem

/// What a person can do about refusals of cgroup files.
enum CgroupHints {
    static func forMaking(_ errno: Errno, _ directory: CgroupPlan.Directory) -> String? {
        switch errno {
        case .EACCES, .EPERM, .EROFS:
            "limits need a cgroup tree that the user may write: run as root or with a delegated cgroup"
        case .EAGAIN: "a cgroup above has reached cgroup.max.depth or cgroup.max.descendants"
        default: nil
        }
    }

    static func forEnabling(_ errno: Errno) -> String? {
        switch errno {
        case .EBUSY:
            "a cgroup that passes controllers on must not hold processes itself; move them into a child"
        case .ENOENT: "the cgroup above does not pass this controller on, or the kernel has none"
        case .EOPNOTSUPP: "the cgroup is in threaded mode, where this controller does not exist"
        case .EACCES, .EPERM: "the cgroup is not delegated to this user"
        default: nil
        }
    }

    static func forWriting(_ write: CgroupWrite, _ errno: Errno) -> String? {
        switch (errno, write.field) {
        case (.EBUSY, let field) where field.hasPrefix("memory"):
            "the memory limit is too low: the cgroup uses more than that and nothing can be reclaimed"
        case (.ENOENT, _): "this kernel has no \(write.file) in this cgroup"
        case (.EINVAL, "cpu.quota"), (.EINVAL, "cpu.period"):
            "period and quota must be 1000 to 1000000 us and not above what the parent cgroup allows"
        case (.EINVAL, "memory.limit"), (.EINVAL, "memory.swap"):
            "the limit of memory and swap together must not be below that of memory: give both"
        case (.EINVAL, "cpu.realtimeRuntime"), (.EINVAL, "cpu.realtimePeriod"):
            "the cgroups above must have realtime left to give, and more than what their processes use"
        case (.EINVAL, "cpu.burst"): "the burst must not be above the quota"
        case (.EINVAL, "cpu.cpus"), (.EINVAL, "cpu.mems"), (.EACCES, "cpu.cpus"), (.EACCES, "cpu.mems"),
            (.ERANGE, "cpu.cpus"), (.ERANGE, "cpu.mems"):
            "only CPUs and nodes that are online and in the parent's cpuset can be used"
        case (.ENODEV, let field) where field.hasPrefix("blockIO") || field.hasPrefix("unified.io."):
            "there is no disk of that number; a partition has no limits of its own"
        case (.EINVAL, "pids.limit"): "the number of processes must be below 4194304"
        case (.EOPNOTSUPP, let field) where field.hasPrefix("blockIO.weight"):
            "the disk's I/O scheduler has no weights; bfq has"
        case (.EINVAL, let field) where field.hasPrefix("unified"): "the kernel does not take this value"
        case (.EPERM, "devices"): "the parent cgroup does not allow this device"
        default: nil
        }
    }
}
