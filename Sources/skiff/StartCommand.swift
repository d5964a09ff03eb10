import CommandGrammar
import ContainerInit
import ContainerRuntime

extension Command {
    /// `skiff start ID`
    static var start: Command {
        let verb = CommandVerb(
            "start", .runtime, "Start a created container, or one from an image again",
            operands: CommandOperands("CONTAINER...", 1, nil),
            options: [
                CommandOption("attach", "a", "Stay attached to its output"),
                CommandOption("interactive", "i", "Stay attached to its input, too"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            if try invocation.meansEngineContainer() { return try EngineStart(invocation).run() }
            let container = try invocation.container()
            try launching { () throws(LaunchFailure) in try container.start(supervisor: invocation.supervisor)
            }
            return 0
        }
    }
}
