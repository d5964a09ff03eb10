import CommandGrammar
import ContainerRuntime
import LinuxSystem

extension Command {
    /// `skiff delete [--force] ID`
    static var delete: Command {
        let verb = CommandVerb(
            "delete", .runtime, "Remove a container that has stopped",
            operands: .container,
            options: [
                CommandOption(
                    "force", "f", "End it first if it runs; a container that is not there is no failure"),
                RuntimeOptions.regex,
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let isForced = invocation.arguments.isSet("force")
            let store = invocation.store
            return try invocation.forEachMatch { (id) throws(CommandError) in
                let remains = try command { () throws(StepError) in
                    try Container.delete(id, from: store, force: isForced)
                }
                for warning in remains.warnings { invocation.output.warn(warning) }
            }
        }
    }
}
