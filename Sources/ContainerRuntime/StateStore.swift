import JSONCoding
package import LinuxSystem

/// The directory that holds one directory per container, mode 0700, by default `/run/skiff`.
///
/// ```
/// /run/skiff/ID/state.json    StateRecord, one per line: the last whole line counts
///               config.json   the configuration as it was at create
///               start.sock    there until the container is started; for a moment under another name
/// ```
///
/// `mkdir` decides who owns an id. Whoever makes or removes a container holds a lock on its directory; the lock
/// vanishes with its holder, so a crashed create is told from one that is under way.
package struct StateStore: Sendable {
    /// Names of the files.
    enum FileName {
        static let state: Path = "state.json"
        static let configuration: Path = "config.json"
        static let gate: Path = "start.sock"
        static let takenGate: Path = "start.taken"
        static let all = [state, configuration, gate, takenGate]
    }

    /// Absolute or relative path of the directory.
    package let root: Path

    /// The store at a path.
    package init(root: Path) { self.root = root }

    /// The default place: `/run/NAME`, or for users without privileges NAME in the directory XDG_RUNTIME_DIR, also for
    /// root of a user namespace that such a user made. With `prefersUserDirectory` that directory is taken by all.
    package static func defaultRoot(named name: Path = "skiff", prefersUserDirectory: Bool = false) -> Path {
        if let directory = ProcessEnvironment.value("XDG_RUNTIME_DIR"), !directory.isEmpty,
            prefersUserDirectory || hasNoPrivileges()
        {
            return Path(directory).appending(name)
        }
        return ("/run" as Path).appending(name)
    }

    private static func hasNoPrivileges() -> Bool {
        if effectiveUserID() != 0 { return true }
        if ProcessEnvironment.value("USER") == "root" { return false }
        var isMapped = false
        bestEffort("a kernel without user namespaces has no such file") { () throws(SyscallError) in
            let map = try readFile("/proc/self/uid_map", sizeHint: 256)
            let fields = String(decoding: map, as: UTF8.self).split { $0 == " " || $0 == "\n" }
            isMapped = fields != ["0", "0", "4294967295"]
        }
        return isMapped
    }

    /// Where compiled seccomp filters are kept, for all state roots of the user.
    static var filterCache: Path { defaultRoot().appending(".seccomp") }

    /// The gate socket of a container.
    func gatePath(of id: ContainerID) -> Path { root.appending(id.path).appending(FileName.gate) }

    /// Its name while somebody starts the container.
    func takenGatePath(of id: ContainerID) -> Path {
        root.appending(id.path).appending(FileName.takenGate)
    }

    /// Takes an id: makes its directory, which fails if there is one, and locks it.
    package func reserve(_ id: ContainerID) throws(StepError) -> Reservation {
        var step: Step { "reserve the id in \(root)" }
        let parent = try during(step) { () throws(SyscallError) in try openRootMakingIt() }
        do throws(SyscallError) {
            try makeDirectory(id.path, in: parent.borrowed, mode: 0o700)
        } catch {
            if error.errno == .EEXIST {
                throw StepError(
                    "", refused: "a container with this id exists", hint: "skiff delete \(id)",
                    code: .containerExists, operand: id.description)
            }
            throw StepError(step, error)
        }
        do throws(SyscallError) {
            let directory = try open(id.path, [.readOnly, .directory, .noFollow], in: parent.borrowed)
            let lock = try FileLock(try directory.borrowed.duplicate())
            return Reservation(id: id, parent: parent, directory: directory, lock: lock)
        } catch {
            bestEffort("the failure itself is reported") { () throws(SyscallError) in
                try removeDirectory(id.path, in: parent.borrowed)
            }
            throw StepError(step, error)
        }
    }

    private func openRootMakingIt() throws(SyscallError) -> OwnedFD {
        do throws(SyscallError) {
            return try open(root, [.readOnly, .directory])
        } catch {
            guard error.errno == .ENOENT else { throw error }
        }
        let above = root.parent
        if above.isAbsolute { try makeDirectories(above, mode: 0o755) }
        try makeDirectoryIfMissing(root, mode: 0o700)
        return try open(root, [.readOnly, .directory])
    }

    /// Opens the directory of a container.
    func directory(of id: ContainerID) throws(StepError) -> OwnedFD {
        do throws(SyscallError) {
            return try open(root.appending(id.path), [.readOnly, .directory, .noFollow])
        } catch {
            if error.errno == .ENOENT {
                throw StepError(
                    "", refused: "container does not exist", code: .containerNotFound,
                    operand: id.description)
            }
            throw StepError("open the container's state", error)
        }
    }

    /// The ids of all containers, in order; a missing root holds none.
    package func identifiers() throws(StepError) -> [ContainerID] {
        let entries: [DirectoryEntry]
        do throws(SyscallError) {
            let directory = try open(root, [.readOnly, .directory])
            entries = try directory.borrowed.list()
        } catch {
            if error.errno == .ENOENT { return [] }
            throw StepError("list the containers in \(root)", error)
        }
        return entries.filter { $0.kind == .directory || $0.kind == .unknown }
            .compactMap { ContainerID(entry: $0.name) }
            .sorted { $0.description < $1.description }
    }
}

/// An id that create has taken. Going out of scope it removes all that was written, unless it is kept.
package struct Reservation: ~Copyable {
    /// The id.
    package let id: ContainerID
    private let parent: OwnedFD
    private let lock: FileLock
    /// What a child of this process must close: the lock would live on in it.
    var descriptors: [BorrowedFD] { [parent.borrowed, lock.borrowed, directory.borrowed] }
    /// The container's directory.
    let directory: OwnedFD
    private var isKept = false

    init(id: ContainerID, parent: consuming OwnedFD, directory: consuming OwnedFD, lock: consuming FileLock) {
        self.id = id
        self.parent = parent
        self.directory = directory
        self.lock = lock
    }

    deinit {
        guard !isKept else { return }
        let id = id
        let parent = parent.borrowed
        bestEffort("delete --force clears what stays") { () throws(SyscallError) in
            try removeTree(id.path, in: parent)
        }
    }

    /// Adds the record as a line, in one write: a reader finds this or the line before. Cheaper than a new file that
    /// takes the place of the old one.
    func write(_ record: StateRecord) throws(StepError) {
        try during("write the state of \(id)") { () throws(SyscallError) in
            let file = try open(
                StateStore.FileName.state, [.writeOnly, .create, .append, .noFollow], mode: 0o600,
                in: directory.borrowed)
            try file.borrowed.writeAll(record.json() + [UInt8(ascii: "\n")])
        }
    }

    /// Writes the configuration as it is at create.
    func write(configuration: [UInt8]) throws(StepError) {
        try during("keep the configuration of \(id)") { () throws(SyscallError) in
            let file = try open(
                StateStore.FileName.configuration, [.writeOnly, .create, .exclusive], mode: 0o600,
                in: directory.borrowed)
            try file.borrowed.writeAll(configuration)
        }
    }

    /// Makes the container's directory stay.
    mutating func keep() { isKept = true }
}
