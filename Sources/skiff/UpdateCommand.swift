import CommandGrammar
import ContainerRuntime
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff update [--resources FILE] [OPTIONS] ID`
    static var update: Command {
        let verb = CommandVerb(
            "update", .runtime, "Change the limits of a container",
            details: "Only what is given changes; in a resources document 0 means not given.",
            operands: .container,
            options: [
                CommandOption(
                    "resources", "r", value: "FILE",
                    "Limits as linux.resources of config.json; - reads them from standard input")
            ] + LimitOption.allCases.map(\.option))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.container()
            var lines: [String] = []
            let resources = try resources(invocation.arguments, &lines)
            for name in ["kernel-memory", "kernel-memory-tcp"] where invocation.arguments.value(name) != nil {
                invocation.output.warn("--\(name) has no effect: no kernel has this limit any more")
            }
            try command { () throws(StepError) in try container.update(resources, resctrl: lines) }
            return 0
        }
    }

    private static func resources(
        _ arguments: ParsedArguments, _ lines: inout [String]
    ) throws(CommandError) -> ResourcesSpec {
        var resources = ResourcesSpec()
        if let file = arguments.value("resources"), !file.isEmpty { resources = try read(file) }
        for limit in LimitOption.allCases {
            guard let text = arguments.value(limit.rawValue), !text.isEmpty else { continue }
            try limit.set(text, in: &resources, lines: &lines)
        }
        return resources
    }

    private static func read(_ file: String) throws(CommandError) -> ResourcesSpec {
        let bytes = try command { () throws(StepError) in
            try during("read the resources in \(file)") { () throws(SyscallError) in
                file == "-"
                    ? try BorrowedFD.standardInput.readAll(limit: 1 << 20)
                    : try readFile(Path(file), limit: 1 << 20)
            }
        }
        do throws(JSONError) {
            return try ResourcesSpec(json: bytes)
        } catch {
            throw CommandError(StepError("read the resources in \(file)", SpecError(error)))
        }
    }
}
