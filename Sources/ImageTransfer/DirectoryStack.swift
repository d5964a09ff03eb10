internal import LinuxSystem

/// The directory that the unpacker works in, with all above it, held open.
///
/// Archives go through a tree depth first, so the next member's directory is nearly always in here or one
/// step away. Each step is one openat(2) of a single name with O_NOFOLLOW in the descriptor before it: no
/// link is ever followed, and nothing can be opened outside the layer's root (security invariant I-19).
struct DirectoryStack {
    private var names: [Path] = []
    private var handles: [DirectoryHandle]

    init(root: DirectoryHandle) { handles = [root] }

    /// The root of the tree.
    var root: DirectoryHandle { handles[0] }

    /// The directory of a path; `missing` is asked for each one that is not there and must make it.
    mutating func open(
        _ path: EntryPath, missing: (_ path: EntryPath, _ parent: BorrowedFD) throws(SyscallError) -> Void
    ) throws(SyscallError) -> DirectoryHandle {
        var shared = 0
        while shared < min(names.count, path.names.count), names[shared] == path.names[shared] { shared += 1 }
        cut(to: shared)
        for depth in shared..<path.names.count {
            let name = path.names[depth]
            let parent = handles[depth]
            let directory: OwnedFD
            do throws(SyscallError) {
                directory = try Self.open(name, in: parent.borrowed)
            } catch {
                if error.errno != .ENOENT { throw error }
                try missing(EntryPath(names: Array(path.names[...depth])), parent.borrowed)
                directory = try Self.open(name, in: parent.borrowed)
            }
            names.append(name)
            handles.append(DirectoryHandle(directory))
        }
        return handles[path.names.count]
    }

    /// Forgets a directory that is removed, with all below.
    mutating func forget(_ path: EntryPath) {
        if names.starts(with: path.names), !path.isRoot { cut(to: path.names.count - 1) }
    }

    private mutating func cut(to depth: Int) {
        names.removeLast(names.count - depth)
        handles.removeLast(handles.count - depth - 1)
    }

    private static func open(_ name: Path, in parent: BorrowedFD) throws(SyscallError) -> OwnedFD {
        try LinuxSystem.open(name, [.readOnly, .directory, .noFollow], in: parent)
    }
}
