internal import ImageStore
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec

/// A place for copying: a path below a root that it cannot leave, or on the host.
package struct CopyPlace: ~Copyable {
    private let root: OwnedFD?
    private let mount: MountTree?
    /// The root of this place; nil for the host.
    private let rootView: BorrowedFD?
    private let path: Path
    /// Whether the text ended with a slash or `/.`: then it has to be a directory.
    package let wantsDirectory: Bool
    /// Whether the text ended with `/.`: then what is inside is meant.
    package let meansContents: Bool

    /// A path of the host.
    package init(host text: String) {
        root = nil
        mount = nil
        rootView = nil
        path = Path(text.isEmpty ? "." : text)
        meansContents = text == "." || text.hasSuffix("/.")
        wantsDirectory = meansContents || text.hasSuffix("/")
    }

    /// A path in a container: in the running one with all its mounts, else in its image and upper layer.
    package init(in container: borrowing EngineContainer, path text: String) throws(StepError) {
        let step: Step = "open the files of \(container.record.name)"
        if try container.status().isActive, let pid = try container.processID() {
            let opened = try during(step) { () throws(SyscallError) in
                try open("/proc/\(pid)/root", [.pathOnly, .directory])
            }
            rootView = opened.borrowed
            root = consume opened
            mount = nil
        } else {
            let tree = try ContainerRootfs(home: container.home, record: container.record).mount()
            rootView = tree.borrowed
            mount = consume tree
            root = nil
        }
        path = Path(text)
        meansContents = text == "." || text.hasSuffix("/.")
        wantsDirectory = meansContents || text.hasSuffix("/")
    }

    /// Whether links are followed inside this place only.
    package var isContainer: Bool { rootView != nil }

    /// Opens the directory that the path means; nil when there is nothing or something else.
    package func openDirectory() throws(SyscallError) -> OwnedFD? {
        do throws(SyscallError) {
            return try openBelow(path, [.readOnly, .directory])
        } catch {
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return nil }
            throw error
        }
    }

    /// Opens the directory that holds the last name, and gives that name.
    package func openParent() throws(SyscallError) -> CopyParent {
        guard let name = path.lastComponent, name != ".." else {
            throw SyscallError(.openat2, on: path.string, .EISDIR)
        }
        return CopyParent(directory: try openBelow(path.parent, [.readOnly, .directory]), name: name)
    }

    private func openBelow(_ path: Path, _ flags: OpenFlags) throws(SyscallError) -> OwnedFD {
        guard let view = rootView else { return try open(path, flags) }
        return try open(path, flags, in: view, resolving: .inRoot)
    }
}

/// An open directory and a name in it.
package struct CopyParent: ~Copyable {
    package let directory: OwnedFD
    package let name: Path

    init(directory: consuming OwnedFD, name: Path) {
        self.directory = directory
        self.name = name
    }
}

/// Copies between containers and the host as docker does it: a directory goes into an existing directory under its own
/// name, or becomes the new one; `DIR/.` means what is inside.
/// - SeeAlso: docker-cp(1)
package enum ContainerCopy {
    /// Copies `source` to `target`.
    package static func copy(
        _ source: borrowing CopyPlace, to target: borrowing CopyPlace, _ choices: TreeCopy.Choices
    ) throws(StepError) {
        let copier = TreeCopy(choices)
        let existing = try during("open the target") { () throws(SyscallError) in try target.openDirectory() }
        if source.meansContents {
            let inside = try during("open the source") { () throws(SyscallError) in
                guard let directory = try source.openDirectory() else {
                    throw SyscallError(.openat2, .ENOTDIR)
                }
                return directory
            }
            if let existing { return try copier.copyContents(of: inside.borrowed, into: existing.borrowed) }
            let made = try make(target)
            try copier.copyContents(of: inside.borrowed, into: made.borrowed)
            return try during("copy attributes") { () throws(SyscallError) in
                try copier.copyAttributes(of: inside.borrowed, to: made.borrowed)
            }
        }
        let from = try during("open the source") { () throws(SyscallError) in try source.openParent() }
        if let existing {
            return try copier.copy(
                from.name, in: from.directory.borrowed, to: from.name, in: existing.borrowed)
        }
        let facts = try during("look at the source") { () throws(SyscallError) in
            try status(of: from.name, in: from.directory.borrowed)
        }
        if target.wantsDirectory && facts.kind != .directory {
            throw StepError("open the target", refused: "there is no such directory", code: .notFound)
        }
        let to = try during("open the target's directory") { () throws(SyscallError) in
            try target.openParent()
        }
        try copier.copy(from.name, in: from.directory.borrowed, to: to.name, in: to.directory.borrowed)
    }

    private static func make(_ target: borrowing CopyPlace) throws(StepError) -> OwnedFD {
        try during("make the target") { () throws(SyscallError) in
            let parent = try target.openParent()
            try makeDirectory(parent.name, in: parent.directory.borrowed)
            return try open(
                parent.name, [.readOnly, .directory, .noFollow], in: parent.directory.borrowed)
        }
    }
}

extension EngineContainer {
    /// What the container changed in its files, against its image.
    package func changes() throws(StepError) -> [LayerChanges.Change] {
        let snapshot = try ImageStore.open(home.store).snapshot(named: record.id)
        let upper = try snapshot.openUpper()
        let layers = try snapshot.openLayers()
        defer { withExtendedLifetime(layers) {} }
        let below = try LayerChanges.mountBelow(layers.map(\.borrowed))
        return try LayerChanges.list(
            upper: upper.borrowed, lower: below.borrowed, mountPoints: try mountPoints())
    }

    func mountPoints() throws(StepError) -> Set<Path> {
        let bytes = try configuration()
        do throws(JSONError) {
            return Set(try RuntimeSpec(json: bytes).mounts.map { Path($0.destination) })
        } catch {
            throw StepError(
                "read the configuration of \(record.name)", refused: error.description,
                code: .stateDamaged)
        }
    }
}
