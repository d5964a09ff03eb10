import LinuxSystem

extension RootfsContext {
    /// Makes all mounts of the plan in their order (MNT-1).
    mutating func mountEntries() throws(StepError) {
        for index in plan.entries.indices {
            let entry = plan.entries[index]
            let start = Trace.clock()
            switch entry.origin {
            case .fresh(let type, let source, let parameters):
                try mountFresh(entry, type: type, source: source, parameters: parameters)
            case .bind:
                try mountBind(entry, at: index)
            case .remount(let bind, let parameters):
                try remount(entry, bind: bind, parameters: parameters)
            }
            Trace.add(entry.step.name, since: start)
        }
    }

    private mutating func mountBind(_ entry: MountEntry, at index: Int) throws(StepError) {
        let tree: MountTree
        if let opened = sources.entries.take(index) {
            tree = opened
        } else {
            tree = try openInTurn(entry)
        }
        let view = tree.borrowed
        let target = try MountTarget.open(entry, in: root) { () throws(SyscallError) in
            try view.status().kind == .directory
        }
        try guardProcSource(entry, view)
        try target.attach(tree, of: entry, in: root)
        try settle(tree, entry)
    }

    /// A source that was not opened before: below the container's own root it is what earlier entries have made or mounted;
    /// elsewhere this namespace is still a copy of the host's.
    private func openInTurn(_ entry: MountEntry) throws(StepError) -> MountTree {
        guard case .bind(let source, let recursive) = entry.origin else {
            throw StepError(entry.step, refused: "its source has not been opened")
        }
        guard let inner = plan.pathInRoot(source) else {
            do throws(SyscallError) {
                return try MountSources.open(entry, source, recursive: recursive)
            } catch {
                throw StepError(entry.step, error, hint: MissingElement.hint(for: source, error))
            }
        }
        return try during(entry.step) { () throws(SyscallError) in
            let found = try open(inner, .pathOnly, in: root, resolving: .inRoot)
            return try MountSources.open(entry, "", in: found.borrowed, recursive: recursive)
        }
    }

    /// The mode of the directory that a tmpfs without a mode of its own covers: it looks like that directory.
    private func modeBelow(_ entry: MountEntry) -> MountParameter? {
        var mode: UInt32?
        bestEffort("a new directory has no mode to keep") { () throws(SyscallError) in
            let covered = try open(entry.destination, [.pathOnly, .directory], in: root, resolving: .inRoot)
            mode = try covered.borrowed.status().mode & 0o7777
        }
        return mode.map { MountParameter("mode", String($0, radix: 8)) }
    }

    /// A bind on /proc itself has to be of a procfs.
    private func guardProcSource(_ entry: MountEntry, _ tree: BorrowedFD) throws(StepError) {
        guard entry.refusesSymlinks, entry.destination.lexicallyCleaned == "/proc" else { return }
        let system = try during(entry.step) { () throws(SyscallError) in try tree.fileSystemStatus() }
        guard system.magic == FileSystemStatus.proc else {
            throw StepError(entry.step, refused: "only a procfs may cover /proc", code: .pathRefused)
        }
    }

    private mutating func mountFresh(
        _ entry: MountEntry, type: String, source: String, parameters: [MountParameter]
    ) throws(StepError) {
        var parameters = parameters
        if type == "tmpfs", !entry.copiesUp, !parameters.contains(where: { $0.key == "mode" }),
            let mode = modeBelow(entry)
        {
            parameters.append(mode)
        }
        let tree: MountTree
        do throws(SyscallError) {
            tree = try FreshMount.make(entry, type: type, source: source, parameters: parameters)
        } catch  where FreshMount.needsOldCall(error) {
            try mountByOldCall(entry, type: type, source: source, parameters: parameters)
            return
        } catch {
            throw StepError(entry.step, error, hint: FreshMount.hint(type: type, error))
        }
        let target = try MountTarget.open(entry, in: root) { () throws(SyscallError) in true }
        if entry.copiesUp {
            try TmpfsCopyUp.copy(from: target.fd.borrowed, to: tree.borrowed, step: entry.step)
        }
        if !MountStaging.isOn { try applyRest(entry, to: tree.borrowed) }
        try target.attach(tree, of: entry, in: root)
        if MountStaging.isOn { try applyRest(entry, to: tree.borrowed) }
        try settle(tree, entry)
    }

    /// What a new file system does not have from its making, once it is filled.
    private func applyRest(_ entry: MountEntry, to tree: BorrowedFD) throws(StepError) {
        guard !entry.recursiveFlags.isEmpty || !entry.propagation.isEmpty else { return }
        var inner = entry
        inner.flags = MountFlagChange()
        let change = inner
        try during(entry.step) { () throws(SyscallError) in try change.applyAttributes(to: tree) }
    }

    /// What is left once a tree is attached: links inside, handles to keep.
    private mutating func settle(_ tree: consuming MountTree, _ entry: MountEntry) throws(StepError) {
        let view = tree.borrowed
        for link in entry.links {
            try during(entry.step) { () throws(SyscallError) in
                try symlink(Path(link.key), to: Path(link.value ?? ""), in: view)
            }
        }
        // A mount on `/` is the container's root from here on (MNT-31).
        if entry.destination.isRoot {
            rootTree = tree
        } else if entry.becomesReadOnlyLate {
            lateReadOnly.append(tree)
        } else if entry.destination == "/proc", entry.refusesSymlinks, trustedProcfs == nil {
            procfs.append(tree)
        }
    }

    /// mount(2) through the descriptor of the target, for kernels and file systems without the new interface.
    private mutating func mountByOldCall(
        _ entry: MountEntry, type: String, source: String, parameters: [MountParameter]
    ) throws(StepError) {
        let target = try MountTarget.open(entry, in: root) { () throws(SyscallError) in true }
        let rootView = root
        let attached = try during(entry.step) { () throws(SyscallError) in
            try legacyMount(
                source: Path(source), onto: "/proc/self/fd/\(target.fd.rawValue)", type: type,
                flags: OldMountFlags.bits(entry.flags.set, names: entry.superblockFlags),
                data: OldMountFlags.data(parameters))
            return try open(entry.destination, .pathOnly, in: rootView, resolving: .inRoot)
        }
        if entry.copiesUp {
            try TmpfsCopyUp.copy(from: target.fd.borrowed, to: attached.borrowed, step: entry.step)
        }
        try applyRest(entry, to: attached.borrowed)
        try settle(MountTree(adopting: attached), entry)
    }

    private func remount(_ entry: MountEntry, bind: Bool, parameters: [MountParameter]) throws(StepError) {
        try during(entry.step) { () throws(SyscallError) in
            let target = try open(entry.destination, .pathOnly, in: root, resolving: .inRoot)
            if bind {
                try entry.applyAttributes(to: target.borrowed)
                return
            }
            try legacyMount(
                source: nil, onto: "/proc/self/fd/\(target.rawValue)", type: nil,
                flags: OldMountFlags.remount
                    | OldMountFlags.bits(entry.flags.set, names: entry.superblockFlags),
                data: OldMountFlags.data(parameters))
        }
    }
}
