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
            options: ImageRunOptions.all + RuntimeOptions.create + RuntimeOptions.run)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            guard let invocation = try BundleRun.recognise(invocation, verb) else {
                return try ImageRun(invocation).run()
            }
            try invocation.seal()
            return try BundleRun(invocation).run()
        }
    }

    /// `run [--bundle DIR] ID`, as other runtimes have it.
    static var runBundle: Command {
        let verb = CommandVerb(
            "run", .runtime, "Create a container from a bundle, start it, and wait for its end",
            operands: .container, options: RuntimeOptions.create + RuntimeOptions.run)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try invocation.seal()
            return try BundleRun(invocation).run()
        }
    }
}

extension Invocation {
    /// With further options and words, which were read from its words.
    fileprivate func followed(by second: ParsedArguments) -> Invocation {
        Invocation(
            globals: globals, arguments: arguments.followed(by: second), output: output, verbName: verbName)
    }
}

extension Invocation {
    /// Deletes a container that has ended; a checkpoint may have done it.
    func deleteEnded(
        _ container: Container, _ result: WaitResult, exitCode: Int32 = 1
    ) throws(CommandError) {
        do throws(StepError) {
            let remains = try container.delete(force: true, end: ObservedEnd(result))
            for warning in remains.warnings { output.warn(warning) }
        } catch {
            if error.code != .containerNotFound { throw CommandError(error, exitCode: exitCode) }
        }
    }
}

/// `run` of a bundle, in the foreground or detached.
struct BundleRun {
    private let invocation: Invocation
    private let isDetached: Bool

    /// The invocation if it is about a bundle: `--bundle` is given, or follows the id, as Slurm's manual writes it,
    /// and names a bundle that is there. Otherwise such words belong to the program of an image.
    static func recognise(
        _ invocation: Invocation, _ verb: CommandVerb
    ) throws(CommandError) -> Invocation? {
        let isNamed = invocation.arguments.value("bundle") != nil
        let words = invocation.arguments.words
        guard words.count > 1 else { return isNamed ? invocation : nil }
        guard isNamed || words.contains(where: { $0.hasPrefix("-") }) else { return nil }
        let trailing = CommandVerb(
            verb.name, verb.group, verb.summary, operands: CommandOperands("ID", 1, 1), options: verb.options)
        var second = ParsedArguments()
        let wrong = bestEffort("then the words are the program's") { () throws(UsageError) in
            second = try CommandLineParser(trailing).parseAll(words)
        }
        if isNamed {
            if let wrong { throw CommandError.usage("with --bundle there is one container: \(wrong)") }
            return invocation.followed(by: second)
        }
        guard wrong == nil, let bundle = second.value("bundle") else { return nil }
        let missing = bestEffort("then it names no bundle") { () throws(SyscallError) in
            _ = try open(Path(bundle).appending("config.json"), .pathOnly)
        }
        guard missing == nil else { return nil }
        return invocation.followed(by: second)
    }

    /// Reads the options.
    init(_ invocation: Invocation) {
        self.invocation = invocation
        isDetached = invocation.arguments.isSet("detach")
    }

    /// Runs the container; the exit code is the program's, 128 + n if signal n ended it, 125 if skiff failed.
    func run() throws(CommandError) -> Int32 {
        let trace = try invocation.startTrace()
        let request = try CreateRequest(invocation, foreground: !isDetached)
        let store = invocation.store
        var running = try launching(runStyle: invocation.style) { () throws(LaunchFailure) in
            try Launch.run(request, in: store)
        }
        let notify = try start(&running)
        trace?.finish()
        guard !isDetached else { return try leave(running, notify) }
        let result = try stay(&running, notify)
        let failed = invocation.style.runFailureCode(1)
        if !invocation.arguments.isSet("keep") {
            try invocation.deleteEnded(running.container, result, exitCode: failed)
        }
        return result.exit.shellCode
    }

    /// Starts the program; before that, if somebody wants to know when it is ready, its notify socket is made.
    private func start(_ running: inout RunningContainer) throws(CommandError) -> NotifySocket? {
        do throws(LaunchFailure) {
            let notify = try bindNotifySocket(running.container)
            try running.start()
            return notify
        } catch {
            clear(running.container)
            throw CommandError(error.error, exitCode: invocation.style.runFailureCode(error.exitCode))
        }
    }

    private func bindNotifySocket(_ container: Container) throws(LaunchFailure) -> NotifySocket? {
        guard let supervisor = invocation.supervisor else { return nil }
        do throws(StepError) {
            return try NotifySocket.bind(for: container, supervisor: supervisor)
        } catch {
            throw LaunchFailure(error)
        }
    }

    /// In the foreground: until the program ends.
    private func stay(
        _ running: inout RunningContainer, _ notify: consuming NotifySocket?
    ) throws(CommandError) -> WaitResult {
        do throws(StepError) {
            return try running.stay(notify: notify)
        } catch {
            throw CommandError(error, exitCode: invocation.style.runFailureCode(1))
        }
    }

    /// Detached: the container stays, once it has said that it is ready if somebody wants to know.
    private func leave(
        _ running: borrowing RunningContainer, _ notify: consuming NotifySocket?
    ) throws(CommandError) -> Int32 {
        guard let notify else { return 0 }
        do throws(StepError) {
            try running.waitUntilReady(notify)
            return 0
        } catch {
            throw CommandError(error, exitCode: invocation.style.runFailureCode(1))
        }
    }

    private func clear(_ container: Container) {
        let failure = bestEffort("the failed start is what is reported") { () throws(StepError) in
            try container.delete(force: true)
        }
        if let failure { invocation.output.warn(failure.description) }
    }
}
