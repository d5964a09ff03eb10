import CommandGrammar
import ContainerRuntime
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff kill ID [SIGNAL]`
    static var kill: Command {
        let verb = CommandVerb(
            "kill", .runtime, "Send a signal to a container (default TERM)",
            details: "SIGNAL is a number or a name with or without SIG, such as 9, KILL or SIGRTMIN+3.",
            operands: CommandOperands("CONTAINER [SIGNAL]", 1, 2),
            options: [CommandOption("all", "a", "Send it to all processes of the container")])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let words = invocation.arguments.words
            let text = words.count > 1 ? words[1] : "TERM"
            guard let signal = SignalName.number(text) else {
                throw CommandError("unknown signal '\(text)'")
            }
            let container = try invocation.container()
            try command { () throws(StepError) in
                if invocation.arguments.isSet("all") {
                    try container.killAll(signal)
                } else {
                    try container.kill(signal)
                }
            }
            return 0
        }
    }
}
