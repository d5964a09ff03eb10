package import JSONCoding
internal import LinuxSystem

/// A container's usage in the form of `runc events`, which monitoring tools read. Each file is read once; a figure that
/// this host has not is left out.
/// - SeeAlso: https://github.com/opencontainers/runc/blob/main/types/events.go
package struct StatisticsReport: Sendable, JSONWritable {
    /// A number in a JSON object; 0 is left out unless `isAlways`.
    typealias Field = (name: String, value: UInt64, isAlways: Bool)

    var cpuUsage: [Field] = []
    var processorTimes: [(name: String, values: [UInt64])] = []
    var throttling: [Field] = []
    var cpuset = CpusetReport()
    var cache: UInt64 = 0
    var memory: [(name: String, fields: [Field])] = []
    var memoryStatistics: [(key: String, value: UInt64)] = []
    var processes: [Field] = []
    var blockTables: [(name: String, entries: [BlockEntry])] = []
    var pressure: [String: CgroupStatistics.Pressure] = [:]
    var hugePages: [(size: String, fields: [Field])] = []
    /// What the container's resctrl group has.
    package var resctrl: ResctrlReport?

    /// One line of a table of block I/O.
    struct BlockEntry: Sendable {
        var major: UInt64
        var minor: UInt64
        var operation: String
        var value: UInt64
    }

    /// Reads everything.
    package init(of cgroup: borrowing Cgroup, pageSizes: [String] = Self.hugePageSizes()) {
        readCPU(cgroup)
        readMemory(cgroup)
        readBlockIO(cgroup)
        if let files = cgroup.tree(of: .pids) {
            let limit = files.reportNumber("pids.max")
            processes = [
                (
                    "current", files.reportNumber("pids.current") ?? UInt64(files.lineCount("cgroup.procs")),
                    false
                ),
                ("limit", limit == .max ? 0 : limit ?? 0, false),
            ]
        }
        if let files = cgroup.tree(of: .cpuset) { cpuset = CpusetReport(files) }
        if let files = cgroup.tree(of: .hugetlb) { readHugePages(files, pageSizes) }
        guard let unified = cgroup.unified else { return }
        for resource in ["cpu", "memory", "io"] {
            guard let bytes = files(unified, "\(resource).pressure") else { continue }
            let lines = KernelText.pressure(bytes)
            pressure[resource] = CgroupStatistics.Pressure(some: lines.some, full: lines.full)
        }
    }

    private func files(_ files: CgroupFiles, _ name: String) -> [UInt8]? { files.reportBytes(name) }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("cpu") { writer in
                writer.object { writer in
                    writeCPU(&writer)
                    writePressure("cpu", &writer)
                }
            }
            writer.field("cpuset", cpuset)
            writer.field("memory") { writer in writeMemory(&writer) }
            writer.field("pids") { writer in writer.object { Self.write(processes, &$0) } }
            writer.field("blkio") { writer in writeBlockIO(&writer) }
            writer.field("hugetlb") { writer in
                writer.object { writer in
                    for page in hugePages {
                        writer.field(page.size) { writer in writer.object { Self.write(page.fields, &$0) } }
                    }
                }
            }
            writer.field("intel_rdt") { writer in
                if let resctrl { resctrl.write(to: &writer) } else { writer.object { _ in } }
            }
            writer.field("network_interfaces") { writer in writer.null() }
        }
    }

    static func write(_ fields: [Field], _ writer: inout JSONWriter) {
        for field in fields where field.isAlways || field.value != 0 { writer.field(field.name, field.value) }
    }

    func writePressure(_ resource: String, _ writer: inout JSONWriter) {
        guard let pressure = pressure[resource] else { return }
        writer.field("psi") { writer in
            writer.object { writer in
                Self.write("some", pressure.some, &writer)
                Self.write("full", pressure.full, &writer)
            }
        }
    }

    private static func write(_ name: String, _ line: PressureLine?, _ writer: inout JSONWriter) {
        guard let line else { return }
        writer.field(name) { writer in
            writer.object { writer in
                writer.field("avg10", Double(line.average10) / 100)
                writer.field("avg60", Double(line.average60) / 100)
                writer.field("avg300", Double(line.average300) / 100)
                writer.field("total", line.total)
            }
        }
    }
}

extension CgroupFiles {
    /// A file, nil if it cannot be read: then its figures are left out.
    func reportBytes(_ name: String) -> [UInt8]? {
        var bytes: [UInt8]?
        bestEffort("a figure that this host has not is left out") { () throws(SyscallError) in
            bytes = try read(name)
        }
        return bytes
    }

    /// A number; `max` is the largest.
    func reportNumber(_ name: String) -> UInt64? {
        guard let bytes = reportBytes(name) else { return nil }
        let text = bytes.filter { $0 != 0x0A }
        if text.elementsEqual("max".utf8) { return .max }
        return KernelText.number(text[...])
    }

    /// All numbers of a file.
    func reportNumbers(_ name: String) -> [UInt64] {
        KernelText.names(reportBytes(name) ?? []).compactMap { UInt64($0) }
    }

    func lineCount(_ name: String) -> Int { reportBytes(name)?.count { $0 == 0x0A } ?? 0 }
}
