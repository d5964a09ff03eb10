package import LinuxSystem

/// Copies files and directories between two places, each held by a directory descriptor, with owner, mode, times and
/// extended attributes. No path is ever resolved by the host: names are looked up one by one below descriptors and
/// symbolic links are copied, not followed (security invariants I-1, I-19; CVE-2018-15664, CVE-2019-10152).
package struct TreeCopy {
    /// What to take over besides the content.
    package struct Choices: Sendable {
        /// Owner and group of the copies; nil keeps the numbers of the source.
        package var owner: (userID: UInt32, groupID: UInt32)?
        /// Whether extended attributes are taken over.
        package var keepsAttributes = true
        /// Whether device nodes are copied; otherwise they are refused.
        package var copiesDevices = false

        /// Keeps everything, refuses devices.
        package init() {}
    }

    private let choices: Choices

    /// A copier with its choices.
    package init(_ choices: Choices = Choices()) { self.choices = choices }

    /// Copies `name` in `source` to `newName` in `target`: a directory into a new or existing one, a file over an
    /// existing file.
    package func copy(
        _ name: Path, in source: BorrowedFD, to newName: Path, in target: BorrowedFD
    ) throws(StepError) {
        let step: Step = "copy \(name)"
        let facts = try during(step) { () throws(SyscallError) in try status(of: name, in: source) }
        switch facts.kind {
        case .directory: try copyDirectory(name, facts, in: source, to: newName, in: target)
        case .regular:
            try during(step) { () throws(SyscallError) in
                try copyFile(name, facts, in: source, to: newName, in: target)
            }
        case .symbolicLink:
            try during(step) { () throws(SyscallError) in
                let text = try readLink(name, in: source)
                try replaceNonDirectory(newName, in: target)
                try symlink(newName, to: text, in: target)
                try finish(newName, facts, in: target)
            }
        case .fifo, .characterDevice, .blockDevice:
            guard facts.kind == .fifo || choices.copiesDevices else {
                throw StepError(step, refused: "is a device node, which is not copied", code: .unsupported)
            }
            try during(step) { () throws(SyscallError) in
                try replaceNonDirectory(newName, in: target)
                try makeNode(
                    newName, in: target, kind: facts.kind, mode: facts.mode, device: facts.deviceNumber)
                try finish(newName, facts, in: target)
            }
        case .socket: return  // A socket without its process is nothing; tar leaves them out, too.
        case .unknown: throw StepError(step, refused: "is of an unknown kind", code: .unsupported)
        }
    }

    /// Copies what is in a directory, not the directory itself, into another.
    package func copyContents(of source: BorrowedFD, into target: BorrowedFD) throws(StepError) {
        let entries = try during("list a directory to copy") { () throws(SyscallError) in try source.list() }
        for entry in entries { try copy(entry.name, in: source, to: entry.name, in: target) }
    }

    /// Gives a directory the owner, mode, attributes and times of another.
    package func copyAttributes(of source: BorrowedFD, to target: BorrowedFD) throws(SyscallError) {
        let facts = try source.status()
        try copyExtendedAttributes(from: source, to: target)
        try target.changeOwner(
            userID: choices.owner?.userID ?? facts.userID, groupID: choices.owner?.groupID ?? facts.groupID)
        try target.changeMode(facts.mode)
        try target.setTimes(modified: facts.modified)
    }

    private func copyDirectory(
        _ name: Path, _ facts: FileStatus, in source: BorrowedFD, to newName: Path, in target: BorrowedFD
    ) throws(StepError) {
        let step: Step = "copy directory \(name)"
        let from = try during(step) { () throws(SyscallError) in
            try open(name, [.readOnly, .directory, .noFollow], in: source)
        }
        let to = try during(step) { () throws(SyscallError) in
            try makeDirectoryIfMissing(newName, in: target, mode: 0o700)
            return try open(newName, [.readOnly, .directory, .noFollow], in: target)
        }
        try copyContents(of: from.borrowed, into: to.borrowed)
        try during(step) { () throws(SyscallError) in
            try copyAttributes(of: from.borrowed, to: to.borrowed)
        }
    }

    private func copyFile(
        _ name: Path, _ facts: FileStatus, in source: BorrowedFD, to newName: Path, in target: BorrowedFD
    ) throws(SyscallError) {
        let from = try open(name, [.readOnly, .noFollow, .nonBlocking], in: source)
        guard try from.borrowed.status().isSameFile(as: facts) else {
            throw SyscallError(.openat, on: name.string, .ESTALE)
        }
        try replaceNonDirectory(newName, in: target)
        let to = try open(newName, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, in: target)
        while try from.borrowed.copy(max: 1 << 30, to: to.borrowed) > 0 {}
        try copyExtendedAttributes(from: from.borrowed, to: to.borrowed)
        try to.borrowed.changeOwner(
            userID: choices.owner?.userID ?? facts.userID, groupID: choices.owner?.groupID ?? facts.groupID)
        // After the owner: chown takes setuid, setgid and file capabilities away.
        try to.borrowed.changeMode(facts.mode)
        if let capability = try from.borrowed.extendedAttribute("security.capability"),
            choices.keepsAttributes
        {
            try to.borrowed.setExtendedAttribute("security.capability", to: capability)
        }
        try to.borrowed.setTimes(modified: facts.modified)
    }

    private func copyExtendedAttributes(from: BorrowedFD, to: BorrowedFD) throws(SyscallError) {
        guard choices.keepsAttributes else { return }
        for name in try from.extendedAttributeNames() {
            // The overlay's own marks describe layers, not files; labels belong to the place where a file lies.
            if name.string.hasPrefix("trusted.overlay.") || name == "security.selinux" { continue }
            if let value = try from.extendedAttribute(name) { try to.setExtendedAttribute(name, to: value) }
        }
    }

    /// Owner, mode and time of a link, FIFO or node that has just been made.
    private func finish(_ name: Path, _ facts: FileStatus, in directory: BorrowedFD) throws(SyscallError) {
        try changeOwner(
            of: name, in: directory, userID: choices.owner?.userID ?? facts.userID,
            groupID: choices.owner?.groupID ?? facts.groupID)
        if facts.kind != .symbolicLink {
            let node = try open(name, [.pathOnly, .noFollow], in: directory)
            try node.borrowed.changeModeOfReference(facts.mode)
        }
        try setTimes(of: name, in: directory, modified: facts.modified)
    }

    /// Removes an existing file of the name, so that nothing is written through it; a directory is refused (EISDIR).
    private func replaceNonDirectory(_ name: Path, in directory: BorrowedFD) throws(SyscallError) {
        do throws(SyscallError) {
            try unlink(name, in: directory)
        } catch {
            if error.errno != .ENOENT { throw error }
        }
    }
}
