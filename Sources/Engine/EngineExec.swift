internal import ContainerInit
internal import ContainerRuntime
internal import JSONCoding
internal import LinuxSystem
internal import RuntimeSpec
internal import Security

/// A further program in a running container, as `skiff exec` asks for it.
package struct EngineExec {
    /// What is asked.
    package struct Options: Sendable {
        /// The program with its arguments.
        package var command: [String]
        /// `NAME=value`, on top of the container's.
        package var environment: [String] = []
        /// nil for the container's.
        package var workingDirectory: String?
        /// `user[:group]` by name or number; nil for the container's.
        package var user: String?
        package var wantsTerminal = false
        package var keepsInputOpen = false
        /// Whether nobody waits for it.
        package var isDetached = false
        /// Whether it gets all capabilities.
        package var isPrivileged = false
        /// TERM of the caller.
        package var terminalType: String?

        /// A program without more.
        package init(command: [String]) { self.command = command }
    }

    private let options: Options

    /// A program by its options.
    package init(_ options: Options) { self.options = options }

    /// Runs it to its end, or only starts it when it is detached; the exit code is the program's, 128 + n for a
    /// signal. Preconditions: this program's own file is sealed.
    package func run(in container: borrowing EngineContainer) throws(RunFailure) -> Int32 {
        let runtime: Container
        var request: ExecRequest
        let relay: ExecRelay
        do throws(StepError) {
            runtime = try container.requireRuntime("execute in")
            request = ExecRequest(process: try process(runtime))
            relay = try ExecRelay(options)
        } catch {
            throw RunFailure(error)
        }
        request.console = options.wantsTerminal ? .caller : .none
        request.windowSize = options.wantsTerminal ? CallerWindow.size() : nil
        request.keepsNewlines = options.wantsTerminal
        request.stdio = relay.programSide
        var running: RunningProcess
        do throws(LaunchFailure) {
            running = try runtime.exec(request)
        } catch {
            throw RunFailure(error.error, exitCode: error.exitCode == 1 ? 125 : error.exitCode)
        }
        if options.isDetached { return 0 }
        do throws(StepError) {
            return try relay.stay(with: &running).exit.shellCode
        } catch {
            throw RunFailure(error)
        }
    }

    /// The container's own process with what is asked in its place.
    private func process(_ runtime: Container) throws(StepError) -> ProcessSpec {
        var process = try runtime.configuration().process ?? ProcessSpec()
        process.args = options.command
        process.terminal = options.wantsTerminal
        process.consoleSize = nil
        if let directory = options.workingDirectory {
            guard directory.hasPrefix("/") else {
                throw StepError("read --workdir", refused: "'\(directory)' is not absolute", code: .usage)
            }
            process.cwd = directory
        }
        if let terminal = options.terminalType, options.wantsTerminal {
            set("TERM=\(terminal)", in: &process)
        }
        if let text = options.user { try take(text, runtime, &process) }
        for variable in options.environment { set(variable, in: &process) }
        if options.isPrivileged {
            let all = try during(specified: "give all capabilities") { () throws(SpecError) in
                try DefaultCapabilities.set(adding: ["ALL"], dropping: [])
            }
            process.capabilities = DefaultCapabilities.spec(all)
        }
        return process
    }

    private func set(_ variable: String, in process: inout ProcessSpec) {
        let name = variable.prefix { $0 != "=" } + "="
        process.env.removeAll { $0.hasPrefix(name) }
        process.env.append(variable)
    }

    /// The user is looked up in the container's files, below its root.
    private func take(
        _ text: String, _ runtime: Container, _ process: inout ProcessSpec
    ) throws(StepError) {
        let root = try during("open the container's root") { () throws(SyscallError) in
            try open("/proc/\(runtime.record.pid)/root", [.pathOnly, .directory])
        }
        // The number still means the container's process, so what was opened is its root (I-26).
        guard try runtime.openInit() != nil else {
            throw StepError(
                "open the container's root", refused: "the container has ended",
                code: .containerNotRunning)
        }
        let user = try ImageUser(root: root.borrowed).resolve(text)
        process.user = UserSpec(
            uid: user.userID, gid: user.groupID, umask: process.user.umask,
            additionalGids: user.additionalGroups)
        if let home = user.home { set("HOME=\(home)", in: &process) }
        let bounding = process.capabilities?.bounding ?? []
        process.capabilities?.effective = user.userID == 0 ? bounding : []
        process.capabilities?.permitted = user.userID == 0 ? bounding : []
    }
}
