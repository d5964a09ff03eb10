import CommandGrammar
import ContainerRuntime
import Engine
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff stats [CONTAINER…]`
    static var stats: Command {
        let verb = CommandVerb(
            "stats", .engine, "Show what running containers use, every second",
            details: """
                All that run, those made from bundles too, or those named. CPU % is the share of one processor since the reading
                before; in the first and with --no-stream since the start. openmetrics prints once, for Prometheus, or serves
                http://127.0.0.1:PORT/metrics with --listen, which takes addresses of this machine only.
                """,
            operands: CommandOperands("[CONTAINER…]", 0, nil),
            options: [
                CommandOption("no-stream", "Print once and end"),
                CommandOption("format", value: "FORMAT", "table, json (an object a line) or openmetrics"),
                CommandOption("interval", value: "SECONDS", "Time between two readings (default 1)"),
                CommandOption(
                    "listen", value: "ADDRESS",
                    "Serve the figures as openmetrics at unix:PATH or 127.0.0.1:PORT (port 0: any)"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try StatisticsView(invocation).run()
        }
    }
}

/// Readings of running containers, once, again and again, or for whoever asks.
private struct StatisticsView {
    private enum Format: String, CaseIterable { case table, json, openmetrics }

    private let invocation: Invocation
    private let nanoseconds: Int64
    private let format: Format
    private let reading: LiveReading
    private let ids: [ContainerID]?
    private let address: MetricsAddress?

    init(_ invocation: Invocation) throws(CommandError) {
        self.invocation = invocation
        let text = invocation.arguments.value("interval") ?? "1"
        guard let seconds = Int64(text), (1...3600).contains(seconds) else {
            throw CommandError.usage("--interval is a number of seconds from 1 to 3600, not '\(text)'")
        }
        nanoseconds = seconds * 1_000_000_000
        let listen = invocation.arguments.value("listen")
        address = try listen.map { (text) throws(CommandError) in
            try command(exitCode: 2) { () throws(StepError) in try MetricsAddress(text) }
        }
        let word = invocation.arguments.value("format") ?? (address == nil ? "table" : "openmetrics")
        guard let format = Format(rawValue: word) else {
            throw CommandError.usage("--format is table, json or openmetrics, not '\(word)'")
        }
        if address != nil, format != .openmetrics {
            throw CommandError.usage("--listen serves openmetrics, not \(word)")
        }
        self.format = format
        let reading = LiveReading(home: try invocation.home(), brief: format == .table)
        let words = invocation.arguments.words
        ids = try command { () throws(StepError) in try reading.ids(of: words) }
        self.reading = reading
    }

    func run() throws(CommandError) -> Int32 {
        if let address { return try serve(address) }
        let isOnce = invocation.arguments.isSet("no-stream") || format == .openmetrics
        let isTerminal = Terminal.isTerminal(.standardOutput)
        var before: [String: LiveUsage] = [:]
        while true {
            let now = try command { () throws(StepError) in try read() }
            let rows = now.map { row in before[row.id].map { row.since($0) } ?? row }
            let clear = isTerminal && !isOnce && format == .table ? "\u{1b}[H\u{1b}[J" : ""
            let code = Output.show(clear + text(rows))
            if isOnce || code != 0 { return code }
            before = Dictionary(now.map { ($0.id, $0) }) { $1 }
            Clock.sleep(nanoseconds: nanoseconds)
        }
    }

    private func read() throws(StepError) -> [LiveUsage] {
        try reading.read(ids) { invocation.output.warn($0) }
    }

    private func text(_ rows: [LiveUsage]) -> String {
        switch format {
        case .table: TextTable.text([LiveUsage.headings] + rows.map(\.row))
        case .json: rows.reduce(into: "") { $0 += String(decoding: $1.json(), as: UTF8.self) + "\n" }
        case .openmetrics: String(decoding: OpenMetrics.text(rows), as: UTF8.self)
        }
    }

    private func serve(_ address: MetricsAddress) throws(CommandError) -> Int32 {
        let view = self
        return try command { () throws(StepError) in
            var server = try MetricsServer(at: address) { () throws(StepError) in
                OpenMetrics.text(try view.read())
            }
            guard Output.show(try server.place() + "\n") == 0 else { return 1 }
            try server.run()
            return 0
        }
    }
}
