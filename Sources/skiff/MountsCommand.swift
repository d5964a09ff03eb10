import CommandGrammar
import LinuxSystem

extension Command {
    /// `crun mounts add|remove ID FILE`
    static var mounts: Command {
        let verb = CommandVerb(
            "mounts", .runtime, "Refused: the mounts of a running container stay as they are",
            operands: CommandOperands("add|remove CONTAINER FILE", 3, 3), hidden: true)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let words = invocation.arguments.words
            throw CommandError(
                "\(words[0]) is not supported: the mounts of a running container stay as they are",
                subject: words[1], code: .unsupported)
        }
    }
}
