internal import ArchiveBinding
internal import LinuxSystem

extension LayerWriter {
    /// Makes another name for a file of this layer; for a file of a lower layer, that file is first copied
    /// into this layer under its own name, which is what a link on the mounted image would do.
    mutating func makeHardlink(_ entry: ArchiveEntry, _ path: EntryPath) throws(EntryRefusal) {
        let target = try EntryPath(entry.linkTarget, limits)
        if target.isRoot { throw EntryRefusal("a link to the root") }
        if target == path { return }
        let isMade: Bool
        do throws(SyscallError) {
            isMade = try linkOrCopyUp(target, to: path)
        } catch {
            throw EntryRefusal(describe(error))
        }
        if !isMade { throw EntryRefusal("its target \(printable(entry.linkTarget)) is not in the image") }
    }

    private mutating func linkOrCopyUp(_ target: EntryPath, to path: EntryPath) throws(SyscallError) -> Bool {
        if try link(target, to: path) { return true }
        guard let below = try lower.find(target), try copyUp(below, to: target) else { return false }
        return try link(target, to: path)
    }

    /// Links within this layer.
    /// - Returns: false if the target is not there.
    private mutating func link(_ target: EntryPath, to path: EntryPath) throws(SyscallError) -> Bool {
        let directory: OwnedFD
        do throws(SyscallError) {
            directory = try open(
                target.parent.path, [.pathOnly, .directory], in: stack.root.borrowed,
                resolving: [.beneath, .noSymlinks])
        } catch {
            if error.errno == .ENOENT { return false }
            throw error
        }
        let name = target.names.last ?? "."
        guard let facts = try statusIfPresent(of: name, in: directory.borrowed) else { return false }
        if facts.kind == .directory { throw SyscallError(.linkat, on: printable(target.path.bytes), .EISDIR) }
        let from = directory.borrowed
        try replacing(path) { (newName, parent) throws(SyscallError) in
            try LinuxSystem.link(name, in: from, to: newName, in: parent)
        }
        _ = directory.borrowed
        return true
    }

    /// Copies a regular file or a symbolic link of a lower layer into this one, with everything that belongs
    /// to it.
    /// - Returns: false for other kinds.
    private mutating func copyUp(_ below: LowerLayers.Found, to path: EntryPath) throws(SyscallError) -> Bool
    {
        let attributes = try FileAttributes(of: below.path, in: below.root.borrowed, below.status)
        switch below.status.kind {
        case .regular:
            let source = try open(
                below.path, [.readOnly, .noFollow], in: below.root.borrowed,
                resolving: [.beneath, .noSymlinks])
            let copy = try create(path, mode: attributes.modeOfNewFile)
            while try source.borrowed.copy(max: 1 << 30, to: copy.borrowed) > 0 {}
            try attributes.apply(toNew: copy.borrowed, inherits: true)
        case .symbolicLink:
            let source = try open(
                below.path, [.pathOnly, .noFollow], in: below.root.borrowed,
                resolving: [.beneath, .noSymlinks])
            let text = try source.borrowed.readLink()
            try replacing(path) { (name, parent) throws(SyscallError) in
                try symlink(name, to: text, in: parent)
                try attributes.apply(toSpecial: name, in: parent, isLink: true)
            }
        default: return false
        }
        copiedUp.insert(path)
        return true
    }
}
