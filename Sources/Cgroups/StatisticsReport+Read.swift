internal import LinuxSystem

extension StatisticsReport {
    mutating func readCPU(_ cgroup: borrowing Cgroup) {
        var usage: (total: UInt64, kernel: UInt64, user: UInt64) = (0, 0, 0)
        func keyed(_ files: CgroupFiles, _ body: (String, UInt64) -> Void) {
            KernelText.flatKeyed(files.reportBytes("cpu.stat") ?? [], body)
        }
        // v2 counts time for every cgroup, also where the controller lives in v1.
        if let unified = cgroup.unified {
            keyed(unified) { key, value in
                switch key {
                case "usage_usec": usage.total = value * 1000
                case "user_usec": usage.user = value * 1000
                case "system_usec": usage.kernel = value * 1000
                default: break
                }
            }
        }
        if let files = cgroup.trees.first(where: {
            $0.version == .legacy && $0.controllers.contains(.cpuacct)
        }) {
            usage.total = files.reportNumber("cpuacct.usage") ?? usage.total
            usage.kernel = files.reportNumber("cpuacct.usage_sys") ?? usage.kernel
            usage.user = files.reportNumber("cpuacct.usage_user") ?? usage.user
            processorTimes = [
                ("percpu", files.reportNumbers("cpuacct.usage_percpu")),
                ("percpu_kernel", files.reportNumbers("cpuacct.usage_percpu_sys")),
                ("percpu_user", files.reportNumbers("cpuacct.usage_percpu_user")),
            ]
        }
        cpuUsage = [
            ("total", usage.total, false), ("kernel", usage.kernel, true), ("user", usage.user, true),
        ]
        guard let files = cgroup.tree(of: .cpu) else { return }
        var counts: [String: UInt64] = [:]
        keyed(files) { key, value in counts[key] = value }
        throttling = [
            ("periods", counts["nr_periods"] ?? 0, false),
            ("throttledPeriods", counts["nr_throttled"] ?? 0, false),
            (
                "throttledTime", counts["throttled_usec"].map { $0 * 1000 } ?? counts["throttled_time"] ?? 0,
                false
            ),
        ]
    }

    mutating func readMemory(_ cgroup: borrowing Cgroup) {
        guard let files = cgroup.tree(of: .memory), let bytes = files.reportBytes("memory.stat") else {
            return
        }
        KernelText.flatKeyed(bytes) { key, value in memoryStatistics.append((key, value)) }
        func statistic(_ name: String) -> UInt64 { memoryStatistics.first { $0.key == name }?.value ?? 0 }
        guard files.version == .unified else {
            cache = statistic("cache")
            for (name, prefix) in [
                ("usage", "memory"), ("swap", "memory.memsw"), ("kernel", "memory.kmem"),
                ("kernelTCP", "memory.kmem.tcp"),
            ] {
                addEntry(
                    name, usage: files.reportNumber("\(prefix).usage_in_bytes"),
                    limit: files.reportNumber("\(prefix).limit_in_bytes"),
                    peak: files.reportNumber("\(prefix).max_usage_in_bytes"),
                    hits: files.reportNumber("\(prefix).failcnt"))
            }
            return
        }
        cache = statistic("file")
        let usage = files.reportNumber("memory.current")
        let limit = files.reportNumber("memory.max")
        addEntry("usage", usage: usage, limit: limit, peak: files.reportNumber("memory.peak"), hits: nil)
        // As in v1: memory and swap together; of the sum there is no peak.
        guard let swap = files.reportNumber("memory.swap.current") else { return }
        let swapLimit = files.reportNumber("memory.swap.max") ?? .max
        let (sum, overflow) = swapLimit.addingReportingOverflow(limit ?? 0)
        addEntry("swap", usage: swap + (usage ?? 0), limit: overflow ? .max : sum, peak: nil, hits: nil)
    }

    private mutating func addEntry(
        _ name: String, usage: UInt64?, limit: UInt64?, peak: UInt64?, hits: UInt64?
    ) {
        if usage == nil, limit == nil { return }
        memory.append(
            (
                name,
                [
                    ("limit", limit ?? 0, true), ("usage", usage ?? 0, false), ("max", peak ?? 0, false),
                    ("failcnt", hits ?? 0, true),
                ]
            ))
    }

