/// Opens a path inside a root and makes what is missing: directories on the way, and at the end a directory or an empty
/// file. Every name is looked up without following links, below the descriptor of the directory that was reached, so
/// nothing outside the root is ever touched, whoever renames things meanwhile. Symbolic links are read and walked by
/// hand, inside the root; one that leads to nothing gets what it leads to (MNT-6).
/// - SeeAlso: openat(2) O_NOFOLLOW, security invariants I-1, I-19
package func openMaking(
    _ path: Path, inRoot root: BorrowedFD, final kind: FileKind, directoryMode: UInt32 = 0o755
) throws(SyscallError) -> OwnedFD {
    var walk = RootWalk(root: root, path: path)
    return try walk.finish(kind, directoryMode: directoryMode)
}

/// Where a walk has got to.
private struct RootWalk: ~Copyable {
    private static let linkLimit = 40

    private let root: BorrowedFD
    private let path: Path
    /// Directories from below the root to the one that was reached; `..` gives up the last.
    private var reached: [Int32] = []
    /// Names to come, the next one last.
    private var names: [Path]
    private var links = 0

    init(root: BorrowedFD, path: Path) {
        self.root = root
        self.path = path
        names = path.components.reversed()
    }

    deinit {
        for number in reached { _ = OwnedFD(adopting: number) }
    }

    private var current: BorrowedFD { reached.last.map { BorrowedFD(rawValue: $0) } ?? root }

    mutating func finish(_ kind: FileKind, directoryMode: UInt32) throws(SyscallError) -> OwnedFD {
        while let name = names.popLast() {
            if name == "." { continue }
            if name == ".." {
                if let number = reached.popLast() { _ = OwnedFD(adopting: number) }
                continue
            }
            let wanted = names.isEmpty ? kind : .directory
            let found = try enter(name, wanted, directoryMode)
            switch try found.borrowed.status().kind {
            case .symbolicLink: try follow(found.borrowed)
            case .directory where !names.isEmpty: reached.append(found.release())
            case _ where names.isEmpty: return found
            default: throw SyscallError(.openat, on: path.string, .ENOTDIR)
            }
        }
        return try open(".", [.pathOnly, .directory], in: current)
    }

    private func enter(
        _ name: Path, _ kind: FileKind, _ directoryMode: UInt32
    ) throws(SyscallError) -> OwnedFD {
        let flags: OpenFlags = [.pathOnly, .noFollow]
        do throws(SyscallError) {
            return try open(name, flags, in: current)
        } catch {
            if error.errno != .ENOENT { throw SyscallError(error.call, on: path.string, error.errno) }
        }
        if kind == .directory {
            try makeDirectoryIfMissing(name, in: current, mode: directoryMode)
        } else {
            // mknod(2) follows no link and does not open anything, unlike open(2) with O_CREAT.
            try makeNode(name, in: current, kind: kind, mode: 0o644)
        }
        return try open(name, flags, in: current)
    }

    private mutating func follow(_ link: BorrowedFD) throws(SyscallError) {
        links += 1
        if links > Self.linkLimit { throw SyscallError(.openat, on: path.string, .ELOOP) }
        let target = try readLink("", in: link)
        if target.isAbsolute {
            for number in reached { _ = OwnedFD(adopting: number) }
            reached = []
        }
        names += target.components.reversed()
    }
}
