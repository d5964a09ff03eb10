package import LinuxSystem

/// A container's cgroup in all trees that it uses. Closing (deinit) leaves the directories in place.
package struct Cgroup: ~Copyable {
    /// The directories, v2 first.
    package private(set) var trees: [CgroupFiles]
    /// What to keep in the state file.
    package private(set) var record: CgroupRecord
    /// Trees that were passed over because we may not write there and no limit needs them, with the reason.
    package private(set) var notes: [String] = []
    /// Directories that `create` made, in order; those that were there before are never removed by its undoing.
    private var made: [Path] = []
    /// Keeps the scope of systemd until the container's first process is in it.
    private var holder: ScopeHolder?

    init(record: CgroupRecord) {
        trees = []
        self.record = record
    }

    deinit {
        for tree in trees { _ = OwnedFD(adopting: tree.descriptor.rawValue) }
    }

    /// The place, as /proc/PID/cgroup shows it.
    package var path: String { record.path }

    /// The directory in the v2 tree, for `cloneProcess(intoCgroup:)`, so that the first process is born there; nil on
    /// hosts without one.
    /// - SeeAlso: clone3(2) CLONE_INTO_CGROUP
    package var v2Directory: BorrowedFD? { unified?.descriptor }

    /// The directory in the v2 tree.
    var unified: CgroupFiles? { trees.first { $0.tree == .unified } }

    /// The directory that lists the processes: v2's, else that of any tree.
    var member: CgroupFiles? { trees.first }

    /// The directory in whose tree a controller lives.
    package func tree(of controller: Controller) -> CgroupFiles? {
        trees.first { $0.tree != .unified && $0.controllers.contains(controller) } ?? unified
    }

    mutating func add(_ files: CgroupFiles) {
        trees.append(files)
        record.directories.append(
            CgroupRecord.Directory(tree: files.tree, controllers: files.controllers, path: files.path.string))
    }

    mutating func note(_ text: String) { notes.append(text) }

    /// Whether `create` made the directory in the v2 tree.
    var isNew: Bool {
        guard let path = unified?.path else { return false }
        return made.contains { $0 == path }
    }

    mutating func remember(made directories: [Path]) { made += directories }

    /// Descriptors that the container's first process must not keep.
    package var descriptors: [BorrowedFD] {
        switch holder {
        case .none: trees.map(\.descriptor)
        case .some(let holder): trees.map(\.descriptor) + [holder.descriptor]
        }
    }

    /// Has systemd make the scope, and holds it.
    mutating func start(_ scope: SystemdScope) throws(StepError) {
        let holder = try during("make a process for \(scope.name.scope)") { () throws(SyscallError) in
            try ScopeHolder.start()
        }
        var systemd = try SystemdConversation.begin(scope.record)
        try systemd.start(scope.properties, holding: holder.pid)
        record.unit = scope.record
        self.holder = consume holder
    }

    /// Lets go of the scope of systemd, now that the container's first process is in it, and sets what had to wait for
    /// that.
    package mutating func settle(_ plan: CgroupPlan?) throws(StepError) {
        guard holder.take() != nil, let scope = plan?.scope, !scope.lateProperties.isEmpty else { return }
        var systemd = try SystemdConversation.begin(scope.record)
        try systemd.set(scope.lateProperties)
        for files in trees where files.controllers.contains(.pids) {
            try CgroupWriter(files: files, path: path).apply(scope.lateWrites)
        }
    }

    /// Removes what `create` made so far; what cannot be removed is told.
    mutating func undo() -> [String] {
        var notes: [String] = []
        _ = holder.take()
        if let unit = record.unit {
            let error = bestEffort("a failed undoing must not hide why creating failed") {
                () throws(StepError) in
                var systemd = try SystemdConversation.begin(unit)
                try systemd.stop()
            }
            if let error { notes.append("\(error)") }
        }
        for path in made.reversed() {
            let error = bestEffort("a failed undoing must not hide why creating failed") {
                () throws(SyscallError) in
                try removeDirectory(path)
            }
            // Our own folder may hold other containers.
            if let error, error.errno != .EBUSY, error.errno != .ENOENT { notes.append("\(error)") }
        }
        made = []
        return notes
    }

    /// Whether all its directories were made by `create`.
    var isWhollyNew: Bool { trees.allSatisfy { tree in made.contains { $0 == tree.path } } }

    /// Removes the directories that `create` made; a failure is not told, as others may use those above by now.
    func removeMade() {
        for path in made.reversed() {
            bestEffort("others may use it by now, and a failed undoing must not hide the cause") {
                () throws(SyscallError) in
                try removeDirectory(path)
            }
        }
    }
}

extension Cgroup {
    /// Opens the cgroup of a state file. Directories that are gone are left out, so that what remains can be removed.
    package static func reopen(from record: CgroupRecord) throws(StepError) -> Cgroup {
        var cgroup = Cgroup(
            record: CgroupRecord(path: record.path, isInOwnFolder: record.isInOwnFolder, directories: []))
        cgroup.record.unit = record.unit
        for directory in record.directories {
            let path = Path(directory.path)
            let fd: OwnedFD
            do throws(SyscallError) {
                fd = try open(path, [.readOnly, .directory])
            } catch {
                if error.errno == .ENOENT { continue }
                throw StepError("open cgroup \(record.path)", error)
            }
            cgroup.add(
                CgroupFiles(
                    tree: directory.tree, controllers: directory.controllers, path: path,
                    depth: Path(record.path).components.count, descriptor: BorrowedFD(rawValue: fd.release()))
            )
        }
        return cgroup
    }

    /// The directories of a state file without opening them, for reading some files.
    package static func directories(of record: CgroupRecord) -> [CgroupFiles] {
        let depth = Path(record.path).components.count
        return record.directories.map { directory in
            CgroupFiles(
                tree: directory.tree, controllers: directory.controllers, path: Path(directory.path),
                depth: depth, descriptor: .currentDirectory)
        }
    }

    /// Whether all processes of the cgroup of a state file stand still; a removed one's do not.
    package static func isFrozen(_ record: CgroupRecord) throws(StepError) -> Bool {
        let trees = directories(of: record)
        return try during("read the state of cgroup \(record.path)") { () throws(SyscallError) in
            do throws(SyscallError) {
                if let unified = trees.first(where: { $0.tree == .unified }) {
                    return KernelText.value(of: "frozen", in: try unified.read("cgroup.events")) == 1
                }
                let freezer = trees.first { $0.controllers.contains(.freezer) }
                return try freezer?.text("freezer.state") == "FROZEN"
            } catch {
                if error.errno == .ENOENT || error.errno == .ENODEV { return false }
                throw error
            }
        }
    }

    /// A handle for a container that has no cgroup of its own (none mounted, or none writable and no limits).
    package static func none() -> Cgroup { Cgroup(record: CgroupRecord()) }
}
