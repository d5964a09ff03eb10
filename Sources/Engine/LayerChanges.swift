package import LinuxSystem

/// What a container changed in its files: its upper layer read against the layers below, as `diff` shows it.
///
/// In overlayfs a removed name is a character device 0:0, and a directory that replaces one of below carries the
/// attribute `trusted.overlay.opaque`.
/// - SeeAlso: https://docs.kernel.org/filesystems/overlayfs.html, docker-diff(1)
package struct LayerChanges {
    /// One changed name.
    package struct Change: Sendable, Equatable {
        /// What happened to it, by docker's letters.
        package enum Kind: String, Sendable {
            case added = "A"
            case changed = "C"
            case deleted = "D"
        }

        /// Whether it was added, changed or deleted.
        package var kind: Kind
        /// Absolute in the container.
        package var path: Path
    }

    private let lower: BorrowedFD
    private let mountPoints: Set<Path>
    private var changes: [Change] = []

    /// All changes of an upper directory against a read-only view of what is below, in order of paths.
    /// - Parameter mountPoints: absolute paths of the container's mounts. Where the image has none, skiff has made an
    ///   empty file or directory, perhaps with directories above; those are no change of the container's.
    package static func list(
        upper: BorrowedFD, lower: BorrowedFD, mountPoints: Set<Path> = []
    ) throws(StepError) -> [Change] {
        var reader = LayerChanges(lower: lower, mountPoints: mountPoints)
        try during("compare the container's files with its image") { () throws(SyscallError) in
            _ = try reader.walk(upper, [], isHidden: false)
        }
        return reader.changes
    }

    private init(lower: BorrowedFD, mountPoints: Set<Path>) {
        self.lower = lower
        self.mountPoints = mountPoints
    }

    /// Returns whether there are mount points that skiff has made, and nothing else.
    /// - Parameter isHidden: whether an opaque directory above covers all that is below.
    private mutating func walk(
        _ directory: BorrowedFD, _ names: [Path], isHidden: Bool
    ) throws(SyscallError) -> Bool {
        let entries = try directory.list().sorted { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
        var madeMountPoints = 0
        for entry in entries {
            let path = names + [entry.name]
            let facts = try status(of: entry.name, in: directory)
            let existed = isHidden ? false : try existsBelow(path)
            if facts.kind == .characterDevice && facts.deviceNumber == DeviceNumber(major: 0, minor: 0) {
                if existed { add(.deleted, path) }
                continue
            }
            let isMountPoint = !existed && mountPoints.contains(Path.joining(path, absolute: true))
            if isMountPoint && facts.kind == .regular && facts.size == 0 {
                madeMountPoints += 1
                continue
            }
            let count = changes.count
            add(existed ? .changed : .added, path)
            guard facts.kind == .directory else { continue }
            let inner = try open(entry.name, [.readOnly, .directory, .noFollow], in: directory)
            let opaque = try inner.borrowed.extendedAttribute("trusted.overlay.opaque")
            let hides = opaque == [UInt8(ascii: "y")]
            if hides && existed { try addHidden(path, keeping: inner.borrowed) }
            let isEmpty = try inner.borrowed.list().isEmpty
            let hasOnlyThose = try walk(inner.borrowed, path, isHidden: isHidden || hides || !existed)
            if hasOnlyThose || (isMountPoint && isEmpty), changes.count == count + 1 {
                changes.removeLast()
                madeMountPoints += 1
            }
        }
        return madeMountPoints > 0 && madeMountPoints == entries.count
    }

    /// Names below an opaque directory that it does not have itself are gone.
    private mutating func addHidden(_ names: [Path], keeping upper: BorrowedFD) throws(SyscallError) {
        let path = Path.joining(names, absolute: false)
        let old: OwnedFD
        do throws(SyscallError) {
            old = try open(path, [.readOnly, .directory], in: lower, resolving: [.beneath, .noSymlinks])
        } catch {
            if error.errno == .ENOTDIR { return }
            throw error
        }
        let kept = Set(try upper.list().map(\.name))
        for entry in try old.borrowed.list() where !kept.contains(entry.name) {
            add(.deleted, names + [entry.name])
        }
    }

    private func existsBelow(_ names: [Path]) throws(SyscallError) -> Bool {
        let path = Path.joining(names, absolute: false)
        do throws(SyscallError) {
            _ = try open(
                path, [.pathOnly, .noFollow], in: lower, resolving: [.beneath, .noSymlinks])
            return true
        } catch {
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return false }
            // The last name may be a link itself: O_NOFOLLOW with RESOLVE_NO_SYMLINKS refuses only links on the way.
            if error.errno == .ELOOP { return false }
            throw error
        }
    }

    private mutating func add(_ kind: Change.Kind, _ names: [Path]) {
        changes.append(Change(kind: kind, path: Path.joining(names, absolute: true)))
    }
}

extension LayerChanges {
    /// The layers (top first) as one read-only tree. A single layer is that tree itself.
    /// - SeeAlso: https://docs.kernel.org/filesystems/overlayfs.html
    package static func mountBelow(_ layers: [BorrowedFD]) throws(StepError) -> MountTree {
        try during("mount the image's layers") { () throws(SyscallError) in
            if layers.count == 1 { return try cloneTree("", in: layers[0], recursive: false) }
            let context = try FileSystemContext(type: "overlay")
            for layer in layers { try context.set("lowerdir+", to: "/proc/self/fd/\(layer.rawValue)") }
            return try context.mount(.readOnly)
        }
    }
}
