import LinuxSystem

/// Finds, makes and checks the places in a root file system that mounts land on. Every lookup starts at the root's
/// descriptor and stays inside (I-1); the descriptor that was checked is the one that is used (I-2).
struct MountTarget: ~Copyable {
    /// The file or directory to mount on.
    let fd: OwnedFD

    /// Opens the destination of an entry, making it when it is missing: a directory, or an empty file for a bind of
    /// something that is not a directory (MNT-5).
    static func open(
        _ entry: MountEntry, in root: BorrowedFD, isDirectory: () throws(SyscallError) -> Bool
    ) throws(StepError) -> MountTarget {
        do throws(SyscallError) {
            return MountTarget(
                fd: try LinuxSystem.open(
                    entry.destination, .pathOnly, in: root, resolving: [.inRoot, .noSymlinks]))
        } catch {
            switch error.errno {
            case .ENOENT:
                return MountTarget(
                    fd: try during(entry.step) { () throws(SyscallError) in
                        try make(entry.destination, in: root, isDirectory: try isDirectory())
                    })
            case .ELOOP: return try followLinks(entry, in: root, isDirectory: isDirectory)
            default: throw StepError(entry.step, error)
            }
        }
    }

    /// The destination has a symbolic link in it: followed inside the root, except for procfs and sysfs (I-13), and
    /// never onto a procfs.
    private static func followLinks(
        _ entry: MountEntry, in root: BorrowedFD, isDirectory: () throws(SyscallError) -> Bool
    ) throws(StepError) -> MountTarget {
        if entry.refusesSymlinks {
            throw StepError(
                entry.step,
                refused: "\(entry.destination) is or goes through a symbolic link in the root file system",
                hint: "\(entry.sourceName) must be mounted on ordinary directory", code: .pathRefused,
                operand: entry.destination.string)
        }
        let target = try during(entry.step) { () throws(SyscallError) in
            do throws(SyscallError) {
                return try LinuxSystem.open(entry.destination, .pathOnly, in: root, resolving: .inRoot)
            } catch  where error.errno == .ENOENT {
                return try make(entry.destination, in: root, isDirectory: try isDirectory())
            }
        }
        let system = try during(entry.step) { () throws(SyscallError) in
            try target.borrowed.fileSystemStatus()
        }
        if system.magic == FileSystemStatus.proc {
            throw StepError(
                entry.step, refused: "\(entry.destination) leads into /proc, where mounts are not allowed",
                code: .pathRefused, operand: entry.destination.string)
        }
        return MountTarget(fd: target)
    }

    /// Makes a missing directory or empty file inside the root.
    static func make(_ path: Path, in root: BorrowedFD, isDirectory: Bool) throws(SyscallError) -> OwnedFD {
        try openMaking(path, inRoot: root, final: isDirectory ? .directory : .regular)
    }

    /// Attaches a tree and proves that it is now what the destination resolves to (I-2), unless nobody else can reach
    /// the file system that it lands on. `tree` then refers to the attached mount.
    func attach(
        _ tree: borrowing MountTree, of entry: MountEntry, in root: BorrowedFD
    ) throws(StepError) {
        do throws(StepError) {
            try attachProven(tree, of: entry, in: root)
        } catch {
            throw explainKinds(of: tree, error, entry)
        }
    }

    /// The kernel says only EINVAL when a directory is to be mounted on a file or the reverse.
    private func explainKinds(
        of tree: borrowing MountTree, _ error: StepError, _ entry: MountEntry
    ) -> StepError {
        guard case .syscall(let call) = error.cause, call.call == .moveMount, call.errno == .EINVAL else {
            return error
        }
        var isDirectory = (source: true, target: true)
        bestEffort("the kernel's answer remains") { () throws(SyscallError) in
            isDirectory = (
                try tree.borrowed.status().kind == .directory, try fd.borrowed.status().kind == .directory
            )
        }
        if isDirectory.source == isDirectory.target { return error }
        let reason = "the source is a directory and \(entry.destination) is not a directory"
        let reverse = "the source is not a directory and \(entry.destination) is a directory"
        return StepError(entry.step, refused: isDirectory.source ? reason : reverse)
    }

    private func attachProven(
        _ tree: borrowing MountTree, of entry: MountEntry, in root: BorrowedFD
    ) throws(StepError) {
        if entry.isInsideFresh {
            return try during(entry.step) { () throws(SyscallError) in try moveMount(tree, onto: fd.borrowed)
            }
        }
        let view = tree.borrowed
        let (there, mine) = try during(entry.step, hint: nil) { () throws(SyscallError) in
            try moveMount(tree, onto: fd.borrowed)
            if entry.destination.isRoot { return (UInt64(0), UInt64(0)) }
            let found = try LinuxSystem.open(entry.destination, .pathOnly, in: root, resolving: .inRoot)
            return (
                try found.borrowed.extendedAttributesAndMount().mountID,
                try view.extendedAttributesAndMount().mountID
            )
        }
        guard there == mine else {
            throw StepError(
                entry.step, refused: "\(entry.destination) was moved away while it was being mounted on",
                hint: "another container may share this root file system or volume", code: .pathRefused,
                operand: entry.destination.string)
        }
    }
}

extension Path {
    /// Whether it names the root itself.
    var isRoot: Bool { lexicallyCleaned == "/" }
}