    mutating func readBlockIO(_ cgroup: borrowing Cgroup) {
        guard let files = cgroup.tree(of: .io) else { return }
        guard files.version == .unified else { return readLegacyBlockIO(files) }
        var bytes: [BlockEntry] = []
        var operations: [BlockEntry] = []
        for device in KernelText.ioStat(files.reportBytes("io.stat") ?? []) {
            func add(_ operation: String, _ value: UInt64?, to table: inout [BlockEntry]) {
                guard let value else { return }
                table.append(
                    BlockEntry(major: device.major, minor: device.minor, operation: operation, value: value))
            }
            add("Read", device.readBytes, to: &bytes)
            add("Write", device.writeBytes, to: &bytes)
            add("Read", device.readOperations, to: &operations)
            add("Write", device.writeOperations, to: &operations)
        }
        blockTables = [("ioServiceBytesRecursive", bytes), ("ioServicedRecursive", operations)]
    }

    /// The scheduler BFQ counts by itself; without it the throttling code does.
    private mutating func readLegacyBlockIO(_ files: CgroupFiles) {
        for (name, candidates) in Self.legacyTables {
            for file in candidates {
                guard let bytes = files.reportBytes("blkio.\(file)") else { continue }
                var entries: [BlockEntry] = []
                KernelText.blkio(bytes) { device, operation, value in
                    entries.append(
                        BlockEntry(
                            major: device.major, minor: device.minor, operation: operation, value: value))
                }
                if entries.isEmpty { continue }
                blockTables.append((name, entries))
                break
            }
        }
    }

    private static let legacyTables: [(String, [String])] = [
        (
            "ioServiceBytesRecursive",
            [
                "bfq.io_service_bytes_recursive", "throttle.io_service_bytes_recursive",
                "throttle.io_service_bytes",
            ]
        ),
        (
            "ioServicedRecursive",
            ["bfq.io_serviced_recursive", "throttle.io_serviced_recursive", "throttle.io_serviced"]
        ),
        ("ioQueueRecursive", ["bfq.io_queued_recursive"]),
        ("ioServiceTimeRecursive", ["bfq.io_service_time_recursive"]),
        ("ioWaitTimeRecursive", ["bfq.io_wait_time_recursive"]),
        ("ioMergedRecursive", ["bfq.io_merged_recursive"]),
        ("ioTimeRecursive", ["bfq.time_recursive"]), ("sectorsRecursive", ["bfq.sectors_recursive"]),
    ]

    mutating func readHugePages(_ files: CgroupFiles, _ sizes: [String]) {
        for size in sizes {
            let name = "hugetlb.\(size)"
            if files.version == .unified {
                guard
                    let usage = files.reportNumber("\(name).rsvd.current")
                        ?? files.reportNumber("\(name).current")
                else { continue }
                let hits = KernelText.value(of: "max", in: files.reportBytes("\(name).events") ?? []) ?? 0
                hugePages.append((size, [("usage", usage, false), ("failcnt", hits, true)]))
                continue
            }
            for prefix in ["\(name).rsvd", name] {
                guard let usage = files.reportNumber("\(prefix).usage_in_bytes") else { continue }
                hugePages.append(
                    (
                        size,
                        [
                            ("usage", usage, false),
                            ("max", files.reportNumber("\(prefix).max_usage_in_bytes") ?? 0, false),
                            ("failcnt", files.reportNumber("\(prefix).failcnt") ?? 0, true),
                        ]
                    ))
                break
            }
        }
    }

    /// The sizes of this machine as the files name them: `2MB`, `1GB`.
    package static func hugePageSizes() -> [String] {
        var sizes: [String] = []
        bestEffort("without huge pages there is nothing to report") { () throws(SyscallError) in
            let directory = try open("/sys/kernel/mm/hugepages", [.readOnly, .directory])
            for entry in try directory.borrowed.list() {
                let name = entry.name.string
                guard name.hasPrefix("hugepages-"), let kilobytes = UInt64(name.dropFirst(10).dropLast(2))
                else { continue }
                switch kilobytes {
                case (1 << 20)...: sizes.append("\(kilobytes >> 20)GB")
                case (1 << 10)...: sizes.append("\(kilobytes >> 10)MB")
                default: sizes.append("\(kilobytes)KB")
                }
            }
        }
        return sizes.sorted()
    }
}
