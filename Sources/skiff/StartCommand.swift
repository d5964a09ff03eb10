import CommandGrammar
import ContainerInit
import ContainerRuntime

extension Command {
    /// `skiff start ID`
    static var start: Command {
        Command(verb: CommandVerb("start", .runtime, "Start a created container", operands: .container)) {
            (invocation) throws(CommandError) in
            let container = try invocation.container()
            try launching { () throws(LaunchFailure) in try container.start() }
            return 0
        }
    }
}
