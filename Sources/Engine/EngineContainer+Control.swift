internal import ContainerRuntime
package import LinuxSystem
internal import RuntimeSpec

extension EngineContainer {
    private static let kill: Int32 = 9

    /// Sends a signal to the first process.
    package func signal(_ number: Int32) throws(StepError) {
        try requireRuntime("send \(SignalName.name(number)) to").kill(number)
    }

    /// Stops all processes until `unpause`.
    package func pause() throws(StepError) { try requireRuntime("pause").pause() }

    /// Lets the processes run again.
    package func unpause() throws(StepError) { try requireRuntime("unpause").resume() }

    /// Asks the program to end by the container's stop signal, and when the grace time is over ends all processes.
    /// Returns when the outcome is recorded; a container that does not run is left as it is.
    ///
    /// - Parameter seconds: grace time; nil for the container's own, negative for no limit.
    package func stop(graceSeconds seconds: Int?) throws(StepError) {
        let deadline = try askToStop(graceSeconds: seconds)
        try endWhenOver(deadline)
        try waitUntilStopped()
    }

    /// First step of `stop`: the signal. Gives the time when the grace is over, nanoseconds of the clock that never
    /// jumps; nil for no limit.
    package func askToStop(graceSeconds seconds: Int?) throws(StepError) -> Int64? {
        let grace = seconds ?? record.stopTimeoutSeconds
        let deadline = grace < 0 ? nil : Clock.monotonicNanoseconds() + Int64(grace) * 1_000_000_000
        if let runtime = try runtime(), try runtime.isAlive() {
            let isPaused = try runtime.status() == .paused
            try ask(runtime)
            if isPaused { try runtime.resume() }
        }
        return deadline
    }

    /// Second step of `stop`: waits for the first process until the grace is over, then sends SIGKILL to all and does
    /// not wait.
    package func endWhenOver(_ deadline: Int64?) throws(StepError) {
        guard let runtime = try runtime(), let initial = try runtime.openInit() else { return }
        let limit = deadline.map { Int32(clamping: max($0 - Clock.monotonicNanoseconds(), 0) / 1_000_000) }
        let ended = try during("wait for the end of \(record.name)") { () throws(SyscallError) in
            try poll([(initial.borrowed, .readable)], timeoutMilliseconds: limit)
        }
        if ended[0].isEmpty { try runtime.killAll(EngineContainer.kill) }
    }

    /// Last step of `stop`: returns when the outcome of a run that goes on is recorded.
    package func waitUntilStopped() throws(StepError) {
        if try status().isActive { try waitUntilOver() }
    }

    /// Sends SIGKILL to all processes and does not wait.
    package func killWithoutWaiting() throws(StepError) {
        if let runtime = try runtime(), try runtime.isAlive() { try runtime.killAll(EngineContainer.kill) }
    }

    /// A program that has just ended needs no signal.
    private func ask(_ runtime: Container) throws(StepError) {
        do throws(StepError) {
            try runtime.kill(record.stopSignal)
        } catch {
            if try runtime.openInit() != nil { throw error }
        }
    }

    /// Ends all processes at once and returns when the outcome is recorded.
    package func end() throws(StepError) {
        guard try status().isActive else { return }
        try runtime()?.killAll(EngineContainer.kill)
        try waitUntilOver()
    }

    /// Waits where only the end counts: a container that removes itself may be gone already.
    private func waitUntilOver() throws(StepError) {
        do throws(StepError) {
            try waitUntilRecorded()
        } catch {
            guard record.removesItself, error.errno == .ENOENT else { throw error }
        }
    }

    /// Waits for the end of the current run and gives its outcome: of the latest run when none is going on, nil when
    /// there was none.
    package func wait() throws(StepError) -> ExitRecord? {
        guard let outcome = try waitUntilRecorded() else { return try exitRecord() }
        return outcome
    }

    /// Waits until nobody holds the container's lock. Gives the outcome that the holder left in it.
    @discardableResult
    func waitUntilRecorded() throws(StepError) -> ExitRecord? {
        // Opened first: a container that removes itself takes the name of its lock away.
        let file = try during("open the lock of \(record.name)") { () throws(SyscallError) in
            try open(ContainerFile.lock, [.readWrite, .create, .noFollow], mode: 0o600, in: folder.borrowed)
        }
        if let runtime = try runtime(), let initial = try runtime.openInit() {
            // A container may outlive its monitor.
            try during("wait for the end of \(record.name)") { () throws(SyscallError) in
                _ = try poll([(initial.borrowed, .readable)])
            }
        }
        let bytes = try during("wait for the end of \(record.name)") { () throws(SyscallError) in
            let lock = try FileLock(try file.borrowed.duplicate(), exclusive: false)
            return try lock.borrowed.read(max: 1 << 16)
        }
        return bytes.isEmpty ? nil : try exitRecord(bytes)
    }

    /// What the runtime has of a container that must run.
    func requireRuntime(_ action: String) throws(StepError) -> Container {
        guard let runtime = try runtime(), try runtime.openInit() != nil else {
            throw StepError(
                "\(action) \(record.name)", refused: "the container does not run",
                hint: "skiff start \(record.name)", code: .containerNotRunning, operand: record.name)
        }
        return runtime
    }

    /// Gives the container another name.
    package mutating func rename(to name: String) throws(StepError) {
        try OptionText.checkName(name, what: "container")
        let change = try lockForChange()
        defer { _ = change.borrowed }
        let old = record.name
        if old == name { return }
        let records = try home.records()
        try records.claim(name: name, for: record.id)
        record.name = name
        do throws(StepError) {
            try records.write(record, in: folder.borrowed)
        } catch {
            bestEffort("the first error counts") { () throws(StepError) in try records.release(name: name) }
            throw error
        }
        try records.release(name: old)
    }

    /// Keeps others from starting, renaming or removing the container meanwhile.
    func lockForChange() throws(StepError) -> FileLock {
        try during("lock container \(record.name)") { () throws(SyscallError) in
            try FileLock(at: ContainerFile.change, in: folder.borrowed)
        }
    }
}
