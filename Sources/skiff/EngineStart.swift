import CommandGrammar
import Engine
import LinuxSystem

/// `start` of containers that were made from images: again, over the same writable layer.
struct EngineStart {
    private let invocation: Invocation

    /// For a command line.
    init(_ invocation: Invocation) { self.invocation = invocation }

    /// Starts each container named, or one and stays with it.
    func run() throws(CommandError) -> Int32 {
        let arguments = invocation.arguments
        guard arguments.isSet("attach") || arguments.isSet("interactive") else {
            return invocation.forEachContainer { (word) throws(CommandError) in
                _ = try start(word, staysAttached: false)
            }
        }
        guard arguments.words.count == 1 else {
            throw CommandError.usage("--attach takes one container")
        }
        guard let running = try start(arguments.words[0], staysAttached: true) else {
            throw CommandError("the container runs already (see 'skiff attach')", code: .containerState)
        }
        return try AttachedClient(invocation).stay(with: running, sendsInput: arguments.isSet("interactive"))
    }

    /// Starts one; nil when it runs already.
    func start(_ name: String, staysAttached: Bool) throws(CommandError) -> RunningEngineContainer? {
        let home = try invocation.home()
        do throws(RunFailure) {
            return try ContainerRun(home: home, usesCgroups: !invocation.globals.cgroupsAreDisabled)
                .start(name, staysAttached: staysAttached)
        } catch {
            throw CommandError(error.error, exitCode: error.exitCode)
        }
    }
}
