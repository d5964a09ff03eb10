package import JSONCoding
package import LinuxSystem

/// What a container's resctrl group allows it and what it uses, in the form of `runc events`.
/// - SeeAlso: Documentation/filesystems/resctrl.rst
package struct ResctrlReport: Sendable, JSONWritable {
    private let root: Path
    private var schemata: [String] = []
    private var rootSchemata: [String] = []
    private var bandwidths: [(total: UInt64, local: UInt64)] = []
    private var occupancies: [UInt64] = []

    /// Reads the files of a group in the tree at `root`.
    package init(of group: ResctrlGroup, in root: Path) {
        self.root = root
        schemata = Self.lines(group.path.appending("schemata"))
        rootSchemata = Self.lines(root.appending("schemata"))
        let folder = (group.monitoring ?? group.path).appending("mon_data")
        bestEffort("a processor without monitoring has no such folder") { () throws(SyscallError) in
            let directory = try open(folder, [.readOnly, .directory])
            for domain in try directory.borrowed.list().map(\.name).sorted(by: { $0.string < $1.string }) {
                let place = folder.appending(domain)
                if let total = Self.number(place.appending("mbm_total_bytes")) {
                    bandwidths.append((total, Self.number(place.appending("mbm_local_bytes")) ?? 0))
                }
                if let bytes = Self.number(place.appending("llc_occupancy")) { occupancies.append(bytes) }
            }
        }
    }

    private static func text(_ path: Path) -> String {
        var text = ""
        bestEffort("what this processor cannot do has no file") { () throws(SyscallError) in
            text = String(decoding: try readFile(path), as: UTF8.self)
        }
        return text
    }

    private static func lines(_ path: Path) -> [String] {
        text(path).split(separator: "\n").map { String($0.drop { $0 == " " }) }
    }

    private static func number(_ path: Path) -> UInt64? {
        UInt64(text(path).filter { !$0.isWhitespace })
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writeResource(
                "L3", "l3_cache", [("min_cbm_bits", "min_cbm_bits"), ("num_closids", "num_closids")], &writer)
            writeResource(
                "MB", "mem_bw",
                [
                    ("bandwidth_gran", "bandwidth_gran"), ("delay_linear", "delay_linear"),
                    ("min_bandwidth", "min_bandwidth"),
                    ("num_closids", "num_closids"),
                ], &writer)
            if !schemata.isEmpty { writer.field("schemata", schemata) }
            if !bandwidths.isEmpty {
                writer.field("mbm_stats") { writer in
                    writer.array { writer in
                        for bandwidth in bandwidths {
                            writer.element { writer in
                                writer.object { writer in
                                    writer.field("mbm_total_bytes", bandwidth.total)
                                    writer.field("mbm_local_bytes", bandwidth.local)
                                }
                            }
                        }
                    }
                }
            }
            if !occupancies.isEmpty {
                writer.field("cmt_stats") { writer in
                    writer.array { writer in
                        for bytes in occupancies {
                            writer.element { writer in writer.object { $0.field("llc_occupancy", bytes) } }
                        }
                    }
                }
            }
        }
    }

    private func writeResource(
        _ resource: String, _ name: String, _ files: [(file: String, field: String)],
        _ writer: inout JSONWriter
    ) {
        func line(_ lines: [String]) -> String? { lines.first { $0.hasPrefix("\(resource):") } }
        let information = root.appending("info").appending(Path(resource))
        let numbers = files.compactMap { file in
            Self.number(information.appending(Path(file.file))).map { (file.field, $0, false) }
        }
        if !numbers.isEmpty {
            writer.field("\(name)_info") { writer in
                writer.object { writer in
                    let mask = Self.text(information.appending("cbm_mask")).filter { !$0.isWhitespace }
                    if !mask.isEmpty { writer.field("cbm_mask", mask) }
                    StatisticsReport.write(numbers, &writer)
                }
            }
        }
        if let line = line(rootSchemata) { writer.field("\(name)_schema_root", line) }
        if let line = line(schemata) { writer.field("\(name)_schema", line) }
    }
}
