import CommandGrammar
import Engine
import LinuxSystem

/// Verbs that `skiff-image` does: this process becomes it, with the store's place added.
extension Command {
    /// `skiff load [FILE]`
    static var load: Command {
        passing(
            to: "load",
            CommandVerb(
                "load", .engine, "Put the images of an archive or layout into the store",
                details: "FILE is an OCI archive, an OCI layout folder or a docker archive, also compressed; "
                    + "- is standard input.",
                operands: CommandOperands("[FILE]", 0, 1),
                options: [
                    CommandOption("input", "i", value: "FILE", "The archive, as docker spells it"),
                    CommandOption("name", value: "NAME", "Store it under this name; may be repeated"),
                    CommandOption("platform", value: "OS/ARCH", "Which one of several platforms to take"),
                    CommandOption("single", "Refuse a file that holds several images"),
                    CommandOption("json", "Print the result as JSON"),
                    CommandOption("quiet", "q", "Print no progress"),
                ]))
    }

    /// `skiff images`
    static var images: Command {
        passing(
            to: "images",
            CommandVerb(
                "images", .engine, "List the images of the store", operands: .none,
                options: [
                    CommandOption("format", value: "FORMAT", "table or json"),
                    CommandOption("quiet", "q", "Print ids only"),
                ]))
    }

    /// `skiff rmi IMAGE…`
    static var removeImages: Command {
        passing(
            to: "rmi",
            CommandVerb(
                "rmi", .engine, "Remove images that no container uses",
                operands: CommandOperands("IMAGE [IMAGE…]", 1, nil),
                options: [
                    CommandOption("force", "f", "Remove the name even while containers use the image")
                ]))
    }

    /// `skiff image COMMAND …`: whatever the helper does.
    static var image: Command {
        let verb = CommandVerb(
            "image", .engine, "Commands over images: load, images, rmi, inspect",
            details:
                "What follows is read by the helper; `skiff image inspect IMAGE` shows an image's configuration, "
                + "`skiff image help` lists all commands.",
            operands: CommandOperands("COMMAND [ARG…]", 1, nil, commandStartsAfter: 1))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try become(invocation.arguments.words, invocation)
        }
    }

    private static func passing(to helperVerb: String, _ verb: CommandVerb) -> Command {
        Command(verb: verb) { (invocation) throws(CommandError) in
            var words = [helperVerb]
            for option in invocation.arguments.options {
                let known = verb.options.first { $0.name == option.name }
                if case .value = known?.argument {
                    words += ["--\(option.name)", option.value]
                } else if option.value == "true" {
                    words.append("--\(option.name)")
                }
            }
            return try become(words + ["--"] + invocation.arguments.words, invocation)
        }
    }

    private static func become(_ words: [String], _ invocation: Invocation) throws(CommandError) -> Int32 {
        try command { () throws(StepError) in
            let executable = try during("find skiff's own file") { () throws(SyscallError) in
                try readLink("/proc/self/exe")
            }
            var all = words
            if let store = invocation.globals.store, let first = all.first, first != "help" {
                all.insert(contentsOf: ["--store", store], at: 1)
            }
            try ImageProgram.become(
                executable: executable, arguments: all, environment: ProcessEnvironment.all())
        }
    }
}
