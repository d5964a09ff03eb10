import CommandGrammar

extension Command {
    /// `skiff debug cli-reference|manual`
    static var debug: Command {
        let verb = CommandVerb(
            "debug", .other, "Print internals, for people who work on skiff",
            details: "cli-reference: all commands in Markdown, as in docs/cli.md; "
                + "manual: the manual page, as in docs/man/skiff.1",
            operands: CommandOperands("cli-reference|manual", 1, 1), hidden: true)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            switch invocation.arguments.words[0] {
            case "cli-reference": return Output.show(Program.help.markdown(of: CommandTable.verbs))
            case "manual": return Output.show(Program.help.manual(of: CommandTable.verbs, ManualText.page))
            default: throw CommandError.usage("nothing is known about that")
            }
        }
    }
}
