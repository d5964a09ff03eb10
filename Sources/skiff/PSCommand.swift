import CommandGrammar
import ContainerRuntime
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff ps [--format table|json] [ID]`
    static var processes: Command {
        let verb = CommandVerb(
            "ps", .runtime, "List containers made from images, or the processes of one container",
            details:
                "Without a word: the engine's containers that run, with --all all of them. With a container: its "
                + "processes, as ps(1) shows them with the options given.",
            operands: CommandOperands("[CONTAINER [PS OPTIONS]]", 0, nil, commandStartsAfter: 1),
            options: [
                CommandOption("format", "f", value: "FORMAT", "table or json"),
                CommandOption("all", "a", "Containers that do not run, too"),
                CommandOption("quiet", "q", "Print ids only"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            if invocation.arguments.words.isEmpty, invocation.style.knowsImages {
                return try ContainerListing(invocation).run()
            }
            if try invocation.meansEngineContainer() {
                let word = invocation.arguments.words[0]
                throw CommandError.usage("\(word) was made from an image: skiff top \(word)")
            }
            let isTable = try invocation.wantsTable()
            let pids = try processes(try invocation.container(), invocation.style)
            guard isTable else { return Output.show(pids.map(\.rawValue).json()) }
            return Output.show(
                try table(pids, Array(invocation.arguments.words.dropFirst()), invocation.style))
        }
    }

    /// runc has a stopped container without processes where others refuse.
    private static func processes(
        _ container: Container, _ style: CommandStyle
    ) throws(CommandError) -> [ProcessID] {
        try command { () throws(StepError) in
            if style == .runc, try container.status() == .stopped { return [] }
            return try container.processes()
        }
    }

    private static func table(
        _ pids: [ProcessID], _ options: [String], _ style: CommandStyle
    ) throws(CommandError) -> String {
        switch style {
        case .crun: return pids.reduce(into: "PID\n") { $0 += "\($1)\n" }
        case .skiff where options.isEmpty: return try ProcessTable.text(pids)
        case .skiff, .runc:
            return try command { () throws(StepError) in
                try PSProgram.table(options: options.isEmpty ? ["-ef"] : options, of: pids)
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
