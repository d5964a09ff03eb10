internal import ArchiveBinding
internal import LinuxSystem

/// Writes the members of one layer into an empty directory, in the form that overlayfs merges.
///
/// Parents are never links. What an archive says about layers below (whiteouts, opaque directories) is
/// collected and applied at the end, because it holds wherever in the archive it stands; so are the times of
/// directories, which change with every file that is put into them.
struct LayerWriter {
    var stack: DirectoryStack
    let lower: LowerLayers
    let limits: UnpackLimits
    var directoryTimes: [EntryPath: FileTime] = [:]
    var whiteouts: [(parent: EntryPath, name: Path)] = []
    var opaque: Set<EntryPath> = []
    var copiedUp: Set<EntryPath> = []
    /// Directories that no member describes so far; what the layers below say about them is applied at the end.
    var implied: Set<EntryPath> = [EntryPath(names: [])]
    /// Whether any directory hands its group or an access list on to what is made in it.
    private var inherits = false
    private var entries = 0
    private var apparentBytes: Int64 = 0

    /// A writer into `root`, which is empty, over these layers. They are not looked at before `finish`, but for hard
    /// links that are not found in this layer. The umask must be 0.
    init(root: DirectoryHandle, lower: LowerLayers, limits: UnpackLimits) throws(SyscallError) {
        stack = DirectoryStack(root: root)
        self.lower = lower
        self.limits = limits
        try FileAttributes.impliedDirectory.applyButTime(to: root.borrowed)
        directoryTimes[EntryPath(names: [])] = FileAttributes.impliedDirectory.modified
    }

    /// Places one member; `reader` gives its data.
    mutating func place(_ entry: ArchiveEntry, _ reader: TarReader) throws(LayerFailure) {
        do throws(EntryRefusal) {
            entries += 1
            if entries > limits.entries {
                throw EntryRefusal("the layer has more than \(limits.entries) members")
            }
            let path = try EntryPath(entry.path, limits)
            switch try Marker(path) {
            case .none: try place(entry, at: path, reader)
            case .opaque: opaque.insert(path.parent)
            case .whiteout(let name): whiteouts.append((path.parent, name))
            case .reserved: break
            }
        } catch {
            throw LayerFailure(entry: entry.path, .refused(error.reason))
        }
    }

    private mutating func place(
        _ entry: ArchiveEntry, at path: EntryPath, _ reader: TarReader
    ) throws(EntryRefusal) {
        if path.isRoot, entry.kind != .directory { throw EntryRefusal("only a directory can be the root") }
        let attributes = try FileAttributes(entry, limits)
        do throws(SyscallError) {
            switch entry.kind {
            case .directory: try makeDirectory(path, attributes)
            case .regular: break
            case .symlink: try makeLink(entry, path, attributes)
            case .fifo: try makeNode(path, .fifo, DeviceNumber(major: 0, minor: 0), attributes)
            case .characterDevice(let major, let minor):
                // The kernel would take it for a whiteout, which only the names above may ask for.
                if major == 0, minor == 0 { return }
                try makeNode(path, .characterDevice, DeviceNumber(major: major, minor: minor), attributes)
            case .blockDevice(let major, let minor):
                try makeNode(path, .blockDevice, DeviceNumber(major: major, minor: minor), attributes)
            case .hardlink, .unknown: break
            }
        } catch {
            throw EntryRefusal(describe(error))
        }
        switch entry.kind {
        case .regular: try makeFile(entry, path, attributes, reader)
        case .hardlink: try makeHardlink(entry, path)
        case .unknown(let type): throw EntryRefusal("its type \(String(type, radix: 8)) is not known")
        default: break
        }
    }

    // MARK: Kinds

    private mutating func makeDirectory(_ path: EntryPath, _ attributes: FileAttributes) throws(SyscallError)
    {
        if let name = path.names.last {
            let parent = try openParent(of: path)
            do throws(SyscallError) {
                try LinuxSystem.makeDirectory(name, in: parent.borrowed, mode: 0o700)
            } catch {
                if error.errno != .EEXIST { throw error }
                if try status(of: name, in: parent.borrowed).kind != .directory {
                    try unlink(name, in: parent.borrowed)
                    try LinuxSystem.makeDirectory(name, in: parent.borrowed, mode: 0o700)
                }
            }
        }
        let directory = try openDirectory(path)
        try attributes.applyButTime(to: directory.borrowed)
        directoryTimes[path] = attributes.modified
        implied.remove(path)
        if attributes.isInherited { inherits = true }
    }

