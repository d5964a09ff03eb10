package import ContainerInit
import JSONCoding
package import LinuxSystem
import RuntimeSpec

extension Launch {
    /// Creates a container that waits for `start`. `rootTree`, if given, is its root file system.
    package static func create(
        _ request: CreateRequest, in store: StateStore, rootTree: consuming MountTree? = nil
    ) throws(LaunchFailure) -> Container {
        let running = try carryOut(request, in: store, rootTree: rootTree, gate: .socket)
        return running.container
    }

    /// Creates a container that this process will start and wait for.
    package static func run(
        _ request: CreateRequest, in store: StateStore, rootTree: consuming MountTree? = nil
    ) throws(LaunchFailure) -> RunningContainer {
        try carryOut(request, in: store, rootTree: rootTree, gate: .channel)
    }

    private static func carryOut(
        _ request: CreateRequest, in store: StateStore, rootTree: consuming MountTree?, gate: InitPlan.Gate
    ) throws(LaunchFailure) -> RunningContainer {
        let process: LaunchedProcess
        let conversation: Conversation
        do throws(StepError) {
            let hasRootTree = rootTree != nil
            var launch = try plan(
                request, in: store, gate: gate, hasRootTree: hasRootTree, begins: true)
            for warning in launch.plan.warnings { request.warn(warning) }
            let socket = try launch.connectConsole()
            process = try launch.begin(rootTree: rootTree)
            conversation = Conversation(launch, filter: process.filter, console: socket)
        } catch {
            throw LaunchFailure(error)
        }
        return try conversation.finish(process)
    }

    /// The console socket is connected before anything is made.
    private func connectConsole() throws(StepError) -> Int32? {
        guard case .socket(let path) = request.console else { return nil }
        return try ConsoleSocket.connect(to: path).release()
    }

    /// The state that hooks and the agent of a filter get.
    func hookState(_ pid: ProcessID) -> ContainerState {
        var state = plan.initial.state
        state.pid = Int(pid.rawValue)
        return state
    }

    /// Hooks that come before the root changes.
    func runHooks(_ pid: ProcessID) throws(StepError) {
        let directory = try during("open the bundle \(bundlePath)") { () throws(SyscallError) in
            try open(bundlePath, [.pathOnly, .directory])
        }
        let state = hookState(pid)
        let prestart = spec.hooks?.prestart ?? []
        if !prestart.isEmpty {
            // They come from before there was `creating`: between `created` and the program.
            var first = state
            first.status = .created
            try HookRunner(state: first.json(), directory: directory.borrowed).run(prestart, .prestart)
        }
        let runner = HookRunner(state: state.json(), directory: directory.borrowed)
        try runner.run(spec.hooks?.createRuntime ?? [], .createRuntime)
    }
}
