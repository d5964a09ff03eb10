package import LinuxSystem

/// What the child needs of the host as detached mount trees that the runtime has opened before the clone: the root, devices,
/// and the sources that the child has no right to or no view of. It inherits the descriptors. Other sources it opens
/// itself, each once and when its turn comes, in its copy of the host's mounts (I-2).
///
/// A rootless runtime may not clone trees; then this stays empty and the child opens the same entries itself, in its
/// own user and mount namespace, before it changes its root.
package struct MountSources: ~Copyable {
    var root: MountTree?
    var entries = TreeList()
    var devices = TreeList()
    var nullDevice: MountTree?

    /// Opens what a plan names on the host. A root tree that is handed over takes the place of `root.path`.
    ///
    /// - Throws: `StepError` naming the entry of `mounts`, its source and, when a name is missing, which one.
    /// - SeeAlso: open_tree(2), mount_setattr(2)
    package static func open(
        _ plan: MountPlan, rootTree: consuming MountTree? = nil
    ) throws(StepError) -> MountSources {
        var sources = MountSources(root: rootTree)
        if plan.opensInChild { return sources }
        do throws(StepError) {
            try sources.openAll(plan)
        } catch  where error.lacksMountCalls {
            // The child attaches what it opens, which this process must not do in the host's namespace.
            sources.forget()
        }
        return sources
    }

    /// In the child: what has not been opened yet.
    mutating func openRest(_ plan: MountPlan) throws(StepError) {
        if isComplete { return }
        do throws(StepError) {
            try openAll(plan)
        } catch  where error.lacksMountCalls && plan.rootChange != .chroot {
            forget()
            try during("stage mounts") { () throws(SyscallError) in try MountStaging.begin() }
            try openAll(plan)
        }
    }

    private mutating func forget() {
        if !wasGivenRoot { root = nil }
        entries = TreeList()
        devices = TreeList()
    }

    private let wasGivenRoot: Bool
    /// Whether all is open.
    private(set) var isComplete = false

    init(root: consuming MountTree?) {
        wasGivenRoot = root != nil
        self.root = root
    }

    /// Opens all that is not there yet.
    mutating func openAll(_ plan: MountPlan) throws(StepError) {
        try openRoot(plan)
        for entry in plan.entries {
            // What is below the container's own root is seen as earlier entries have left it: see `openInTurn`. An
            // identity map needs rights that only the runtime has.
            guard case .bind(let source, let recursive) = entry.origin,
                entry.identityMap != nil || !plan.isInRoot(source),
                MountStaging.isOn || !plan.opensInTurn(entry)
            else {
                entries.appendNothing()
                continue
            }
            do throws(SyscallError) {
                entries.append(try MountSources.open(entry, source, recursive: recursive))
            } catch  where error.errno == .ENOENT && plan.isInRoot(source) {
                entries.appendNothing()  // an earlier entry may bring it: see RootfsContext.openInTurn
            } catch {
                throw StepError(entry.step, error, hint: MissingElement.hint(for: source, error))
            }
        }
        try openDevices(plan)
        if !plan.maskedPaths.isEmpty { nullDevice = try MountSources.openNullDevice() }
        isComplete = true
    }

    /// A source with everything that its entry asks for.
    static func open(
        _ entry: MountEntry, _ source: Path, in directory: BorrowedFD = .currentDirectory, recursive: Bool
    ) throws(SyscallError) -> MountTree {
        let tree = try cloneTree(source, in: directory, recursive: recursive)
        try applyIdentityMap(entry, to: tree)
        try entry.applyAttributes(to: tree.borrowed)
        return tree
    }

    /// The root starts private, so that nothing mounted in it shows on the host, nor the other way round – unless
    /// the configuration asks for a slave.
    private mutating func openRoot(_ plan: MountPlan) throws(StepError) {
        if root == nil, let source = plan.rootSource {
            root = try during("open root file system", hint: nil) { () throws(SyscallError) in
                let tree = try cloneTree(source, recursive: true)
                guard try tree.borrowed.status().kind == .directory else {
                    throw SyscallError(.openTree, on: source.string, .ENOTDIR)
                }
                return tree
            }
        }
        guard let view = root?.borrowed else {
            throw StepError("open root file system", refused: "neither a path nor a mount tree is given")
        }
        if wasGivenRoot, MountStaging.isOn { return }  // attached nowhere, so it has no peers yet
        try Self.isolate(view, plan)
    }

    /// Once more after it is attached to a mount with peers: it became their like then.
    static func isolate(_ root: BorrowedFD, _ plan: MountPlan) throws(StepError) {
        let wanted: MountPropagation = plan.rootPropagation?.kind == .isSlave ? .isSlave : .isPrivate
        try during("isolate root file system") { () throws(SyscallError) in
            try setMountAttributes(root, propagation: wanted, recursive: true)
        }
    }

    /// Host nodes for a user namespace. They are bound with nosuid and noexec; their owner and mode on the host stay
    /// untouched (DEV-4).
    private mutating func openDevices(_ plan: MountPlan) throws(StepError) {
        for device in plan.devices {
            guard let source = device.bindSource else {
                devices.appendNothing()
                continue
            }
            devices.append(try MountSources.openDevice(source))
        }
    }

    static func openDevice(_ path: Path) throws(StepError) -> MountTree {
        try during("open device \(path)") { () throws(SyscallError) in
            let tree = try cloneTree(path, recursive: false)
            try setMountAttributes(
                tree.borrowed, set: [.noSetUserID, .noExecution], propagation: .isPrivate)
            return tree
        }
    }

    /// The host's null device, proven to be one: the file that covers masked files must never come from the image
    /// (I-12).
    private static func openNullDevice() throws(StepError) -> MountTree {
        let tree = try openDevice("/dev/null")
        let status = try during("check /dev/null") { () throws(SyscallError) in try tree.borrowed.status() }
        guard status.isNullDevice else {
            throw StepError(
                "check /dev/null", refused: "the host's /dev/null is not the null device",
                hint: "masked files would show its content")
        }
        return tree
    }
}