    private mutating func makeFile(
        _ entry: ArchiveEntry, _ path: EntryPath, _ attributes: FileAttributes, _ reader: TarReader
    ) throws(EntryRefusal) {
        apparentBytes += min(entry.size, limits.bytes)
        if entry.size < 0 || entry.size > limits.bytes || apparentBytes > limits.bytes {
            throw EntryRefusal("the layer's files have more than \(limits.bytes) bytes")
        }
        let file: OwnedFD
        do throws(SyscallError) {
            file = try create(path, mode: attributes.modeOfNewFile)
        } catch {
            throw EntryRefusal(describe(error))
        }
        do throws(ArchiveError) {
            let length = try reader.copyData(to: file.borrowed)
            if length > entry.size { throw ArchiveError.refused("it has data beyond its size") }
            if length < entry.size {
                guard entry.isSparse else { throw ArchiveError.format("its data ends too early") }
                do throws(SyscallError) {
                    try file.borrowed.truncate(to: entry.size)
                } catch {
                    throw ArchiveError.output(error)
                }
            }
        } catch {
            throw EntryRefusal("\(error)")
        }
        do throws(SyscallError) {
            try attributes.apply(toNew: file.borrowed, inherits: inherits)
        } catch {
            throw EntryRefusal(describe(error))
        }
    }

    private mutating func makeLink(
        _ entry: ArchiveEntry, _ path: EntryPath, _ attributes: FileAttributes
    ) throws(SyscallError) {
        try replacing(path) { (name, parent) throws(SyscallError) in
            try symlink(name, to: Path(bytes: entry.linkTarget), in: parent)
            try attributes.apply(toSpecial: name, in: parent, isLink: true)
        }
    }

    private mutating func makeNode(
        _ path: EntryPath, _ kind: FileKind, _ device: DeviceNumber, _ attributes: FileAttributes
    ) throws(SyscallError) {
        try replacing(path) { (name, parent) throws(SyscallError) in
            try LinuxSystem.makeNode(name, in: parent, kind: kind, mode: 0o600, device: device)
            try attributes.apply(toSpecial: name, in: parent, isLink: false)
        }
    }

    // MARK: Places

    /// A new empty file at a path, in place of what is there.
    mutating func create(_ path: EntryPath, mode: UInt32) throws(SyscallError) -> OwnedFD {
        let parent = try openParent(of: path)
        let name = path.names.last ?? "."
        do throws(SyscallError) {
            return try Self.create(name, mode, in: parent.borrowed)
        } catch {
            if error.errno != .EEXIST { throw error }
            try remove(path, in: parent.borrowed)
            return try Self.create(name, mode, in: parent.borrowed)
        }
    }

    private static func create(
        _ name: Path, _ mode: UInt32, in parent: BorrowedFD
    ) throws(SyscallError) -> OwnedFD {
        try open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: mode, in: parent)
    }

    /// Makes something at a path, in place of what is there.
    mutating func replacing(
        _ path: EntryPath, _ make: (_ name: Path, _ parent: BorrowedFD) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        let parent = try openParent(of: path)
        let name = path.names.last ?? "."
        do throws(SyscallError) {
            try make(name, parent.borrowed)
        } catch {
            if error.errno != .EEXIST { throw error }
            try remove(path, in: parent.borrowed)
            try make(name, parent.borrowed)
        }
    }

    /// Removes what an earlier member of the same archive put at a path.
    private mutating func remove(_ path: EntryPath, in parent: BorrowedFD) throws(SyscallError) {
        stack.forget(path)
        try removeTree(path.names.last ?? ".", in: parent)
        if directoryTimes[path] != nil {
            directoryTimes = directoryTimes.filter { !$0.key.isWithin(path) }
            implied = implied.filter { !$0.isWithin(path) }
        }
    }

    private mutating func openParent(of path: EntryPath) throws(SyscallError) -> DirectoryHandle {
        try openDirectory(path.parent)
    }

    /// A directory of the layer, made if the archive has not had it so far.
    mutating func openDirectory(_ path: EntryPath) throws(SyscallError) -> DirectoryHandle {
        var made: [EntryPath] = []
        let handle = try stack.open(path) { (missing, parent) throws(SyscallError) in
            let name = missing.names.last ?? "."
            try LinuxSystem.makeDirectory(name, in: parent, mode: 0o700)
            let directory = try open(name, [.readOnly, .directory, .noFollow], in: parent)
            try FileAttributes.impliedDirectory.applyButTime(to: directory.borrowed)
            made.append(missing)
        }
        for path in made {
            directoryTimes[path] = FileAttributes.impliedDirectory.modified
            implied.insert(path)
        }
        return handle
    }

    /// A failed call in the unpacker's words where they say more than the kernel's.
    func describe(_ error: SyscallError) -> String {
        switch error.errno {
        case .ENOTDIR where error.call == .openat, .ELOOP:
            "a directory in its path is a link or a file (\(error))"
        default: "\(error)"
        }
    }
}

/// A layer that cannot be unpacked: at which member, and why.
struct LayerFailure: Error {
    /// Why.
    enum Cause {
        case refused(String)
        case archive(ArchiveError)
    }

    /// The member's name; nil between members.
    let entry: [UInt8]?
    let cause: Cause

    init(entry: [UInt8]?, _ cause: Cause) {
        self.entry = entry
        self.cause = cause
    }

    /// One clause.
    var reason: String {
        let text =
            switch cause {
            case .refused(let reason): reason
            case .archive(let error): "\(error)"
            }
        guard let entry else { return text }
        return "\(printable(entry)): \(text)"
    }
}
