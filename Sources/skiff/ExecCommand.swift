import Cgroups
import CommandGrammar
import ContainerInit
import ContainerRuntime
import JSONCoding
import LinuxSystem
import RuntimeSpec
import Security

extension Command {
    /// `skiff exec [OPTIONS] ID PROGRAM [ARG…]`
    static var exec: Command {
        let verb = CommandVerb(
            "exec", .runtime, "Run a further program in a running container",
            details: """
                In a container from an image fails with 125 if skiff failed, 126 if the program cannot be executed,
                127 if it is not there; in a bundle's container with 255 when the program could not be started.
                """,
            operands: CommandOperands("CONTAINER [PROGRAM [ARG...]]", 1, nil, commandStartsAfter: 1),
            options: ExecOptions.all)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try invocation.seal()
            if try invocation.meansEngineContainer() { return try EngineExecRun(invocation).run() }
            return try ExecRun(invocation).run()
        }
    }
}

/// The options of `exec` on a container.
enum ExecOptions {
    static let all = [
        CommandOption(
            "process", "p", value: "FILE", "Take the process from this file, as process of config.json"),
        CommandOption("cwd", value: "DIR", "Working directory in the container"),
        CommandOption("workdir", "w", value: "DIR", "The same, for containers from images"),
        CommandOption("env", "e", value: "NAME=VALUE", "Set a variable"),
        CommandOption("env-file", value: "FILE", "Set the variables of a file"),
        CommandOption("tty", "t", "Give the program a terminal"),
        CommandOption("interactive", "i", "Pass standard input on to a program in a container from an image"),
        CommandOption("privileged", "Give all capabilities, in a container from an image"),
        CommandOption(
            "user", "u", value: "USER[:GROUP]", "Who it runs as; in a bundle's container in numbers"),
        CommandOption("additional-gids", "g", value: "GID", "A supplementary group"),
        CommandOption(
            "cap", "c", value: "CAP", "Add a capability to the bounding, permitted and effective sets"),
        CommandOption("no-new-privs", "Set no_new_privs"),
        CommandOption("process-label", value: "LABEL", "SELinux label"),
        CommandOption("apparmor", value: "PROFILE", "AppArmor profile"),
        CommandOption("ignore-paused", "Accept a paused container"),
        CommandOption(
            "cgroup", value: "[CONTROLLER:]PATH",
            "Run it in this cgroup below the container's, which must exist"),
        RuntimeOptions.consoleSocket, RuntimeOptions.pidfdSocket, RuntimeOptions.detach,
        RuntimeOptions.pidFile,
        RuntimeOptions.preserveFDs, RuntimeOptions.trace,
    ]
}

/// `exec` of one program, in the foreground or detached.
struct ExecRun {
    private let failed: Int32
    private let invocation: Invocation
    private let isDetached: Bool

    /// Reads the options.
    init(_ invocation: Invocation) {
        self.invocation = invocation
        failed = invocation.style.execFailureCode
        isDetached = invocation.arguments.isSet("detach")
    }

    /// Runs the program; the exit code is its own, 128 + n for a signal, 255 if it could not be started.
    func run() throws(CommandError) -> Int32 {
        var running = try invocation.tracing { () throws(CommandError) in try start() }
        if isDetached { return 0 }
        return try command(exitCode: failed) { () throws(StepError) in try running.stay().exit.shellCode
        }
    }

    private func start() throws(CommandError) -> RunningProcess {
        let preserved = try invocation.count("preserve-fds")
        let id = try command(exitCode: failed) { () throws(StepError) in
            try ContainerID(invocation.arguments.words[0])
        }
        let container = try command(exitCode: failed) { () throws(StepError) in
            try Container.load(id, from: invocation.store)
        }
        var request = ExecRequest(process: try process(for: container))
        // Not before: the process may be described in a descriptor, as in `--process <(…)`.
        try invocation.closeLeaks(preserved: preserved, exitCode: failed)
        request.preservedDescriptors = preserved
        request.pidFile = invocation.path("pid-file")
        request.pidfdSocket = invocation.path("pidfd-socket")
        request.subCgroups = try command(exitCode: failed) { () throws(StepError) in
            try invocation.arguments.values("cgroup").map { (text) throws(StepError) in try SubCgroup(text) }
        }
        request.ignoresPause = invocation.arguments.isSet("ignore-paused")
        if let socket = invocation.arguments.value("console-socket"), !socket.isEmpty {
            request.console = .socket(Path(socket))
        } else if !isDetached {
            request.console = .caller
            request.windowSize = TerminalRelay.callersWindow()
            request.keepsNewlines = true
        }
        let output = invocation.output
        request.warn = { output.warn($0) }
        do throws(LaunchFailure) {
            return try container.exec(request)
        } catch {
            throw CommandError(error.error, exitCode: failed)
        }
    }

    private func process(for container: Container) throws(CommandError) -> ProcessSpec {
        let arguments = invocation.arguments
        if let file = arguments.value("process") { return try read(file) }
        let words = Array(arguments.words.dropFirst())
        guard !words.isEmpty else { throw CommandError.usage("a program or --process is needed") }
        let base = try command(exitCode: failed) { () throws(StepError) in try container.configuration()
        }
        var process = base.process ?? ProcessSpec()
        process.args = words
        process.terminal = arguments.isSet("tty")
        process.env += arguments.values("env")
        if let directory = arguments.value("cwd") { process.cwd = directory }
        if process.cwd.isEmpty { process.cwd = "/" }
        try takeIdentity(&process)
        if arguments.isSet("no-new-privs") { process.noNewPrivileges = true }
        if let label = arguments.value("process-label") { process.selinuxLabel = label }
        if let profile = arguments.value("apparmor") { process.apparmorProfile = profile }
        return process
    }

    private func takeIdentity(_ process: inout ProcessSpec) throws(CommandError) {
        let arguments = invocation.arguments
        if let text = arguments.value("user") {
            do throws(SpecError) {
                let user = try UserText(text)
                process.user.uid = user.userID
                process.user.gid = user.groupID ?? process.user.gid
            } catch {
                throw CommandError("--user: \(error)", exitCode: failed, code: .usage)
            }
        }
        for text in arguments.values("additional-gids") {
            guard let number = UInt32(text) else {
                throw CommandError.usage("--additional-gids is a number, not '\(text)'")
            }
            process.user.additionalGids.append(number)
        }
        let added = arguments.values("cap").map { $0.hasPrefix("CAP_") ? $0 : "CAP_\($0)" }
        guard !added.isEmpty else { return }
        // Never inheritable: that would reach programs with file capabilities (I-9).
        var sets = process.capabilities ?? CapabilitiesSpec()
        sets.bounding += added
        sets.permitted += added
        sets.effective += added
        // Ambient are those that the container's own configuration made inheritable.
        sets.ambient += added.filter { sets.inheritable.contains($0) }
        process.capabilities = sets
    }

    private func read(_ file: String) throws(CommandError) -> ProcessSpec {
        let bytes = try command(exitCode: failed) { () throws(StepError) in
            try during("read the process in \(file)", code: .configInvalid) { () throws(SyscallError) in
                try readFile(Path(file), limit: 1 << 24)
            }
        }
        do throws(JSONError) {
            return try ProcessSpec(json: bytes)
        } catch {
            throw CommandError(
                StepError("read the process in \(file)", SpecError(error)), exitCode: failed)
        }
    }
}
