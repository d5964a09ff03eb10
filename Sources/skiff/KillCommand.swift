import CommandGrammar
import ContainerRuntime
import Engine
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff kill ID [SIGNAL]`
    static var kill: Command {
        let verb = CommandVerb(
            "kill", .runtime, "Send a signal to a container (default TERM)",
            details: "SIGNAL is a number or a name with or without SIG, such as 9, KILL or SIGRTMIN+3.",
            operands: CommandOperands("CONTAINER [SIGNAL]", 1, 2),
            options: [
                CommandOption("all", "a", "Send it to all processes of the container"),
                RuntimeOptions.regex,
                CommandOption(
                    "signal", "s", value: "SIGNAL", "Signal for a container from an image (default KILL)"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let words = invocation.arguments.words
            let isPattern = invocation.arguments.isSet("regex")
            let isEngines = isPattern ? false : try invocation.meansEngineContainer()
            let text =
                words.count > 1
                ? words[1] : invocation.arguments.value("signal") ?? (isEngines ? "KILL" : "TERM")
            // Signal 0 asks whether there is somebody to send it to, kill(2).
            guard let signal = text == "0" ? 0 : SignalName.number(text) else {
                throw CommandError("unknown signal '\(text)'", code: .usage)
            }
            if isEngines {
                let container = try invocation.engineContainer(words[0])
                try command { () throws(StepError) in try container.signal(signal) }
                return Output.show(words[0] + "\n")
            }
            let store = invocation.store
            let reachesAll = invocation.arguments.isSet("all")
            return try invocation.forEachMatch { (id) throws(CommandError) in
                try command { () throws(StepError) in
                    let container = try Container.load(id, from: store)
                    if reachesAll { try container.killAll(signal) } else { try container.kill(signal) }
                }
            }
        }
    }
}
