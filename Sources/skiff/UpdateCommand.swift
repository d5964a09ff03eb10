import Cgroups
import CommandGrammar
import ContainerRuntime
import Engine
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff update [--resources FILE] [OPTIONS] ID`
    static var update: Command {
        let verb = CommandVerb(
            "update", .runtime, "Change the limits of a container",
            details: """
                Only what is given changes, all of it or nothing; in a resources document 0 means not given. Containers from
                images keep it for their next start, and need not run.
                """,
            operands: .container,
            options: [
                CommandOption(
                    "resources", "r", value: "FILE",
                    "Limits as linux.resources of config.json; - reads them from standard input")
            ] + LimitOption.allCases.map(\.option))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let request = try request(invocation.arguments)
            for option in LimitOption.allCases where option.isObsolete {
                guard invocation.arguments.value(option.rawValue) != nil else { continue }
                invocation.output.warn(
                    "--\(option.rawValue) has no effect: no kernel has this limit any more")
            }
            // A document is an engine's, which knows what it does.
            let refusesKilling = invocation.arguments.value("memory") != nil
            if try invocation.meansEngineContainer() {
                let container = try invocation.engineContainer(invocation.arguments.words[0])
                try command { () throws(StepError) in
                    try container.update(request, refusesKilling: refusesKilling)
                }
                return 0
            }
            let container = try invocation.container()
            try command { () throws(StepError) in
                let host = request.cpuWeight == nil ? nil : try CgroupHost.detect()
                try container.update(
                    request.resources(hasUnifiedCPU: host?.home(of: .cpu) == .unified),
                    resctrl: request.schemata, refusesKilling: refusesKilling)
            }
            return 0
        }
    }

    private static func request(_ arguments: ParsedArguments) throws(CommandError) -> LimitRequest {
        var request = LimitRequest()
        if let file = arguments.value("resources"), !file.isEmpty { request.resources = try read(file) }
        try command(exitCode: CommandError.usageCode) { () throws(StepError) in
            try phase(.usage) { () throws(StepError) in
                try LimitOption.read(arguments, LimitOption.allCases, into: &request)
            }
        }
        return request
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
