import Cgroups
import CommandGrammar
import ContainerRuntime
import Engine
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff usage CONTAINER`
    static var usage: Command {
        let verb = CommandVerb(
            "usage", .engine, "Show what a container used in its latest run",
            details:
                "Each figure names where it comes from; what the host does not tell is called not available, "
                + "with the reason.",
            operands: .container, options: [CommandOption("json", "Print the receipt as JSON")])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            let receipt = try command { () throws(StepError) in try readReceipt(of: container) }
            return invocation.arguments.isSet("json")
                ? Output.show(receipt.json(.pretty)) : Output.show(receipt.text)
        }
    }

    private static func readReceipt(
        of container: borrowing EngineContainer
    ) throws(StepError) -> UsageReceipt {
        let step: Step = "read the receipt of \(container.record.name)"
        guard let bytes = try container.receipt() else {
            throw StepError(
                step, refused: "no run has ended yet",
                hint: "skiff stats shows what a running container uses",
                code: .containerState
            )
        }
        do throws(JSONError) {
            return try UsageReceipt(json: bytes)
        } catch {
            throw StepError(step, refused: error.description, code: .stateDamaged)
        }
    }

    /// `skiff stats [CONTAINER…]`
    static var stats: Command {
        let verb = CommandVerb(
            "stats", .engine, "Show what running containers use, every second",
            operands: CommandOperands("[CONTAINER…]", 0, nil),
            options: [
                CommandOption("no-stream", "Print once and end"),
                CommandOption("format", value: "FORMAT", "table or json (an object a line)"),
                CommandOption("interval", value: "SECONDS", "Time between two readings (default 1)"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try StatisticsTable(invocation).run()
        }
    }

    /// `skiff top CONTAINER`
    static var top: Command {
        let verb = CommandVerb(
            "top", .engine, "List the processes of a container", operands: .container)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            let pids = try command { () throws(StepError) in
                guard try container.status().isActive, let runtime = try container.loadRuntime() else {
                    throw StepError(
                        "list processes", refused: "the container does not run",
                        hint: "skiff start \(container.record.name)", code: .containerNotRunning)
                }
                return try runtime.processes()
            }
            return Output.show(try ProcessTable.text(pids))
        }
    }
}

/// Readings of running containers, again and again.
private struct StatisticsTable {
    private let invocation: Invocation
    private let nanoseconds: Int64
    private let isJSON: Bool

    init(_ invocation: Invocation) throws(CommandError) {
        self.invocation = invocation
        let text = invocation.arguments.value("interval") ?? "1"
        guard let seconds = Int64(text), (1...3600).contains(seconds) else {
            throw CommandError.usage("--interval is a number of seconds from 1 to 3600, not '\(text)'")
        }
        nanoseconds = seconds * 1_000_000_000
        switch invocation.arguments.value("format") ?? "table" {
        case "table": isJSON = false
        case "json": isJSON = true
        case let other: throw CommandError.usage("--format is table or json, not '\(other)'")
        }
    }

    func run() throws(CommandError) -> Int32 {
        let isOnce = invocation.arguments.isSet("no-stream")
        let isTerminal = Terminal.isTerminal(.standardOutput)
        var before: [String: (time: Int64, statistics: CgroupStatistics)] = [:]
        // The first reading only starts the clock for CPU use.
        _ = try read(&before)
        while true {
            Clock.sleep(nanoseconds: isOnce ? 100_000_000 : nanoseconds)
            let rows = try read(&before)
            let clear = isTerminal && !isOnce && !isJSON ? "\u{1b}[H\u{1b}[J" : ""
            let code = Output.show(clear + text(rows))
            if isOnce || code != 0 { return code }
        }
    }

    private func text(_ rows: [LiveUsage]) -> String {
        if !isJSON { return TextTable.text([LiveUsage.headings] + rows.map(\.row)) }
        return rows.reduce(into: "") { $0 += String(decoding: $1.json(), as: UTF8.self) + "\n" }
    }

    private func read(
        _ before: inout [String: (time: Int64, statistics: CgroupStatistics)]
    ) throws(CommandError) -> [LiveUsage] {
        var rows: [LiveUsage] = []
        for word in try names() {
            let container = try invocation.engineContainer(word)
            let statistics = try command { () throws(StepError) in
                guard try container.status().isActive, let runtime = try container.loadRuntime() else {
                    return nil as CgroupStatistics?
                }
                return try runtime.statistics()
            }
            guard let statistics else { continue }
            let now = Clock.monotonicNanoseconds()
            let id = container.record.id
            let earlier = before[id]
            before[id] = (now, statistics)
            rows.append(
                LiveUsage(
                    id: id, name: container.record.name, statistics: statistics,
                    before: earlier?.statistics, nanoseconds: now - (earlier?.time ?? now)))
        }
        return rows
    }

    private func names() throws(CommandError) -> [String] {
        if !invocation.arguments.words.isEmpty { return invocation.arguments.words }
        let home = try invocation.home()
        return try command { () throws(StepError) in try home.records().list().records.map(\.id) }
    }
}
