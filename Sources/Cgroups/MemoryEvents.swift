package import JSONCoding
internal import LinuxSystem

/// What memory.events says of a cgroup: the container's own, or one above it, whose limit holds for the container, too.
/// - SeeAlso: cgroup-v2.rst §memory.events
package struct MemoryEvents: Sendable, Equatable {
    /// The cgroup's path, as /proc/PID/cgroup shows it.
    package var cgroup: String
    /// Its memory.max.
    package var limit: Figure
    /// Events in it and below it. Of a cgroup above: since the container's start, if that is known.
    package var events: [String: UInt64]
    /// Events of this cgroup alone: an `oom` here is one at its own limit. Empty on kernels without the file.
    package var local: [String: UInt64]

    /// Events by their parts.
    package init(cgroup: String, limit: Figure, events: [String: UInt64], local: [String: UInt64]) {
        self.cgroup = cgroup
        self.limit = limit
        self.events = events
        self.local = local
    }

    /// Those of the cgroup itself first, then of those above, as far as they have the files (the root has none).
    static func read(_ files: CgroupFiles, path: String) -> [MemoryEvents] {
        var list: [MemoryEvents] = []
        let names = Path(path).components
        for level in 0...files.depth {
            let place = String(repeating: "../", count: level)
            guard let events = files.reportBytes("\(place)memory.events") else { continue }
            var limit = CgroupStatistics()
            limit.readSingle("\(place)memory.max", from: files, as: .memoryLimit)
            let name = Path.joining(Array(names.dropLast(level)), absolute: true)
            list.append(
                MemoryEvents(
                    cgroup: name.string, limit: limit[.memoryLimit].named("memory.max"),
                    events: KernelText.table(events),
                    local: files.reportBytes("\(place)memory.events.local").map(KernelText.table) ?? [:]))
        }
        return list
    }

    /// What happened since an earlier reading of the same cgroup.
    func since(_ earlier: MemoryEvents) -> MemoryEvents {
        func difference(_ now: [String: UInt64], _ before: [String: UInt64]) -> [String: UInt64] {
            var result = now
            for (key, value) in before { result[key] = now[key].map { $0 > value ? $0 - value : 0 } }
            return result
        }
        return MemoryEvents(
            cgroup: cgroup, limit: limit, events: difference(events, earlier.events),
            local: difference(local, earlier.local))
    }
}

extension Cgroup {
    /// The events of all cgroups above this one, before the container's program runs: what they count later on top of
    /// that may be the container's doing. Empty where memory is in a v1 tree.
    package func outerMemoryEvents() -> [MemoryEvents] {
        guard let files = tree(of: .memory), files.version == .unified else { return [] }
        return MemoryEvents.read(files, path: path).filter { $0.cgroup != path }
    }
}

extension KernelText {
    /// The lines `KEY VALUE` of a file by their keys.
    static func table(_ bytes: [UInt8]) -> [String: UInt64] {
        var table: [String: UInt64] = [:]
        flatKeyed(bytes) { key, value in table[key] = value }
        return table
    }
}

extension Figure {
    /// The figure with another name for its source.
    fileprivate func named(_ source: String) -> Figure {
        switch self {
        case .value(let number, _): .value(number, source: source)
        case .unlimited: .unlimited(source: source)
        case .unavailable: self
        }
    }
}

extension MemoryEvents: JSONReadable, JSONWritable {
    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("cgroup", cgroup)
            writer.field("limit", limit)
            writer.field("events", events)
            writer.fieldUnlessEmpty("local", local)
        }
    }

    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(cgroup: "", limit: .unavailable("the receipt does not hold it"), events: [:], local: [:])
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "cgroup": cgroup = try reader.read()
            case "limit": limit = try reader.read()
            case "events": events = try reader.read()
            case "local": local = try reader.read()
            default: break
            }
        }
    }
}
