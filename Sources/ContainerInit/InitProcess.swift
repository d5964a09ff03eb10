import LinuxSystem

/// The container's first process, from the clone to its program.
package enum InitProcess {
    /// Works through the list and executes the program; a failure goes to the runtime, or to `start` once the gate
    /// is open. Preconditions: in the child, all signals blocked, one thread.
    package static func run(_ context: consuming InitContext) -> Never {
        Trace.beginInNewProcess()
        let steps = context.target == nil ? InitSequence.steps : ExecSequence.steps
        let failure = InitSequence.run(steps, on: &context)
        bestEffort("without a listener the exit code tells") { () throws(SyscallError) in
            while let text = Trace.takeText() { try context.channel.send(.trace(text)) }
            try context.channel.send(.failed(failure))
        }
        exitProcess(failure.exitCode)
    }
}
