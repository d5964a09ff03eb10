package import Cgroups
package import JSONCoding

/// What a running container uses at a moment, as `skiff stats` shows it.
package struct LiveUsage: Sendable, JSONWritable {
    package let id: String
    /// Of a container that was made from a bundle: its id.
    package let name: String
    /// As the user wrote it; nil for bundles.
    package let image: String?
    /// The cgroup's figures at the moment.
    package let statistics: CgroupStatistics
    /// When they were read, in nanoseconds since boot.
    package let time: Int64
    /// Share of one processor since the reading before (or since the start), in percent; nil when the host does not tell.
    package private(set) var cpuPercent: Double?

    /// A first reading; the share of the processor is that since `started` (nanoseconds since boot).
    init(
        id: String, name: String, image: String?, statistics: CgroupStatistics, time: Int64, started: Int64
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.statistics = statistics
        self.time = time
        setShare(from: 0, nanoseconds: time - started)
    }

    /// The same with the share of the processor since an earlier reading.
    package func since(_ earlier: LiveUsage) -> LiveUsage {
        var usage = self
        usage.setShare(from: earlier.statistics[.cpuUsage].number ?? 0, nanoseconds: time - earlier.time)
        return usage
    }

    private mutating func setShare(from earlier: UInt64, nanoseconds: Int64) {
        guard let now = statistics[.cpuUsage].number, nanoseconds > 0 else { return }
        cpuPercent = Double(now >= earlier ? now - earlier : 0) * 100_000 / Double(nanoseconds)
    }

    /// Headings of the columns that `row` fills.
    package static let headings = [
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "BLOCK I/O", "PIDS",
    ]

    /// One line of the table; what the host does not tell is `--`.
    package var row: [String] {
        let memory = text(.memoryCurrent)
        let limit = statistics[.memoryLimit].number.map { FigureUnit.bytes.text($0) } ?? "no limit"
        return [
            String(id.prefix(12)), name, LiveUsage.percent(cpuPercent), "\(memory) / \(limit)",
            LiveUsage.percent(memoryPercent), "\(text(.ioReadBytes)) / \(text(.ioWriteBytes))",
            text(.processesCurrent),
        ]
    }

    /// The part of the limit that is in use; nil without a limit.
    package var memoryPercent: Double? {
        guard let used = statistics[.memoryCurrent].number, let limit = statistics[.memoryLimit].number,
            limit > 0
        else { return nil }
        return Double(used) * 100 / Double(limit)
    }

    /// All figures; what the host does not tell has its reason instead of a number.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("name", name)
            writer.field("image", image)
            writer.field("cpu_percent", cpuPercent)
            writer.field("memory_percent", memoryPercent)
            writer.field("figures") { writer in
                writer.object { writer in
                    for kind in FigureKind.allCases where !kind.isOfInit {
                        switch statistics[kind] {
                        case .value(let number, _): writer.field(kind.rawValue, number)
                        case .unlimited: writer.field(kind.rawValue, "unlimited")
                        case .unavailable(let reason): writer.field(kind.rawValue, "not available: \(reason)")
                        }
                    }
                }
            }
        }
    }

    private func text(_ kind: FigureKind) -> String {
        statistics[kind].number.map { kind.unit.text($0) } ?? "--"
    }

    private static func percent(_ value: Double?) -> String {
        guard let value else { return "--" }
        let hundredths = Int64((value * 100).rounded())
        let fraction = String(hundredths % 100)
        return "\(hundredths / 100).\(fraction.count == 1 ? "0" : "")\(fraction)%"
    }
}
