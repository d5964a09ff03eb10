package import ContainerInit
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Container {
    /// Starts a created container and returns once its program runs and the poststart hooks have run. With a
    /// `supervisor` (NOTIFY_SOCKET) it returns once the program says that it is ready, or has ended.
    package func start(supervisor: String? = nil) throws(LaunchFailure) {
        guard let supervisor else { return try startProgram() }
        let pidfd = try asLaunch { () throws(StepError) in try openInit() }
        let socket = try asLaunch { () throws(StepError) in
            try StateTransition.start.check(try status())
            return try NotifySocket.bind(for: self, supervisor: supervisor)
        }
        try startProgram()
        guard let socket, let pidfd else { return }
        let view = pidfd.borrowed
        try asLaunch { () throws(StepError) in
            try socket.waitUntilReady(pidfd: view, process: ProcessID(rawValue: record.pid))
        }
        _ = consume pidfd
    }

    private func startProgram() throws(LaunchFailure) {
        let channel: SyncChannel
        do throws(StepError) {
            try StateTransition.start.check(try status())
            channel = try openGate()
        } catch {
            throw LaunchFailure(error)
        }
        do throws(LaunchFailure) {
            try channel.waitForProgram(of: ProcessID(rawValue: record.pid))
            noteStart()
            try runPoststartHooks()
        } catch  where error.error.code == .configInvalid {
            // It has no process: nothing was run, and the container has stopped (config.md, process).
            throw error
        } catch {
            // A container whose program or hooks could not run is destroyed (runtime-spec life cycle, HOOK-9).
            let failure = error.error.noting { () throws(StepError) in try delete(force: true) }
            throw LaunchFailure(failure, exitCode: error.exitCode)
        }
    }

    /// Opens the gate. Who gives it another name first is the one who starts; once connected nothing can fail.
    private func openGate() throws(StepError) -> SyncChannel {
        let path = store.gatePath(of: id)
        let taken = store.takenGatePath(of: id)
        do throws(SyscallError) {
            try rename(path, to: taken)
        } catch {
            guard error.errno == .ENOENT else { throw StepError("take the start gate", error) }
            throw StepError(
                "", refused: "cannot start a container that is started already", code: .containerState)
        }
        do throws(SyscallError) {
            let channel = try StartGate.open(at: taken)
            bestEffort("delete removes it too") { () throws(SyscallError) in try unlink(taken) }
            return channel
        } catch {
            bestEffort("delete removes it too") { () throws(SyscallError) in try rename(taken, to: path) }
            if error.errno == .ECONNREFUSED {
                throw StepError(
                    "", refused: "container not running: init has ended", code: .containerNotRunning)
            }
            throw StepError("open the start gate", error)
        }
    }

    /// poststart hooks; the failure of one ends the container.
    func runPoststartHooks() throws(LaunchFailure) {
        guard record.hasPoststart else { return }
        do throws(StepError) {
            let hooks = try configuration().hooks?.poststart ?? []
            try withBundle { (directory) throws(StepError) in
                try HookRunner(state: state(.running).json(), directory: directory).run(hooks, .poststart)
            }
        } catch {
            let failure = error.noting { () throws(StepError) in try endAll() }
            throw LaunchFailure(failure)
        }
    }

    /// Runs poststop hooks; every one is run, and their failures are handed back as warnings.
    func runPoststop(_ hooks: [HookSpec], _ state: ContainerState) -> [String] {
        var warnings: [String] = []
        let bytes = state.json()
        for (index, hook) in hooks.enumerated() {
            let failure = bestEffort("the other hooks and the removal go on") { () throws(StepError) in
                try withBundle { (directory) throws(StepError) in
                    try HookRunner(state: bytes, directory: directory).run(hook, .poststop, index)
                }
            }
            if let failure { warnings.append(failure.description) }
        }
        return warnings
    }

    /// Calls `body` with the bundle, in which hooks run; with `/` if the bundle is gone.
    private func withBundle(_ body: (BorrowedFD) throws(StepError) -> Void) throws(StepError) {
        let directory = try during("open the bundle \(record.bundle)") { () throws(SyscallError) in
            do throws(SyscallError) {
                return try open(Path(record.bundle), [.pathOnly, .directory])
            } catch {
                guard error.errno == .ENOENT else { throw error }
                return try open("/", [.pathOnly, .directory])
            }
        }
        try body(directory.borrowed)
    }
}
