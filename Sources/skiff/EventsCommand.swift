import CommandGrammar
import ContainerRuntime
import Engine
import LinuxSystem

extension Command {
    /// `skiff events [--stats] [--interval TIME] ID`
    static var events: Command {
        let verb = CommandVerb(
            "events", .runtime, "Print what a container uses, and when it runs out of memory, as JSON lines",
            details:
                "Every line is an object with type (stats or oom), id and data, in the form of runc. "
                + "Ends with the container.",
            operands: .container,
            options: [
                CommandOption(
                    "interval", value: "TIME",
                    "Time between two readings, such as 500ms or 1m30s (default 5s)"),
                CommandOption("stats", "Print what it uses now, and end"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try watched(invocation)
            let id = container.id
            if invocation.arguments.isSet("stats") {
                let usage = try command { () throws(StepError) in try container.usage() }
                return Output.show(usage.json(of: id))
            }
            let text = invocation.arguments.value("interval") ?? "5s"
            guard let nanoseconds = Duration.nanoseconds(of: text), nanoseconds > 0 else {
                throw CommandError.usage(
                    "--interval is a time above 0, such as 500ms, 5s or 1m30s, not '\(text)'")
            }
            var exitCode: Int32 = 0
            try command { () throws(StepError) in
                try container.watch(every: nanoseconds) { event in
                    exitCode = Output.show(event.json(of: id))
                    return exitCode == 0
                }
            }
            return exitCode
        }
    }

    private static func watched(_ invocation: Invocation) throws(CommandError) -> Container {
        guard try invocation.meansEngineContainer() else { return try invocation.container() }
        let found = try invocation.engineContainer(invocation.arguments.words[0])
        let runtime = try command { () throws(StepError) in try found.loadRuntime() }
        if let runtime { return runtime }
        return try invocation.container()
    }
}

extension Duration {
    /// Nanoseconds of a time as Go writes it: numbers with units, `1m30s`, `1.5h`, `250ms`; nil if it is none.
    fileprivate static func nanoseconds(of text: String) -> Int64? {
        let units: [(String, Double)] = [
            ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12),
        ]
        var rest = Substring(text)
        var sum = 0.0
        if rest.isEmpty { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0 == "." || $0.isNumber }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0 != "." && !$0.isNumber }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(number), let factor = units.first(where: { $0.0 == unit })?.1 else {
                return nil
            }
            sum += value * factor
        }
        return sum < 9e18 ? Int64(sum) : nil
    }
}
