import CommandGrammar

extension Command {
    /// `skiff debug cli-reference`
    static var debug: Command {
        let verb = CommandVerb(
            "debug", .other, "Print internals, for people who work on skiff",
            details: "cli-reference: the reference of all commands in Markdown, as in docs/cli.md",
            operands: CommandOperands("cli-reference", 1, 2), hidden: true)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            switch invocation.arguments.words[0] {
            case "cli-reference": return Output.show(Program.help.markdown(of: CommandTable.verbs))
            default: throw CommandError.usage("nothing is known about that")
            }
        }
    }
}
