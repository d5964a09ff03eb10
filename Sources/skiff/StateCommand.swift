import CommandGrammar
import ContainerRuntime
import LinuxSystem

extension Command {
    /// `skiff state ID`
    static var state: Command {
        Command(verb: CommandVerb("state", .runtime, "Print the state of a container", operands: .container))
        {
            (invocation) throws(CommandError) in
            let container = try invocation.container()
            let status = try command { () throws(StepError) in try container.status() }
            return Output.show(container.report(status))
        }
    }
}
