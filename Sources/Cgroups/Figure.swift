/// One measured number with where it came from, or the reason why there is none. An unknown figure is never 0.
package enum Figure: Sendable, Equatable {
    /// A number in the unit of its `FigureKind`, and the kernel file and key that it was read from.
    case value(UInt64, source: String)
    /// There is a limit file and it says that there is no limit.
    case unlimited(source: String)
    /// The host or the container's set-up has no such number, and why.
    case unavailable(String)

    /// The number, or nil if there is none.
    package var number: UInt64? {
        if case .value(let number, _) = self { number } else { nil }
    }

    /// Where the number came from, or nil if there is none.
    package var source: String? {
        switch self {
        case .value(_, let source), .unlimited(let source): source
        case .unavailable: nil
        }
    }
}

/// The units of figures.
package enum FigureUnit: String, Sendable {
    case bytes, microseconds, count
}

/// Everything that skiff accounts for. The raw value is the key in JSON; the order is the order of every table.
package enum FigureKind: String, Sendable, CaseIterable {
    case cpuUsage = "cpu.usage"
    case cpuUser = "cpu.user"
    case cpuSystem = "cpu.system"
    case cpuPeriods = "cpu.periods"
    case cpuThrottledPeriods = "cpu.throttled_periods"
    case cpuThrottledTime = "cpu.throttled_time"
    case memoryPeak = "memory.peak"
    case memoryCurrent = "memory.current"
    case memoryLimit = "memory.limit"
    case memorySwapPeak = "memory.swap_peak"
    case memorySwap = "memory.swap"
    case memoryAnonymous = "memory.anonymous"
    case memoryFile = "memory.file"
    case memoryShared = "memory.shared"
    case memoryKernel = "memory.kernel"
    case memorySockets = "memory.sockets"
    case pageFaults = "memory.page_faults"
    case majorPageFaults = "memory.major_page_faults"
    case memoryLimitHits = "memory.limit_hits"
    case memoryOOMEvents = "memory.oom_events"
    case memoryOOMKills = "memory.oom_kills"
    case processesPeak = "processes.peak"
    case processesCurrent = "processes.current"
    case processesLimit = "processes.limit"
    case processesLimitHits = "processes.limit_hits"
    case ioReadBytes = "io.read_bytes"
    case ioWriteBytes = "io.write_bytes"
    case ioReadOperations = "io.read_operations"
    case ioWriteOperations = "io.write_operations"
    case pressureCPUSome = "pressure.cpu.some"
    case pressureCPUFull = "pressure.cpu.full"
    case pressureMemorySome = "pressure.memory.some"
    case pressureMemoryFull = "pressure.memory.full"
    case pressureIOSome = "pressure.io.some"
    case pressureIOFull = "pressure.io.full"
    case initUser = "init.user"
    case initSystem = "init.system"
    case initPeakResident = "init.peak_resident"
    case initMinorFaults = "init.minor_faults"
    case initMajorFaults = "init.major_faults"
    case initReadBytes = "init.read_bytes"
    case initWriteBytes = "init.write_bytes"

    /// The unit of the number.
    package var unit: FigureUnit {
        switch self {
        case .cpuUsage, .cpuUser, .cpuSystem, .cpuThrottledTime, .pressureCPUSome, .pressureCPUFull,
            .pressureMemorySome, .pressureMemoryFull, .pressureIOSome, .pressureIOFull, .initUser,
            .initSystem:
            .microseconds
        case .memoryPeak, .memoryCurrent, .memoryLimit, .memorySwapPeak, .memorySwap, .memoryAnonymous,
            .memoryFile, .memoryShared, .memoryKernel, .memorySockets, .ioReadBytes, .ioWriteBytes,
            .initPeakResident, .initReadBytes, .initWriteBytes:
            .bytes
        default: .count
        }
    }

    /// What a person calls it.
    package var title: String {
        switch self {
        case .cpuUsage: "cpu time"
        case .cpuUser: "  user"
        case .cpuSystem: "  system"
        case .cpuPeriods: "cpu quota periods"
        case .cpuThrottledPeriods: "  throttled periods"
        case .cpuThrottledTime: "  throttled time"
        case .memoryPeak: "memory peak"
        case .memoryCurrent: "memory at last"
        case .memoryLimit: "memory limit"
        case .memorySwapPeak: "swap peak"
        case .memorySwap: "swap at last"
        case .memoryAnonymous: "  anonymous"
        case .memoryFile: "  file cache"
        case .memoryShared: "  shared memory, tmpfs"
        case .memoryKernel: "  kernel"
        case .memorySockets: "  socket buffers"
        case .pageFaults: "page faults"
        case .majorPageFaults: "  with disk read"
        case .memoryLimitHits: "memory limit hits"
        case .memoryOOMEvents: "out-of-memory events"
        case .memoryOOMKills: "out-of-memory kills"
        case .processesPeak: "processes peak"
        case .processesCurrent: "processes at last"
        case .processesLimit: "processes limit"
        case .processesLimitHits: "processes limit hits"
        case .ioReadBytes: "block reads"
        case .ioWriteBytes: "block writes"
        case .ioReadOperations: "block read operations"
        case .ioWriteOperations: "block write operations"
        case .pressureCPUSome: "cpu pressure, some"
        case .pressureCPUFull: "cpu pressure, full"
        case .pressureMemorySome: "memory pressure, some"
        case .pressureMemoryFull: "memory pressure, full"
        case .pressureIOSome: "io pressure, some"
        case .pressureIOFull: "io pressure, full"
        case .initUser: "main process, user"
        case .initSystem: "main process, system"
        case .initPeakResident: "main process, peak memory"
        case .initMinorFaults: "main process, page faults"
        case .initMajorFaults: "  with disk read"
        case .initReadBytes: "main process, block reads"
        case .initWriteBytes: "main process, block writes"
        }
    }

    /// Whether it only grows while the container runs.
    package var isCounter: Bool {
        switch self {
        case .memoryPeak, .memoryCurrent, .memoryLimit, .memorySwapPeak, .memorySwap, .memoryAnonymous,
            .memoryFile, .memoryShared, .memoryKernel, .memorySockets, .processesPeak, .processesCurrent,
            .processesLimit, .initPeakResident:
            false
        default: true
        }
    }

    /// Whether only the wait for the main process gives it, not the cgroup.
    package var isOfInit: Bool {
        switch self {
        case .initUser, .initSystem, .initPeakResident, .initMinorFaults, .initMajorFaults, .initReadBytes,
            .initWriteBytes:
            true
        default: false
        }
    }
}
