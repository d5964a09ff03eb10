import CommandGrammar
import ContainerRuntime
import Engine
import LinuxSystem

extension Command {
    /// `skiff pause ID`
    static var pause: Command {
        Command(
            verb: CommandVerb(
                "pause", .runtime, "Stop all processes of a container for now", operands: .container)
        ) { (invocation) throws(CommandError) in
            if try invocation.meansEngineContainer() {
                let word = invocation.arguments.words[0]
                let container = try invocation.engineContainer(word)
                try command { () throws(StepError) in try container.pause() }
                return Output.show(word + "\n")
            }
            let container = try invocation.container()
            try command { () throws(StepError) in try container.pause() }
            return 0
        }
    }

    /// `skiff resume ID`
    static var resume: Command {
        Command(
            verb: CommandVerb(
                "resume", .runtime, "Let the processes of a container run again", operands: .container)
        ) { (invocation) throws(CommandError) in
            let container = try invocation.container()
            try command { () throws(StepError) in try container.resume() }
            return 0
        }
    }
}
