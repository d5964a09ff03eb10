package import ContainerRuntime
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec

/// Names of the files in a container's folder besides `record.json`.
enum ContainerFile {
    /// The runtime configuration.
    static let configuration: Path = "config.json"
    /// Held by whoever starts, watches or ends a run, and then holding the outcome: so it can still be read by those
    /// who waited when the container removed itself.
    static let lock: Path = "lock"
    /// Held by whoever starts, renames or removes the container.
    static let change: Path = "change.lock"
    /// When the run began, as text; there from then until its outcome is recorded.
    static let run: Path = "started"
    static let exit: Path = "exit.json"
    static let receipt: Path = "receipt.json"
    /// Where clients of the monitor connect.
    static let attach: Path = "attach"
}

/// A container of the engine, found by name or id, with its open folder.
package struct EngineContainer: ~Copyable {
    package let home: EngineHome
    package var record: ContainerRecord
    /// Its folder in the store.
    package let folder: OwnedFD

    /// A container by its parts.
    package init(home: EngineHome, record: ContainerRecord, folder: consuming OwnedFD) {
        self.home = home
        self.record = record
        self.folder = folder
    }

    /// The container that a name, an id or the beginning of an id means.
    package static func find(_ text: String, in home: EngineHome) throws(StepError) -> EngineContainer {
        let records = try home.records()
        let record = try records.find(text)
        let folder = try records.openFolder(id: record.id)
        return EngineContainer(home: home, record: record, folder: folder)
    }

    /// Whether a container has exactly this name or full id: one lookup, nothing is made.
    package static func exists(_ text: String, in home: EngineHome) -> Bool {
        guard !text.isEmpty, !text.contains("/"), !text.hasPrefix(".") else { return false }
        var isKnown = false
        bestEffort("what cannot be looked up is not there") { () throws(SyscallError) in
            isKnown = try statusIfPresent(of: home.store.appending("names/\(text)")) != nil
            if isKnown { return }
            isKnown = try statusIfPresent(of: home.containers.appending("\(text)/record.json")) != nil
        }
        return isKnown
    }

    /// The folder as a host path.
    package var path: Path { home.containers.appending(Path(record.id)) }

    /// What the runtime has under the container's id; nil when nothing, or nothing yet or any more because it is
    /// being made or removed at this moment.
    func runtime() throws(StepError) -> Container? {
        if try !hasRuntimeState() { return nil }
        do throws(StepError) {
            return try Container.load(try ContainerID(record.id), from: StateStore(root: home.state))
        } catch {
            if try !hasRuntimeState() { return nil }
            throw error
        }
    }

    /// The container as the runtime has it, for reading processes and statistics; nil when it does not run.
    package func loadRuntime() throws(StepError) -> Container? { try runtime() }

    /// What the container does now.
    package func status() throws(StepError) -> ContainerStatus {
        let state = try runtimeStatus()
        let folder = folder.borrowed
        return try during("look at container \(record.name)") { () throws(SyscallError) in
            var facts = ContainerStatus.Facts(
                runtime: state, wasBegun: try statusIfPresent(of: ContainerFile.run, in: folder) != nil,
                hasExitRecord: false, isWatched: false)
            // The rest counts only when no process lives.
            if state != nil, state != .stopped { return ContainerStatus(facts) }
            if facts.wasBegun { facts.isWatched = try isLocked(ContainerFile.lock, in: folder) }
            facts.hasExitRecord = try statusIfPresent(of: ContainerFile.exit, in: folder) != nil
            return ContainerStatus(facts)
        }
    }

    private func runtimeStatus() throws(StepError) -> ContainerState.Status? {
        do throws(StepError) {
            return try runtime()?.status()
        } catch {
            // It was being removed at this moment.
            if try !hasRuntimeState() { return nil }
            throw error
        }
    }

    private func hasRuntimeState() throws(StepError) -> Bool {
        try during("look for the container's state") { () throws(SyscallError) in
            try statusIfPresent(of: home.state.appending("\(record.id)/state.json")) != nil
        }
    }

    /// Process id of the first process on the host; nil unless the container runs.
    package func processID() throws(StepError) -> ProcessID? {
        guard let runtime = try runtime(), try runtime.openInit() != nil else { return nil }
        return ProcessID(rawValue: runtime.record.pid)
    }

    /// How the latest run ended; nil when it has not, or there was none.
    package func exitRecord() throws(StepError) -> ExitRecord? {
        guard let bytes = try read(ContainerFile.exit) else { return nil }
        return try exitRecord(bytes)
    }

    func exitRecord(_ bytes: [UInt8]) throws(StepError) -> ExitRecord {
        do throws(JSONError) {
            return try ExitRecord(json: bytes)
        } catch {
            throw StepError(
                "read how container \(record.name) ended", refused: error.description,
                code: .stateDamaged)
        }
    }

    /// When the latest run began, RFC 3339; nil when there was none.
    package func started() throws(StepError) -> String? {
        if let bytes = try read(ContainerFile.run) { return String(decoding: bytes, as: UTF8.self) }
        return try exitRecord()?.started
    }

    /// The receipt of the latest run as JSON; nil when there is none.
    package func receipt() throws(StepError) -> [UInt8]? { try read(ContainerFile.receipt) }

    /// The runtime configuration that it was made with, as JSON.
    package func configuration() throws(StepError) -> [UInt8] {
        try during("read the configuration of \(record.name)") { () throws(SyscallError) in
            try readFile(ContainerFile.configuration, in: folder.borrowed, limit: 16 << 20, sizeHint: 16384)
        }
    }

    private func read(_ name: Path) throws(StepError) -> [UInt8]? {
        do throws(SyscallError) {
            return try readFile(name, in: folder.borrowed, limit: 1 << 20)
        } catch {
            if error.errno == .ENOENT { return nil }
            throw StepError("read \(name) of container \(record.name)", error)
        }
    }
}

