internal import ContainerInit
internal import ContainerRuntime
package import LinuxSystem

/// Why a container could not be run, with the exit code for it: 125 for skiff's own failures, 126 for a program that
/// cannot be executed, 127 for one that is not there.
package struct RunFailure: Error, Sendable {
    package let error: StepError
    package let exitCode: Int32

    init(_ error: StepError, exitCode: Int32 = 125) {
        self.error = error
        self.exitCode = exitCode
    }
}

/// Running containers by their monitors.
package struct ContainerRun {
    private let home: EngineHome
    private let usesCgroups: Bool

    /// Runs with the places of a home, as absolute paths.
    package init(home: EngineHome, usesCgroups: Bool) {
        self.home = home
        self.usesCgroups = usesCgroups
    }

    /// Makes a container and starts it. When that fails nothing stays, the container included.
    package func run(
        _ maker: ContainerMaker, image: String, staysAttached: Bool
    ) throws(RunFailure) -> RunningEngineContainer {
        let prepared: PreparedContainer
        do throws(StepError) {
            prepared = try maker.make(image: image)
        } catch {
            throw RunFailure(error)
        }
        let id = prepared.container.record.id
        do throws(RunFailure) {
            return try launch(prepared, staysAttached: staysAttached)
        } catch {
            var cause = error.error
            let failure = bestEffort("reported as a note") { () throws(StepError) in
                try EngineContainer.find(id, in: home).remove(force: true)
            }
            if let failure { cause.notes.append(failure.description) }
            throw RunFailure(cause, exitCode: error.exitCode)
        }
    }

    /// Starts a container again, over the same writable layer; nil when it runs already.
    package func start(_ name: String, staysAttached: Bool) throws(RunFailure) -> RunningEngineContainer? {
        let prepared: PreparedContainer?
        do throws(StepError) {
            prepared = try prepare(try EngineContainer.find(name, in: home))
        } catch {
            throw RunFailure(error, exitCode: 1)
        }
        guard let prepared else { return nil }
        return try launch(prepared, staysAttached: staysAttached)
    }

    /// Takes the lock of a container that does not run, clears what a dead monitor has left, and mounts its root.
    private func prepare(_ container: consuming EngineContainer) throws(StepError) -> PreparedContainer? {
        let change = try container.lockForChange()
        defer { _ = change.borrowed }
        if try container.status().isActive { return nil }
        // Nobody else starts it now: whoever holds this lock still is about to end, or only looks.
        let lock = try during("lock container \(container.record.name)") { () throws(SyscallError) in
            try FileLock(at: ContainerFile.lock, in: container.folder.borrowed)
        }
        try container.clearRuntime()
        let root = try ContainerRootfs(home: home, record: container.record).mount()
        if container.record.wantsInit { _ = try InitCopy.path(in: home.state) }
        try container.markBegun(lock.borrowed)
        return PreparedContainer(container: container, lock: lock, root: root)
    }

    private func launch(
        _ prepared: consuming PreparedContainer, staysAttached: Bool
    ) throws(RunFailure) -> RunningEngineContainer {
        let record = prepared.container.record
        var options = MonitorProcess.Options(id: record.id, home: home)
        options.staysAttached = staysAttached
        options.usesCgroups = usesCgroups
        options.window = record.hasTerminal ? CallerWindow.size() : nil
        do throws(LaunchFailure) {
            do throws(StepError) {
                try prepared.container.markBegun(prepared.lock.borrowed)
            } catch {
                throw LaunchFailure(error, exitCode: 125)
            }
            let started = try MonitorSpawn.start(
                options, lock: prepared.lock.borrowed, root: prepared.root.borrowed)
            return RunningEngineContainer(record: record, started: started)
        } catch {
            prepared.container.unmarkBegun()
            throw RunFailure(error.error, exitCode: error.exitCode)
        }
    }
}

/// A container that has been started just now.
package struct RunningEngineContainer {
    package let record: ContainerRecord
    private let started: MonitorSpawn.Started

    init(record: ContainerRecord, started: MonitorSpawn.Started) {
        self.record = record
        self.started = started
    }

    /// Stays attached until the container ends or the caller leaves.
    package func stay(sendsInput: Bool) throws(StepError) -> AttachSession.Outcome {
        let choices = AttachSession.Choices(
            hasTerminal: record.hasTerminal, sendsInput: sendsInput && record.keepsInputOpen)
        var session = try AttachSession(socket: started.control, choices: choices)
        let outcome = try session.run()
        if outcome != .detached {
            try during("wait for the monitor") { () throws(SyscallError) in try started.reap() }
        }
        return outcome
    }
}

extension EngineContainer {
    /// Notes that a run begins, in the container's folder and its lock.
    func markBegun(_ lock: BorrowedFD) throws(StepError) {
        try during("note the start of \(record.name)") { () throws(SyscallError) in
            try lock.truncate(to: 0)
            try replaceFile(ContainerFile.run, in: folder.borrowed, Array(Clock.timestamp(Clock.wall()).utf8))
        }
    }

    /// Takes the note back: the run did not come about.
    func unmarkBegun() {
        let folder = folder.borrowed
        bestEffort("the failure of the start is what is reported") { () throws(SyscallError) in
            try unlink(ContainerFile.run, in: folder)
        }
    }

    /// Removes what a run without an account has left in the runtime's state.
    func clearRuntime() throws(StepError) {
        let store = StateStore(root: home.state)
        _ = try Container.delete(try ContainerID(record.id), from: store, force: true)
    }
}
