import CommandGrammar
import Engine
import LinuxSystem

extension Command {
    /// `skiff cp SOURCE TARGET`
    static var copy: Command {
        let verb = CommandVerb(
            "cp", .engine, "Copy files between a container and the host",
            details:
                "One of both is CONTAINER:PATH. A directory goes into an existing directory under its own name; "
                + "DIR/. means what is inside. Symbolic links are copied as they are. Files that go into a container "
                + "belong to root there, files that come out to the caller, unless --archive is given.",
            operands: CommandOperands("CONTAINER:PATH PATH | PATH CONTAINER:PATH", 2, 2),
            options: [CommandOption("archive", "a", "Keep owners and device nodes")])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let words = invocation.arguments.words
            let (source, target) = (split(words[0]), split(words[1]))
            guard (source.container == nil) != (target.container == nil) else {
                throw CommandError.usage("one of both is CONTAINER:PATH, the other a path of the host")
            }
            var choices = TreeCopy.Choices()
            if invocation.arguments.isSet("archive") {
                choices.copiesDevices = true
            } else {
                choices.owner = (userID: effectiveUserID(), groupID: effectiveGroupID())
                if let name = target.container {
                    choices.owner = try invocation.engineContainer(name).record.rootOwner
                }
            }
            let from = try place(source, invocation)
            let to = try place(target, invocation)
            try command { () throws(StepError) in try ContainerCopy.copy(from, to: to, choices) }
            return 0
        }
    }

    /// `NAME:PATH`; a text with a slash before the colon is a path of the host.
    private static func split(_ text: String) -> (container: String?, path: String) {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex,
            !text[..<colon].contains("/"), text.first != "."
        else { return (nil, text) }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    private static func place(
        _ part: (container: String?, path: String), _ invocation: Invocation
    ) throws(CommandError) -> CopyPlace {
        guard let name = part.container else { return CopyPlace(host: part.path) }
        let container = try invocation.engineContainer(name)
        guard !part.path.isEmpty else { throw CommandError.usage("a path must follow '\(name):'") }
        return try command { () throws(StepError) in try CopyPlace(in: container, path: part.path) }
    }

    /// `skiff diff CONTAINER`
    static var diff: Command {
        let verb = CommandVerb(
            "diff", .engine, "List what a container changed in its files",
            details: "A: added, C: changed, D: deleted.", operands: .container)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            let changes = try command { () throws(StepError) in try container.changes() }
            return Output.show(changes.reduce(into: "") { $0 += "\($1.kind.rawValue) \($1.path)\n" })
        }
    }
}
