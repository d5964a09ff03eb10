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
                    CommandOption(
                        "keep-blobs", "Keep the layers' blobs as they are, so that save gives equal digests"),
                    CommandOption("json", "Print the result as JSON"),
                    CommandOption("quiet", "q", "Print no progress"),
                    CommandOption(
                        "progress", value: "FORM",
                        "auto (bars on a terminal, else lines), bars, plain, json (events) or none"),
                ]))
    }

    /// `skiff images`
    static var images: Command {
        passing(
            to: "images",
            CommandVerb(
                "images", .engine, "List the images of the store", operands: CommandOperands("[NAME]", 0, 1),
                options: [
                    CommandOption("format", value: "FORMAT", "table or json"),
                    CommandOption(
                        "filter", "f", value: "KEY=VALUE",
                        "reference, label, label!, dangling, before, since or until; may be repeated"),
                    CommandOption("quiet", "q", "Print ids only"),
                    CommandOption("digests", "Show the manifests' digests"),
                    CommandOption("no-trunc", "Shorten no id"),
                    CommandOption("all", "a", "Accepted; all images are always listed"),
                ]))
    }

    /// `skiff save IMAGE…`
    static var save: Command {
        passing(
            to: "save",
            CommandVerb(
                "save", .engine, "Write images into an archive or layout that other tools read",
                details:
                    "The same images give the same bytes. Digests are the original ones when the image was loaded "
                    + "with --keep-blobs; otherwise layers are made from their files, uncompressed.",
                operands: CommandOperands("IMAGE [IMAGE…]", 1, nil),
                options: [
                    CommandOption("output", "o", value: "FILE", "What to make; standard output without it"),
                    CommandOption(
                        "format", value: "FORMAT", "oci-archive (the default), docker-archive or oci-dir"),
                    CommandOption("quiet", "q", "Accepted; nothing is printed"),
                ]))
    }

    /// `skiff import FILE [NAME]`
    static var importArchive: Command {
        passing(
            to: "import",
            CommandVerb(
                "import", .engine, "Make an image of a file system in a tar archive, and print its id",
                details: "FILE may be compressed; - is standard input.",
                operands: CommandOperands("FILE [NAME]", 1, 2),
                options: makeOptions + [CommandOption("quiet", "q", "Accepted; only the id is printed")]))
    }

    /// What `commit` and `import` say about the new image.
    static let makeOptions = [
        CommandOption(
            "change", "c", value: "INSTRUCTION",
            "CMD, ENTRYPOINT, ENV, LABEL, WORKDIR, USER, EXPOSE, VOLUME or STOPSIGNAL, as in a Dockerfile"),
        CommandOption("author", "a", value: "TEXT", "Who makes it"),
        CommandOption("message", "m", value: "TEXT", "A remark for the image's history"),
    ]

    /// `skiff tag IMAGE NAME…`
    static var tag: Command {
        passing(
            to: "tag",
            CommandVerb(
                "tag", .engine, "Give an image further names",
                operands: CommandOperands("IMAGE NAME [NAME…]", 2, nil)))
    }

    /// `skiff untag IMAGE [NAME…]`
    static var untag: Command {
        passing(
            to: "untag",
            CommandVerb(
                "untag", .engine, "Take names from an image, all if none is given, and keep the image",
                operands: CommandOperands("IMAGE [NAME…]", 1, nil)))
    }

    /// `skiff history IMAGE`
    static var history: Command {
        passing(
            to: "history",
            CommandVerb(
                "history", .engine, "Show how an image was made, the last step first",
                operands: CommandOperands("IMAGE", 1, 1),
                options: [
                    CommandOption("format", value: "FORMAT", "table or json"),
                    CommandOption("no-trunc", "Shorten nothing"),
                    CommandOption("quiet", "q", "Print ids only"),
                ]))
    }

    /// `skiff rmi IMAGE…`
    static var removeImages: Command {
        passing(
            to: "rmi",
            CommandVerb(
                "rmi", .engine, "Remove images that no container uses",
                details:
                    "A name is taken away, and the image with its last name. An id removes an image that has one "
                    + "name; NAME@DIGEST all names of that repository for it.",
                operands: CommandOperands("[IMAGE…]", 0, nil),
                options: [
                    CommandOption(
                        "force", "f", "All names of an id; the name even while containers use the image"),
                    CommandOption("all", "a", "Every image that no container uses"),
                    CommandOption("ignore", "i", "An image that is not there is no failure"),
                ]))
    }

    /// `skiff image COMMAND …`: whatever the helper does.
    static var image: Command {
        let verb = CommandVerb(
            "image", .engine,
            "Commands over images: load, ls, rm, tag, history, inspect, mount, prune, check and others",
            details:
                "What follows is read by the helper; `skiff image inspect IMAGE` shows an image's configuration, "
                + "`skiff image check` verifies the store, `skiff image prune` removes what nothing uses, "
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
