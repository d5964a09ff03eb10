package import JSONCoding
internal import LinuxSystem

extension Figure: JSONReadable, JSONWritable {
    /// Writes `{"value": 12, "source": "pids.peak"}`, `{"value": "max", …}` or `{"unavailable": "REASON"}`.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            switch self {
            case .value(let number, let source):
                writer.field("value", number)
                writer.field("source", source)
            case .unlimited(let source):
                writer.field("value", "max")
                writer.field("source", source)
            case .unavailable(let reason): writer.field("unavailable", reason)
            }
        }
    }

    /// Reads what `write` writes.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var number: UInt64?
        var source = ""
        var reason: String?
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "value":
                if try reader.kind() == .number { number = try reader.read() }
            case "source": source = try reader.read()
            case "unavailable": reason = try reader.read()
            default: break
            }
        }
        if let reason {
            self = .unavailable(reason)
        } else if let number {
            self = .value(number, source: source)
        } else {
            self = .unlimited(source: source)
        }
    }
}

extension BlockDeviceUsage: JSONReadable, JSONWritable {
    /// Writes the object; unknown numbers stay out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("major", major)
            writer.field("minor", minor)
            writer.field("name", name)
            writer.field("readBytes", readBytes)
            writer.field("writeBytes", writeBytes)
            writer.field("readOperations", readOperations)
            writer.field("writeOperations", writeOperations)
        }
    }

    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var numbers: [String: UInt64] = [:]
        var name: String?
        try reader.object { (key, reader) throws(JSONError) in
            if key == "name" { name = try reader.string() } else { numbers[key] = try reader.read() }
        }
        self.init(major: numbers["major"] ?? 0, minor: numbers["minor"] ?? 0)
        self.name = name
        readBytes = numbers["readBytes"]
        writeBytes = numbers["writeBytes"]
        readOperations = numbers["readOperations"]
        writeOperations = numbers["writeOperations"]
    }
}

extension CgroupStatistics: JSONWritable {
    /// Writes every figure under its key, with its unit, and the block devices.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("figures") { writer in
                FigureKind.write(FigureKind.allCases.filter { !$0.isOfInit }, to: &writer) { self[$0] }
            }
            writer.fieldUnlessEmpty("devices", devices)
            if !pressure.isEmpty { writer.field("pressure", pressure) }
        }
    }
}

extension CgroupStatistics.Pressure: JSONWritable {
    /// Writes both lines; the averages are hundredths of a percent.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("some", some)
            writer.field("full", full)
        }
    }
}

extension PressureLine: JSONWritable {
    /// Writes the averages in hundredths of a percent and the total in microseconds.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("average10", average10)
            writer.field("average60", average60)
            writer.field("average300", average300)
            writer.field("total", total)
        }
    }
}

extension FigureKind {
    static func write(_ kinds: [FigureKind], to writer: inout JSONWriter, _ figure: (FigureKind) -> Figure) {
        writer.object { writer in
            for kind in kinds { writer.field(kind.rawValue, figure(kind)) }
        }
    }
}

extension UsageReceipt: JSONReadable, JSONWritable {
    /// The version of the document's shape; it changes when a key changes its meaning.
    package static let version = 1

    /// Writes the account. Units are those of the keys: microseconds for times, bytes for sizes.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("version", Self.version)
            writer.field("id", id)
            writer.field("name", name)
            writer.field("image", image)
            writer.field("bundle", bundle)
            writer.fieldUnlessEmpty("labels", labels)
            writer.field("cgroup", cgroup)
            writeTimesAndEnd(&writer)
            writer.field("outOfMemory", outOfMemory.verdict.rawValue)
            writer.field("outOfMemoryCgroup", outOfMemory.outerCgroup)
            writer.field("figures") { writer in
                FigureKind.write(FigureKind.allCases, to: &writer) { self[$0] }
            }
            writer.fieldUnlessEmpty("devices", devices)
            writer.fieldUnlessEmpty("memoryStatistics", memoryStatistics)
            writer.fieldUnlessEmpty("memoryEvents", memoryEvents)
        }
    }

    /// What is not known is named under `unavailable`, with the reason.
    private func writeTimesAndEnd(_ writer: inout JSONWriter) {
        writer.field("started", started.map { Clock.timestamp($0) })
        writer.field("finished", Clock.timestamp(finished))
        writer.field("startedNanoseconds", started.map(Self.nanoseconds))
        writer.field("finishedNanoseconds", Self.nanoseconds(finished))
        writer.field("wallMicroseconds", wallMicroseconds)
        var unavailable = StringMap()
        if wallMicroseconds == nil { unavailable["wallMicroseconds"] = Self.noStart }
        switch exit {
        case .exited(let code): writer.field("exitCode", code)
        case .signaled(let number): writer.field("signal", number)
        case nil: unavailable["exitCode"] = Self.notWaitedFor
        }
        writer.fieldUnlessEmpty("unavailable", unavailable)
    }

    /// Why there is no exit code and no rusage.
    static let notWaitedFor = "the main process was not waited for by skiff"
    /// Why there is no wall time.
    static let noStart = "the start was not noted"

    /// Reads an account; figures that are not known (of a later version) are passed over.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(id: "")
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "id": id = try reader.read()
            case "name": name = try reader.read() as String
            case "image": image = try reader.read() as String
            case "bundle": bundle = try reader.read() as String
            case "labels": labels = try reader.read()
            case "cgroup": cgroup = try reader.read() as String
            case "startedNanoseconds": started = Self.time(try reader.read())
            case "finishedNanoseconds": finished = Self.time(try reader.read())
            case "wallMicroseconds": wallMicroseconds = try reader.read() as UInt64
            case "exitCode": exit = .exited(try reader.read())
            case "signal": exit = .signaled(try reader.read())
            case "outOfMemory":
                let text: String = try reader.read()
                guard let verdict = OutOfMemory.Verdict(rawValue: text) else {
                    throw reader.refusal("unknown verdict \"\(text)\"")
                }
                outOfMemory.verdict = verdict
            case "outOfMemoryCgroup": outOfMemory.outerCgroup = try reader.read() as String
            case "figures":
                try reader.object { (key, reader) throws(JSONError) in
                    if let kind = FigureKind(rawValue: key) { self[kind] = try reader.read() }
                }
            case "devices": devices = try reader.read()
            case "memoryStatistics": memoryStatistics = try reader.read()
            case "memoryEvents": memoryEvents = try reader.read()
            default: break
            }
        }
    }

    private static func nanoseconds(_ time: FileTime) -> Int64 {
        time.seconds * 1_000_000_000 + time.nanoseconds
    }

    private static func time(_ nanoseconds: Int64) -> FileTime {
        FileTime(seconds: nanoseconds / 1_000_000_000, nanoseconds: nanoseconds % 1_000_000_000)
    }
}
