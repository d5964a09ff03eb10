import JSONCoding
internal import LinuxSystem

extension StatisticsReport {
    func writeCPU(_ writer: inout JSONWriter) {
        if cpuUsage.contains(where: { $0.value != 0 }) {
            writer.field("usage") { writer in
                writer.object { writer in
                    for times in processorTimes where !times.values.isEmpty {
                        writer.field(times.name, times.values)
                    }
                    Self.write(cpuUsage, &writer)
                }
            }
        }
        if throttling.contains(where: { $0.value != 0 }) {
            writer.field("throttling") { writer in writer.object { Self.write(throttling, &$0) } }
        }
    }

    func writeMemory(_ writer: inout JSONWriter) {
        writer.object { writer in
            if cache != 0 { writer.field("cache", cache) }
            for entry in memory where entry.fields.contains(where: { $0.value != 0 }) {
                writer.field(entry.name) { writer in writer.object { Self.write(entry.fields, &$0) } }
            }
            if !memoryStatistics.isEmpty {
                writer.field("raw") { writer in
                    writer.object { writer in
                        for statistic in memoryStatistics { writer.field(statistic.key, statistic.value) }
                    }
                }
            }
            writePressure("memory", &writer)
        }
    }

    func writeBlockIO(_ writer: inout JSONWriter) {
        writer.object { writer in
            for table in blockTables where !table.entries.isEmpty {
                writer.field(table.name) { writer in
                    writer.array { writer in
                        for entry in table.entries { writer.element { entry.write(to: &$0) } }
                    }
                }
            }
            writePressure("io", &writer)
        }
    }
}

extension StatisticsReport.BlockEntry {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            StatisticsReport.write([("major", major, false), ("minor", minor, false)], &writer)
            if !operation.isEmpty { writer.field("op", operation) }
            StatisticsReport.write([("value", value, false)], &writer)
        }
    }
}

/// The settings of the cpuset.
struct CpusetReport: Sendable, JSONWritable {
    private var processors: [UInt64] = []
    private var nodes: [UInt64] = []
    private var flags: [StatisticsReport.Field] = []
    private var relaxDomainLevel: Int64 = 0

    /// v1's flags, in the form's order.
    private static let names = [
        "cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
        "memory_spread_slab",
        "memory_pressure", "sched_load_balance",
    ]

    init() { flags = Self.names.map { ($0, 0, true) } }

    /// v2 has the lists only.
    init(_ files: CgroupFiles) {
        self.init()
        func list(_ name: String) -> [UInt64] {
            Self.numbers(String(decoding: files.reportBytes(name) ?? [], as: UTF8.self))
        }
        guard files.version == .legacy else {
            processors = list("cpuset.cpus.effective")
            nodes = list("cpuset.mems.effective")
            return
        }
        processors = list("cpuset.cpus")
        nodes = list("cpuset.mems")
        flags = Self.names.map { ($0, files.reportNumber("cpuset.\($0)") ?? 0, true) }
        let level = String(
            decoding: files.reportBytes("cpuset.sched_relax_domain_level") ?? [], as: UTF8.self)
        relaxDomainLevel = Int64(level.filter { !$0.isWhitespace }) ?? 0
    }

    /// `0-2,5` as numbers.
    static func numbers(_ list: String) -> [UInt64] {
        list.split { $0 == "," || $0.isWhitespace }.flatMap { range in
            let ends = range.split(separator: "-").compactMap { UInt64($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else {
                return [UInt64]()
            }
            return Array(first...last)
        }
    }

    /// Writes the object.
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            if !processors.isEmpty { writer.field("cpus", processors) }
            StatisticsReport.write(Array(flags.prefix(1)), &writer)
            if !nodes.isEmpty { writer.field("mems", nodes) }
            StatisticsReport.write(Array(flags.dropFirst()), &writer)
            writer.field("sched_relax_domain_level", relaxDomainLevel)
        }
    }
}
