import CommandGrammar
import Engine
import LinuxSystem

/// `exec` in a container that was made from an image.
struct EngineExecRun {
    private let invocation: Invocation

    /// For a command line.
    init(_ invocation: Invocation) { self.invocation = invocation }

    /// Runs the program; the exit code is its own, 128 + n for a signal, 125 to 127 if it could not be run.
    func run() throws(CommandError) -> Int32 {
        let arguments = invocation.arguments
        let words = Array(arguments.words.dropFirst())
        guard !words.isEmpty else { throw CommandError.usage("a program is needed") }
        var options = EngineExec.Options(command: words)
        let environment = ProcessEnvironment.all()
        options.environment = try command(exitCode: 2) { () throws(StepError) in
            try phase(.usage) { () throws(StepError) in try variables(EnvironmentFile(caller: environment)) }
        }
        options.workingDirectory = arguments.value("workdir") ?? arguments.value("cwd")
        options.user = arguments.value("user")
        options.wantsTerminal = arguments.isSet("tty")
        options.keepsInputOpen = arguments.isSet("interactive")
        options.isDetached = arguments.isSet("detach")
        options.isPrivileged = arguments.isSet("privileged")
        options.terminalType = ProcessEnvironment.value("TERM")
        if options.isDetached && options.wantsTerminal {
            throw CommandError.usage("--detach and --tty do not go together: nobody would see the terminal")
        }
        let container = try invocation.engineContainer(arguments.words[0])
        do throws(RunFailure) {
            return try EngineExec(options).run(in: container)
        } catch {
            throw CommandError(error.error, exitCode: error.exitCode)
        }
    }

    private func variables(_ reader: EnvironmentFile) throws(StepError) -> [String] {
        var list: [String] = []
        for file in invocation.arguments.values("env-file") { list += try reader.read(Path(file)) }
        for text in invocation.arguments.values("env") {
            if let variable = try reader.variable(text) { list.append(variable) }
        }
        return list
    }
}