/// Whether somebody holds a lock file; a missing one is held by nobody.
private func isLocked(_ name: Path, in folder: BorrowedFD) throws(SyscallError) -> Bool {
    let file: OwnedFD
    do throws(SyscallError) {
        file = try open(name, [.readOnly, .noFollow], in: folder)
    } catch {
        if error.errno == .ENOENT { return false }
        throw error
    }
    do throws(SyscallError) {
        _ = try FileLock(file, exclusive: false, blocking: false)
        return false
    } catch {
        if error.errno == .EAGAIN { return true }
        throw error
    }
}

extension EngineContainer {
    /// Whether the text is the beginning of a container's id.
    package static func isBeginningOfID(_ text: String, in home: EngineHome) -> Bool {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else {
            return false
        }
        var isKnown = false
        bestEffort("what cannot be listed is not there") { () throws(SyscallError) in
            let folder = try open(home.containers, [.readOnly, .directory])
            isKnown = try folder.borrowed.list().contains { $0.name.string.hasPrefix(text) }
        }
        return isKnown
    }

    /// Attaches to the running container over its monitor's socket until it ends or the caller leaves.
    package func attach(sendsInput: Bool, forwardsSignals: Bool) throws(StepError) -> AttachSession.Outcome {
        let status = try status()
        guard status.isActive else {
            throw StepError(
                "attach to \(record.name)", refused: "the container does not run",
                hint: "skiff start \(record.name)", code: .containerNotRunning, operand: record.name)
        }
        let socket = try during("attach to \(record.name)") { () throws(SyscallError) in
            SharedFD(try UnixSocket.connect(to: path.appending(ContainerFile.attach), kind: .sequenced))
        }
        var choices = AttachSession.Choices(
            hasTerminal: record.hasTerminal, sendsInput: sendsInput && record.keepsInputOpen)
        choices.forwardsSignals = forwardsSignals
        var session = try AttachSession(socket: socket, choices: choices)
        return try session.run()
    }
}
