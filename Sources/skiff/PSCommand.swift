import CommandGrammar
import ContainerRuntime
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff ps [--format table|json] [ID]`
    static var processes: Command {
        let verb = CommandVerb(
            "ps", .runtime, "List containers made from images, or the processes of one container",
            details:
                "Without a word: the engine's containers that run, with --all all of them. With a container: its "
                + "processes.",
            operands: CommandOperands("[CONTAINER]", 0, 1),
            options: [
                CommandOption("format", "f", value: "FORMAT", "table or json"),
                CommandOption("all", "a", "Containers that do not run, too"),
                CommandOption("quiet", "q", "Print ids only"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            if invocation.arguments.words.isEmpty { return try ContainerListing(invocation).run() }
            if try invocation.meansEngineContainer() {
                let word = invocation.arguments.words[0]
                throw CommandError.usage("\(word) was made from an image: skiff top \(word)")
            }
            let container = try invocation.container()
            let pids = try command { () throws(StepError) in try container.processes() }
            switch invocation.arguments.value("format") ?? "table" {
            case "json": return Output.show(pids.map(\.rawValue).json())
            case "table": return Output.show(try ProcessTable.text(pids))
            case let other: throw CommandError.usage("--format is table or json, not '\(other)'")
            }
        }
    }
}

/// Processes with what procfs says of them.
enum ProcessTable {
    /// One line for each process that still exists.
    static func text(_ pids: [ProcessID]) throws(CommandError) -> String {
        var rows = [["PID", "PPID", "STATE", "COMMAND"]]
        for pid in pids {
            let facts = try command { () throws(StepError) in
                try during("look at process \(pid)") { () throws(SyscallError) in try processFacts(pid) }
            }
            guard let facts else { continue }
            let state = String(UnicodeScalar(facts.state))
            rows.append(["\(pid)", "\(facts.parent)", state, arguments(of: pid)])
        }
        return TextTable.text(rows)
    }

    private static func arguments(of pid: ProcessID) -> String {
        var bytes: [UInt8] = []
        bestEffort("the process may have ended just now") { () throws(SyscallError) in
            let file = try open("/proc/\(pid)/cmdline", .readOnly)
            bytes = try file.borrowed.read(max: 4096)
        }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let line = words.joined(separator: " ")
        return line.unicodeScalars.reduce(into: "") { $0 += $1.value < 32 ? "?" : String($1) }
    }
}
