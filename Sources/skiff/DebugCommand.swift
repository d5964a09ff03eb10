import CommandGrammar
import ContainerInit
import ContainerRuntime
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff debug plan|cli-reference|manual`
    static var debug: Command {
        let verb = CommandVerb(
            "debug", .other, "Show what a launch would do, or texts made from this program",
            details: """
                plan: everything that create --bundle DIR would do, in order, without doing it: namespaces, cgroup
                writes, mounts with their flags, devices, limits, ids, capabilities, the filter, hooks. Any user may ask.
                cli-reference, manual: all commands in Markdown, as in docs/cli.md, and the manual page.
                """,
            operands: CommandOperands("plan [ID] | cli-reference | manual", 1, 2),
            options: [
                RuntimeOptions.bundle, RuntimeOptions.configuration,
                CommandOption("format", value: "FORMAT", "Of the plan: text or json (default text)"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            switch invocation.arguments.words[0] {
            case "plan": return try PlanCommand(invocation).run()
            case "cli-reference": return Output.show(Program.help.markdown(of: CommandTable.verbs))
            case "manual": return Output.show(Program.help.manual(of: CommandTable.verbs, ManualText.page))
            default: throw CommandError.usage("plan, cli-reference or manual is what can be shown")
            }
        }
    }
}

/// `debug plan`: the launch of a bundle as far as it touches nothing.
private struct PlanCommand {
    private let invocation: Invocation

    init(_ invocation: Invocation) { self.invocation = invocation }

    func run() throws(CommandError) -> Int32 {
        let format = invocation.arguments.value("format") ?? "text"
        guard format == "text" || format == "json" else {
            throw CommandError.usage("--format is text or json, not '\(format)'")
        }
        let words = invocation.arguments.words
        let plan = try command { () throws(StepError) in
            var request = CreateRequest(
                id: try ContainerID(words.count > 1 ? words[1] : "plan"),
                source: .bundle(invocation.path("bundle") ?? "."))
            request.configurationFile = invocation.path("config")
            request.console = .caller
            request.usesCgroups = !invocation.globals.cgroupsAreDisabled
            let launch = try Launch.plan(
                request, in: invocation.store, gate: .socket, hasRootTree: false)
            return launch.report()
        }
        if format == "json" { return Output.show(plan.json(.pretty)) }
        return Output.show(plan.lines.joined(separator: "\n") + "\n")
    }
}
