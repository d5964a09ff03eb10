internal import LinuxSystem

/// Volumes: directories that outlive or at least outlast a container's files. Named ones are `volumes/NAME/_data` in the
/// store, anonymous ones `volumes/NUMBER` in the folder of their container.
///
/// A new volume gets the content, owner and mode of the directory that the image has at its place. It is filled under
/// another name and then renamed, so a half-filled volume is never used. The image's side is only ever looked up below
/// a descriptor of the root file system (CVE-2022-23648).
struct VolumeStore {
    /// The container's root file system.
    let root: BorrowedFD
    /// Who is root in the container: a new volume that the image has no directory for belongs to them.
    let owner: (userID: UInt32, groupID: UInt32)

    /// The host path of a named volume; `made` is told whether it is new.
    func named(
        _ name: String, in volumes: Path, for destination: String
    ) throws(StepError) -> (path: Path, isNew: Bool) {
        try OptionText.checkName(name, what: "volume")
        let step: Step = "open volume '\(name)'"
        let directory = try during(step) { () throws(SyscallError) in
            try makeDirectories(volumes, mode: 0o711)
            return try open(volumes, [.readOnly, .directory])
        }
        let path = volumes.appending("\(name)/_data")
        let existing = try during(step) { () throws(SyscallError) in
            try statusIfPresent(of: "\(name)/_data", in: directory.borrowed)
        }
        if existing != nil { return (path, false) }
        let draft: Path = ".\(name).new-\(currentProcessID())"
        do throws(StepError) {
            let folder = try during("make volume '\(name)'") { () throws(SyscallError) in
                try makeDirectory(draft, in: directory.borrowed, mode: 0o711)
                return try open(draft, [.readOnly, .directory], in: directory.borrowed)
            }
            try fill("_data", in: folder.borrowed, from: destination)
            let isOurs = try finish(draft, as: Path(name), in: directory.borrowed)
            return (path, isOurs)
        } catch {
            bestEffort("the first error counts") { () throws(SyscallError) in
                try removeTree(draft, in: directory.borrowed)
            }
            throw error
        }
    }

    /// Gives the draft its name; false when somebody else was faster, whose volume then counts.
    private func finish(_ draft: Path, as name: Path, in directory: BorrowedFD) throws(StepError) -> Bool {
        do throws(SyscallError) {
            try rename(draft, in: directory, to: name, in: directory, exclusively: true)
            return true
        } catch {
            guard error.errno == .EEXIST else { throw StepError("make volume '\(name)'", error) }
            try during("make volume '\(name)'") { () throws(SyscallError) in
                try removeTree(draft, in: directory)
            }
            return false
        }
    }

    /// Makes an anonymous volume in the container's folder and gives its name there.
    func anonymous(number: Int, in folder: BorrowedFD, for destination: String) throws(StepError) -> Path {
        let directory = try during("make a volume for \(destination)") { () throws(SyscallError) in
            try makeDirectoryIfMissing("volumes", in: folder, mode: 0o711)
            return try open("volumes", [.readOnly, .directory, .noFollow], in: folder)
        }
        try fill("\(number)", in: directory.borrowed, from: destination)
        return "volumes/\(number)"
    }

    /// Makes a directory and copies what the image has at `destination` into it.
    private func fill(_ name: Path, in folder: BorrowedFD, from destination: String) throws(StepError) {
        let step: Step = "make the volume for \(destination)"
        let target = try during(step) { () throws(SyscallError) in
            try makeDirectory(name, in: folder, mode: 0o755)
            return try open(name, [.readOnly, .directory, .noFollow], in: folder)
        }
        try during(step) { () throws(SyscallError) in
            if owner != (0, 0) {
                try target.borrowed.changeOwner(userID: owner.userID, groupID: owner.groupID)
            }
            try target.borrowed.changeMode(0o755)
        }
        guard let source = try imageDirectory(destination, step) else { return }
        let copier = TreeCopy()
        try copier.copyContents(of: source.borrowed, into: target.borrowed)
        try during(step) { () throws(SyscallError) in
            try copier.copyAttributes(of: source.borrowed, to: target.borrowed)
        }
    }

    private func imageDirectory(_ destination: String, _ step: Step) throws(StepError) -> OwnedFD? {
        let relative = Path.joining(Path(destination).components, absolute: false)
        do throws(SyscallError) {
            return try open(relative, [.readOnly, .directory], in: root, resolving: .inRoot)
        } catch {
            // A file in the image's place is no content for a directory.
            if error.errno == .ENOENT || error.errno == .ENOTDIR || error.errno == .ELOOP { return nil }
            throw StepError(step, error)
        }
    }
}
