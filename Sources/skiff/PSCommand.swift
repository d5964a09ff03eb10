import CommandGrammar
import ContainerRuntime
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff ps [--format table|json] ID`
    static var processes: Command {
        let verb = CommandVerb(
            "ps", .runtime, "List the processes of a container", operands: .container,
            options: [CommandOption("format", "f", value: "FORMAT", "table or json")])
        return Command(verb: verb) { (invocation) throws(CommandError) in
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
