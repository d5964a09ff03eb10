import CommandGrammar

extension Command {
    /// `skiff help [COMMAND]`
    static var help: Command {
        let operands = CommandOperands("[COMMAND]", 0, 1)
        return Command(
            verb: CommandVerb("help", .other, "Show the commands or one of them", operands: operands)
        ) {
            (invocation) throws(CommandError) in
            guard let name = invocation.arguments.words.first else {
                return Output.show(
                    Program.help(invocation.style).overview(of: CommandTable.verbs(invocation.style)))
            }
            guard let command = CommandTable.command(named: name, invocation.style) else {
                throw CommandError.usage("unknown command '\(name)'")
            }
            return Output.show(Program.help(invocation.style).page(for: command.verb))
        }
    }

    /// `skiff completion bash`
    static var completion: Command {
        let verb = CommandVerb(
            "completion", .other, "Print a completion script for a shell",
            details: "Load it with: source <(skiff completion bash)", operands: CommandOperands("bash", 1, 1))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            guard invocation.arguments.words == ["bash"] else {
                throw CommandError.usage("only bash is known")
            }
            return Output.show(Program.help.bashCompletion(of: CommandTable.verbs))
        }
    }
}
