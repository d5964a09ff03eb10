import CommandGrammar

/// A limit as an option of `run` and `update`, in the order of the help text.
enum LimitOption: String, CaseIterable {
    case memory, memorySwap = "memory-swap", memoryReservation = "memory-reservation"
    case memoryHigh = "memory-high", memoryMin = "memory-min", memorySwappiness = "memory-swappiness"
    case memoryOOMGroup = "memory-oom-group", oomKillDisable = "oom-kill-disable"
    case kernelMemory = "kernel-memory", kernelMemoryTCP = "kernel-memory-tcp"
    case cpus, cpuWeight = "cpu-weight", cpuShares = "cpu-shares", cpuShare = "cpu-share"
    case cpuPeriod = "cpu-period", cpuQuota = "cpu-quota", cpuBurst = "cpu-burst", cpuIdle = "cpu-idle"
    case cpuUclampMin = "cpu-uclamp-min", cpuUclampMax = "cpu-uclamp-max"
    case cpuRealtimePeriod = "cpu-rt-period", cpuRealtimeRuntime = "cpu-rt-runtime"
    case cpusetCPUs = "cpuset-cpus", cpusetMems = "cpuset-mems"
    case pidsLimit = "pids-limit"
    case blockIOWeight = "blkio-weight", blockIOWeightDevice = "blkio-weight-device"
    case deviceReadBps = "device-read-bps", deviceWriteBps = "device-write-bps"
    case deviceReadIOPS = "device-read-iops", deviceWriteIOPS = "device-write-iops"
    case deviceLatency = "device-latency", cgroupConf = "cgroup-conf"
    case cacheSchema = "l3-cache-schema", bandwidthSchema = "mem-bw-schema"

    /// As the command line table has it.
    var option: CommandOption {
        CommandOption(rawValue, shortName, value: argument, summary, hidden: isObsolete || self == .cpuShare)
    }

    /// Whether no kernel has it any more.
    var isObsolete: Bool { self == .kernelMemory || self == .kernelMemoryTCP }

    /// Whether only `update` takes it.
    var isForUpdate: Bool {
        isObsolete || self == .cpuShare || self == .cacheSchema || self == .bandwidthSchema
    }

    private var shortName: Character? {
        switch self {
        case .memory: "m"
        case .cpuShares: "c"
        default: nil
        }
    }

    private var argument: String? {
        switch self {
        case .memory, .memoryReservation, .memorySwap, .memoryHigh, .memoryMin, .kernelMemory,
            .kernelMemoryTCP:
            "SIZE"
        case .memoryOOMGroup, .oomKillDisable: nil
        case .cpusetCPUs, .cpusetMems: "LIST"
        case .cpus, .cpuUclampMin, .cpuUclampMax: "NUMBER"
        case .blockIOWeightDevice: "DEVICE:WEIGHT"
        case .deviceReadBps, .deviceWriteBps: "DEVICE:SIZE"
        case .deviceReadIOPS, .deviceWriteIOPS: "DEVICE:N"
        case .deviceLatency: "DEVICE:TIME"
        case .cgroupConf: "FILE=TEXT"
        case .cacheSchema, .bandwidthSchema: "LINE"
        default: "N"
        }
    }

    private var summary: String { memorySummary ?? cpuSummary ?? otherSummary }

    private var memorySummary: String? {
        switch self {
        case .memory: "Limit the memory, such as 64m; -1 for none"
        case .memorySwap: "Limit memory and swap together; -1 for no limit on swap"
        case .memoryReservation: "Memory that is kept for the container as long as others have some to give"
        case .memoryHigh: "Slow the container down above this much memory instead of killing (cgroup v2)"
        case .memoryMin: "Memory that is never taken from the container (cgroup v2)"
        case .memorySwappiness: "How readily memory is swapped, 0 to 100 (cgroup v1)"
        case .memoryOOMGroup: "Out of memory, kill all of the container instead of one process (cgroup v2)"
        case .oomKillDisable: "Out of memory, let the processes wait instead of killing one (cgroup v1)"
        case .kernelMemory, .kernelMemoryTCP: "Accepted, without effect: no kernel has it any more"
        default: nil
        }
    }

    private var cpuSummary: String? {
        switch self {
        case .cpus: "Limit the processor time, such as 0.5"
        case .cpuWeight: "Share of processor time under load, 1 to 10000 (default 100)"
        case .cpuShares, .cpuShare: "The same in docker's older unit, 2 to 262144 (default 1024)"
        case .cpuPeriod: "Period of the CPU quota in microseconds"
        case .cpuQuota: "CPU time per period in microseconds; -1 for no limit"
        case .cpuBurst: "CPU time that may be saved up, in microseconds"
        case .cpuIdle: "1: runs only when nothing else wants to"
        case .cpuUclampMin: "Least speed of the processor that is asked for, in percent (cgroup v2)"
        case .cpuUclampMax: "Greatest speed of the processor that is asked for, in percent (cgroup v2)"
        case .cpuRealtimePeriod: "Period of realtime scheduling in microseconds (cgroup v1)"
        case .cpuRealtimeRuntime: "Realtime CPU time per period in microseconds (cgroup v1)"
        default: nil
        }
    }

    private var otherSummary: String {
        switch self {
        case .cpusetCPUs: "Processors that may be used, such as 0-3,7"
        case .cpusetMems: "Memory nodes that may be used, such as 0-1"
        case .pidsLimit: "Limit the number of processes; -1 for none"
        case .blockIOWeight: "Share of block I/O under load, 10 to 1000"
        case .blockIOWeightDevice: "The same for one device"
        case .deviceReadBps: "Limit bytes read from a device per second, such as /dev/sda:1m; 0 for none"
        case .deviceWriteBps: "Limit bytes written to a device per second; 0 for none"
        case .deviceReadIOPS: "Limit reads from a device per second; 0 for none"
        case .deviceWriteIOPS: "Limit writes to a device per second; 0 for none"
        case .deviceLatency: "Hold others back while requests of the container take longer (cgroup v2)"
        case .cgroupConf: "Write a file of the cgroup, such as pids.max=50 (cgroup v2)"
        case .cacheSchema: "Line for the L3 cache of the container's resctrl group"
        default: "Line for the memory bandwidth (MB:) of the container's resctrl group"
        }
    }
}
