import CommandGrammar
import ContainerInit
import ContainerRuntime
import LinuxSystem

extension Command {
    /// `skiff run --bundle DIR ID`
    static var run: Command {
        let verb = CommandVerb(
            "run", .engine, "Run a container from an image, or from a bundle with --bundle",
            details: """
                IMAGE is a name in the store, oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE or a path.
                The exit code is the program's, 128 + n if signal n ended it, 125 if skiff failed, 126 if the program
                cannot be executed, 127 if it is not there.
                """,
            operands: CommandOperands("IMAGE [ARG...] | --bundle DIR ID", 1, nil, commandStartsAfter: 1),
            options: ImageRunOptions.all + RuntimeOptions.create + [
                RuntimeOptions.detach,
                CommandOption("keep", "Keep the state of a bundle's container after its end"),
                CommandOption(
                    "no-subreaper", "Accepted; orphans of the container are its own init's", hidden: true),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            guard let invocation = BundleRun.recognise(invocation, verb) else {
                return try ImageRun(invocation).run()
            }
            guard invocation.arguments.words.count == 1 else {
                throw CommandError.usage("with --bundle there is one argument, the container's id")
            }
            try invocation.seal()
            return try BundleRun(invocation).run()
        }
    }
}

/// `run` of a bundle, in the foreground or detached.
struct BundleRun {
    private let invocation: Invocation
    private let isDetached: Bool

    /// The invocation if it is about a bundle: `--bundle` is given, or follows the id, as Slurm's manual writes it,
    /// and names a bundle that is there. Otherwise such words belong to the program of an image.
    static func recognise(_ invocation: Invocation, _ verb: CommandVerb) -> Invocation? {
        if invocation.arguments.value("bundle") != nil { return invocation }
        let words = invocation.arguments.words
        guard words.count > 1, words[1].hasPrefix("-b") || words[1].hasPrefix("--bundle") else { return nil }
        let trailing = CommandVerb(
            verb.name, verb.group, verb.summary, operands: CommandOperands("ID", 1, 1), options: verb.options)
        var second = ParsedArguments()
        let wrong = bestEffort("then the words are the program's") { () throws(UsageError) in
            second = try CommandLineParser(trailing).parseAll(words)
        }
        guard wrong == nil, let bundle = second.value("bundle") else { return nil }
        let missing = bestEffort("then it names no bundle") { () throws(SyscallError) in
            _ = try open(Path(bundle).appending("config.json"), .pathOnly)
        }
        guard missing == nil else { return nil }
        return Invocation(
            globals: invocation.globals, arguments: invocation.arguments.followed(by: second),
            output: invocation.output, verbName: invocation.verbName)
    }

    /// Reads the options.
    init(_ invocation: Invocation) {
        self.invocation = invocation
        isDetached = invocation.arguments.isSet("detach")
    }

    /// Runs the container; the exit code is the program's, 128 + n if signal n ended it, 125 if skiff failed.
    func run() throws(CommandError) -> Int32 {
        let request = try CreateRequest(invocation, foreground: !isDetached)
        let store = invocation.store
        var running = try launching(keepsCode: true) { () throws(LaunchFailure) in
            try Launch.run(request, in: store)
        }
        do throws(LaunchFailure) {
            try running.start()
        } catch {
            clear(running.container)
            throw CommandError(error.error, exitCode: error.exitCode == 1 ? 125 : error.exitCode)
        }
        if isDetached { return 0 }
        let result = try command(exitCode: 125) { () throws(StepError) in try running.stay() }
        if !invocation.arguments.isSet("keep") {
            let container = running.container
            let remains = try command(exitCode: 125) { () throws(StepError) in
                try container.delete(force: true, account: false)
            }
            for warning in remains.warnings { invocation.output.warn(warning) }
        }
        return result.exit.shellCode
    }

    private func clear(_ container: Container) {
        let failure = bestEffort("the failed start is what is reported") { () throws(StepError) in
            try container.delete(force: true)
        }
        if let failure { invocation.output.warn(failure.description) }
    }
}