extension StepError {
    /// Whether open_tree(2) or mount_setattr(2) is missing.
    fileprivate var lacksMountCalls: Bool {
        guard case .syscall(let cause) = cause, !MountStaging.isOn else { return false }
        return cause.errno == .ENOSYS && (cause.call == .openTree || cause.call == .mountSetattr)
    }
}

extension MountEntry {
    /// Sets flags and propagation of a tree that is not attached yet, in as few calls as possible.
    func applyAttributes(to tree: BorrowedFD) throws(SyscallError) {
        if !flags.isEmpty {
            try setMountAttributes(tree, set: flags.set, clear: flags.clear)
        }
        var rest = propagation[...]
        let first = rest.first?.recursive == true ? rest.removeFirst() : nil
        if first != nil || !recursiveFlags.isEmpty {
            try setMountAttributes(
                tree, set: recursiveFlags.set, clear: recursiveFlags.clear, propagation: first?.kind,
                recursive: true)
        }
        for change in rest {
            try setMountAttributes(tree, propagation: change.kind, recursive: change.recursive)
        }
    }
}

/// Says which name of a host path is missing, for the hint of a failed mount.
enum MissingElement {
    static func hint(for path: Path, _ error: SyscallError) -> String? {
        guard error.errno == .ENOENT || error.errno == .ENOTDIR else { return nil }
        var names: [Path] = []
        for name in path.components {
            names.append(name)
            let prefix = Path.joining(names, absolute: path.isAbsolute)
            do throws(SyscallError) {
                let status = try LinuxSystem.status(of: prefix, following: true)
                if status.kind != .directory, names.count < path.components.count {
                    return "\(prefix) is not a directory"
                }
            } catch {
                return "\(prefix): \(error.errno.text)"
            }
        }
        return nil
    }
}

extension FileStatus {
    /// Whether it is the device that reads as empty.
    /// - SeeAlso: null(4)
    var isNullDevice: Bool {
        kind == .characterDevice && deviceNumber == DeviceNumber(major: 1, minor: 3)
    }
}
