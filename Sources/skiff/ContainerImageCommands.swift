import CommandGrammar
import Engine
import LinuxSystem

/// Verbs that make archives and images of containers; the helper `skiff-image` does the work.
extension Command {
    /// `skiff commit CONTAINER [NAME]`
    static var commit: Command {
        let verb = CommandVerb(
            "commit", .engine, "Make an image of what a container has written, and print its id",
            details:
                "The new image has the layers of the container's image and one more. How it is run is taken over from "
                + "that image; --change changes it. A running container stands still meanwhile.",
            operands: CommandOperands("CONTAINER [NAME]", 1, 2),
            options: makeOptions + [
                CommandOption("pause", "p", "Pause the container meanwhile (default true)"),
                CommandOption("quiet", "q", "Accepted; only the id is printed"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let arguments = invocation.arguments
            let container = try invocation.engineContainer(arguments.words[0])
            var options: [String] = []
            for name in ["change", "author", "message"] {
                for value in arguments.values(name) { options.append("--\(name)=\(value)") }
            }
            let name = arguments.words.count > 1 ? arguments.words[1] : nil
            return try command { () throws(StepError) in
                let words = try container.commitWords(name: name, options)
                if arguments.value("pause") == "false" { return try runHelper(words) }
                return try container.whilePaused { () throws(StepError) in try runHelper(words) }
            }
        }
    }

    /// `skiff export CONTAINER`
    static var export: Command {
        let verb = CommandVerb(
            "export", .engine, "Write all files of a container as a tar archive",
            details: "What is mounted in it is left out.", operands: .container,
            options: [
                CommandOption("output", "o", value: "FILE", "The file to make; standard output without it")
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            return try command { () throws(StepError) in
                let words = try container.exportWords(output: invocation.arguments.value("output"))
                try ImageProgram.become(
                    executable: try ownFile(), arguments: words, environment: ProcessEnvironment.all())
            }
        }
    }

    private static func ownFile() throws(StepError) -> Path {
        try during("find skiff's own file") { () throws(SyscallError) in try readLink("/proc/self/exe") }
    }

    private static func runHelper(_ words: [String]) throws(StepError) -> Int32 {
        let result = try ImageProgram.run(
            executable: try ownFile(), arguments: words, environment: ProcessEnvironment.all())
        if result.exitCode == 0 { return Output.show(result.output) }
        return result.exitCode
    }
}
