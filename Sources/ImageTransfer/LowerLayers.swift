internal import LinuxSystem

/// The layers below the one that is unpacked, looked up the way overlayfs merges them, but by our own steps:
/// name by name, through descriptors, following no link. So nothing is mounted while an image is loaded.
final class LowerLayers {
    /// The roots, top first.
    private let roots: [DirectoryHandle]
    private var wait: (() throws(SyscallError) -> Void)?

    /// Layers that may be unpacked at the same time: before the first look, `wait` waits until they are whole.
    init(topFirst roots: [DirectoryHandle], wait: (() throws(SyscallError) -> Void)? = nil) {
        self.roots = roots
        self.wait = wait
    }

    /// Waits until all of them are whole, once.
    func complete() throws(SyscallError) {
        try wait?()
        wait = nil
    }

    /// What a path is in the layers below.
    struct Found {
        let root: DirectoryHandle
        let path: Path
        let status: FileStatus
    }

    /// The uppermost file that a path names, nil if the layers below have none.
    func find(_ path: EntryPath) throws(SyscallError) -> Found? {
        guard let top = roots.first else { return nil }
        try complete()
        var active = roots
        var found: Found? = Found(root: top, path: ".", status: try top.borrowed.status())
        var soFar = EntryPath(names: [])
        for name in path.names {
            soFar = soFar.appending(name)
            (found, active) = try step(to: soFar.path, in: active)
            if found == nil { return nil }
        }
        return found
    }

    /// Looks one name up in the layers whose directories were merged so far; gives the layers that go on.
    private func step(
        to path: Path, in active: [DirectoryHandle]
    ) throws(SyscallError) -> (Found?, [DirectoryHandle]) {
        var found: Found?
        var next: [DirectoryHandle] = []
        for root in active {
            guard let file = try openReference(path, in: root.borrowed) else { continue }
            let status = try file.borrowed.status()
            guard status.kind == .directory else {
                let isWhiteout =
                    status.kind == .characterDevice && status.deviceNumber == DeviceNumber(major: 0, minor: 0)
                if found == nil, !isWhiteout { found = Found(root: root, path: path, status: status) }
                break
            }
            if found == nil { found = Found(root: root, path: path, status: status) }
            next.append(root)
            if try isOpaque(path, in: root.borrowed) { break }
        }
        return (found, next)
    }

    /// All names in the root directories that a container would see.
    func rootNames() throws(SyscallError) -> [Path] {
        try complete()
        var names: Set<Path> = []
        for root in roots {
            let directory = try open(".", [.readOnly, .directory], in: root.borrowed)
            names.formUnion(try directory.borrowed.list().map(\.name))
        }
        var visible: [Path] = []
        for name in names where try find(EntryPath(names: [name])) != nil { visible.append(name) }
        return visible
    }

    private func openReference(_ path: Path, in root: BorrowedFD) throws(SyscallError) -> OwnedFD? {
        do throws(SyscallError) {
            return try open(path, [.pathOnly, .noFollow], in: root, resolving: [.beneath, .noSymlinks])
        } catch {
            // A parent that is no directory here cannot be merged either: the walk has ended above it.
            if error.errno == .ENOENT || error.errno == .ENOTDIR || error.errno == .ELOOP { return nil }
            throw error
        }
    }

    private func isOpaque(_ path: Path, in root: BorrowedFD) throws(SyscallError) -> Bool {
        let directory = try open(
            path, [.readOnly, .directory, .noFollow], in: root, resolving: [.beneath, .noSymlinks])
        return try directory.borrowed.extendedAttribute(opaqueAttribute) == [UInt8(ascii: "y")]
    }
}

/// The attribute by which overlayfs hides what lower layers have in a directory.
let opaqueAttribute: Path = "trusted.overlay.opaque"

/// A directory that several hold open.
final class DirectoryHandle {
    private let fd: OwnedFD
    /// For calls that take a directory; valid as long as the handle is referred to.
    var borrowed: BorrowedFD { fd.borrowed }

    /// Takes over an open directory.
    init(_ fd: consuming OwnedFD) { self.fd = fd }
}
