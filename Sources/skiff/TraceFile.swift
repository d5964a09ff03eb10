import CommandGrammar
import JSONCoding
import LinuxSystem

extension Invocation {
    /// Begins a timeline if `--trace` asks for one; it is written when the value goes away, also by a failure. A file
    /// that cannot be written is refused before anything is made.
    func startTrace() throws(CommandError) -> KeptTimeline? {
        guard let path = path("trace") else { return nil }
        let file = TraceFile(path: path, title: "\(Program.name) \(verbName)")
        try command { () throws(StepError) in try file.check() }
        Trace.begin()
        return KeptTimeline(file: file, output: output)
    }

    /// Runs the launch of a container with a timeline if one is asked for.
    func tracing<Result: ~Copyable>(
        _ body: () throws(CommandError) -> Result
    ) throws(CommandError) -> Result {
        let trace = try startTrace()
        let result = try body()
        trace?.finish()
        return result
    }
}

/// A timeline that is being kept; going away it is written.
struct KeptTimeline: ~Copyable {
    private let file: TraceFile
    private let output: Output

    fileprivate init(file: TraceFile, output: Output) {
        self.file = file
        self.output = output
    }

    /// The launch is over.
    consuming func finish() {}

    deinit {
        let events = Trace.take()
        Trace.end()
        let file = file
        let failure = bestEffort("the launch itself is what counts") { () throws(StepError) in
            try file.write(events)
        }
        if let failure { output.warn(failure.description) }
    }
}

/// A timeline as a file that ui.perfetto.dev and chrome://tracing show.
/// - SeeAlso: the Trace Event Format of Chrome
struct TraceFile {
    let path: Path
    /// What the runtime's row is called.
    let title: String

    private var step: Step { "write the timeline \(path)" }

    /// Makes the file empty, so that a wrong path is found before anything else is done.
    func check() throws(StepError) {
        try during(step) { () throws(SyscallError) in
            _ = try open(path, [.writeOnly, .create, .truncate], mode: 0o644)
        }
    }

    /// Writes the events; times are microseconds since the first.
    func write(_ events: [Trace.Event]) throws(StepError) {
        let own = currentProcessID()
        let origin = events.map(\.start).min() ?? 0
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("displayTimeUnit", "ns")
            writer.field("traceEvents") { writer in
                writer.array { writer in
                    Self.name(own, title, &writer)
                    for process in Self.others(events) { Self.name(process, "init", &writer) }
                    for event in events { Self.write(event, own, origin, &writer) }
                }
            }
        }
        let bytes = writer.finish()
        try during(step) { () throws(SyscallError) in
            let file = try open(path, [.writeOnly, .create, .truncate], mode: 0o644)
            try file.borrowed.writeAll(bytes + [UInt8(ascii: "\n")])
        }
    }

    private static func others(_ events: [Trace.Event]) -> [ProcessID] {
        events.reduce(into: []) { list, event in
            if let process = event.process, !list.contains(process) { list.append(process) }
        }
    }

    private static func name(_ process: ProcessID, _ text: String, _ writer: inout JSONWriter) {
        writer.element { writer in
            writer.object { writer in
                writer.field("ph", "M")
                writer.field("name", "process_name")
                writer.field("pid", process.rawValue)
                writer.field("tid", process.rawValue)
                writer.field("args") { writer in writer.object { writer in writer.field("name", text) } }
            }
        }
    }

    private static func write(
        _ event: Trace.Event, _ own: ProcessID, _ origin: Int64, _ writer: inout JSONWriter
    ) {
        let process = (event.process ?? own).rawValue
        writer.element { writer in
            writer.object { writer in
                writer.field("ph", "X")
                writer.field("cat", event.process == nil ? "runtime" : "init")
                writer.field("name", event.name)
                writer.field("ts") { $0.double(Double(event.start - origin) / 1000) }
                writer.field("dur") { $0.double(Double(event.duration) / 1000) }
                writer.field("pid", process)
                writer.field("tid", process)
            }
        }
    }
}
