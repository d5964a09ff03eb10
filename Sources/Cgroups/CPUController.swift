package import RuntimeSpec

/// CPU time: weight, quota, burst, idle; v1 also realtime.
/// - SeeAlso: cgroup-v2.rst §CPU, sched-bwc.rst
package enum CPUController {
    /// The files that say what `resources.cpu` asks for.
    /// - Throws: if a value is out of range or has no meaning in this version.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        guard let cpu = resources.cpu else { return [] }
        try check(cpu, on: version)
        switch version {
        case .unified:
            return weight(cpu, "cpu.weight") { String(Conversions.cpuWeight(shares: $0)) } + unified(cpu)
        case .legacy: return weight(cpu, "cpu.shares") { String($0) } + legacy(cpu)
        }
    }

    private static func check(_ cpu: ResourcesSpec.CPU, on version: CgroupVersion) throws(SpecError) {
        if let idle = cpu.idle, idle != 0, idle != 1 {
            throw SpecError(
                field: "linux.resources.cpu.idle", reason: "must be 0 or 1", value: "\(idle)")
        }
        if let burst = cpu.burst, let quota = cpu.quota, quota > 0, burst > UInt64(quota) {
            throw SpecError(
                field: "linux.resources.cpu.burst", reason: "must not be above the quota \(quota)",
                value: "\(burst)")
        }
        if version == .unified, (cpu.realtimeRuntime ?? 0) != 0 || (cpu.realtimePeriod ?? 0) != 0 {
            throw SpecError(
                field: "linux.resources.cpu.realtimeRuntime",
                reason: "realtime limits do not exist in cgroup v2",
                value: "\(cpu.realtimeRuntime ?? 0)", kind: .unsupported)
        }
    }

    /// A SCHED_IDLE group refuses a weight, so leaving idle comes before the weight and entering it replaces it.
    private static func weight(
        _ cpu: ResourcesSpec.CPU, _ file: String, _ text: (UInt64) -> String
    ) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        if let idle = cpu.idle { writes.append(CgroupWrite("cpu.idle", "\(idle)", for: "cpu.idle")) }
        if let shares = cpu.shares, shares != 0, cpu.idle != 1 {
            writes.append(CgroupWrite(file, text(shares), for: "cpu.shares"))
        }
        return writes
    }

    private static func unified(_ cpu: ResourcesSpec.CPU) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        let period = cpu.period.flatMap { $0 == 0 ? nil : String($0) }
        if let quota = cpu.quota, quota != 0 {
            let first = quota < 0 ? "max" : String(quota)
            let text = period.map { "\(first) \($0)" } ?? first
            writes.append(CgroupWrite("cpu.max", text, for: "cpu.quota", orderDepends: true))
        } else if let period {
            writes.append(CgroupWrite("cpu.max", value: .keepingFirstWord(period), for: "cpu.period"))
        }
        if let burst = cpu.burst {
            writes.append(CgroupWrite("cpu.max.burst", "\(burst)", for: "cpu.burst", orderDepends: true))
        }
        return writes
    }

    private static func legacy(_ cpu: ResourcesSpec.CPU) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        func add(_ file: String, _ value: (some FixedWidthInteger)?, _ field: String) {
            guard let value, value != 0 else { return }
            writes.append(CgroupWrite(file, "\(value)", for: field, orderDepends: true))
        }
        add("cpu.rt_period_us", cpu.realtimePeriod, "cpu.realtimePeriod")
        add("cpu.rt_runtime_us", cpu.realtimeRuntime, "cpu.realtimeRuntime")
        add("cpu.cfs_period_us", cpu.period, "cpu.period")
        add("cpu.cfs_quota_us", cpu.quota, "cpu.quota")
        if let burst = cpu.burst {
            writes.append(CgroupWrite("cpu.cfs_burst_us", "\(burst)", for: "cpu.burst", orderDepends: true))
        }
        return writes
    }

    /// Time comes from the v2 tree, which counts it for every cgroup even where the cpu controller lives in v1.
    static func recordTime(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        statistics.readKeyed(
            "cpu.stat", from: files,
            [("usage_usec", .cpuUsage), ("user_usec", .cpuUser), ("system_usec", .cpuSystem)])
    }

    /// Time on hosts without a v2 tree, in nanoseconds there.
    static func recordLegacyTime(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        statistics.readSingle("cpuacct.usage", from: files, as: .cpuUsage, dividedBy: 1000)
        statistics.readSingle("cpuacct.usage_user", from: files, as: .cpuUser, dividedBy: 1000)
        statistics.readSingle("cpuacct.usage_sys", from: files, as: .cpuSystem, dividedBy: 1000)
    }

    static func recordThrottling(
        _ files: CgroupFiles, _ version: CgroupVersion, into statistics: inout CgroupStatistics
    ) {
        let periods: [(String, FigureKind)] = [
            ("nr_periods", .cpuPeriods), ("nr_throttled", .cpuThrottledPeriods),
        ]
        switch version {
        case .unified:
            statistics.readKeyed("cpu.stat", from: files, periods + [("throttled_usec", .cpuThrottledTime)])
        case .legacy:
            statistics.readKeyed("cpu.stat", from: files, periods)
            statistics.readKeyed(
                "cpu.stat", from: files, [("throttled_time", .cpuThrottledTime)], dividedBy: 1000)
        }
    }
}
