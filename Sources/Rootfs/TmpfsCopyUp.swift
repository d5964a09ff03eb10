import LinuxSystem

/// Fills a new tmpfs with the directory that it is going to cover (`tmpcopyup`, MNT-18): owners, modes, times,
/// extended attributes, hard links, device nodes. Both sides are walked by descriptors; no link is ever followed.
enum TmpfsCopyUp {
    /// How deep directories may nest: each level holds two descriptors.
    private static let maximumDepth = 200

    /// Copies everything below a directory, and the directory's own owner, mode and times.
    static func copy(from source: BorrowedFD, to target: BorrowedFD, step: Step) throws(StepError) {
        var links: [UInt64: [Path]] = [:]
        do throws(SyscallError) {
            let directory = try open(
                ".", [.readOnly, .directory], in: source, resolving: [.beneath, .noSymlinks])
            let root = try open(
                ".", [.readOnly, .directory], in: target, resolving: [.beneath, .noSymlinks])
            try copyChildren(of: directory.borrowed, to: root.borrowed, root: root.borrowed, at: [], &links)
            try copyFacts(of: try directory.borrowed.status(), from: directory.borrowed, to: root.borrowed)
        } catch {
            throw StepError(step, error, hint: "tmpcopyup copies what the tmpfs covers")
        }
    }

    private static func copyChildren(
        of source: BorrowedFD, to target: BorrowedFD, root: BorrowedFD, at place: [Path],
        _ links: inout [UInt64: [Path]]
    ) throws(SyscallError) {
        guard place.count < maximumDepth else {
            throw SyscallError(.openat, on: Path.joining(place, absolute: false).string, .ELOOP)
        }
        let device = try source.status().device
        for entry in try source.list() {
            let status = try LinuxSystem.status(of: entry.name, in: source)
            let here = place + [entry.name]
            if status.kind != .directory, status.linkCount > 1, status.device == device {
                if let first = links[status.inode] {
                    try link(Path.joining(first, absolute: false), in: root, to: entry.name, in: target)
                    continue
                }
                links[status.inode] = here
            }
            try copyOne(entry.name, status, from: source, to: target)
            guard status.kind == .directory else { continue }
            let inner = try open(
                entry.name, [.readOnly, .directory, .noFollow], in: source,
                resolving: [.beneath, .noSymlinks])
            let copy = try open(entry.name, [.readOnly, .directory, .noFollow], in: target)
            try copyChildren(of: inner.borrowed, to: copy.borrowed, root: root, at: here, &links)
            try copyFacts(of: status, from: inner.borrowed, to: copy.borrowed)
        }
    }

    private static func copyOne(
        _ name: Path, _ status: FileStatus, from source: BorrowedFD, to target: BorrowedFD
    ) throws(SyscallError) {
        switch status.kind {
        case .directory:
            try makeDirectory(name, in: target, mode: 0o700)
        case .symbolicLink:
            try symlink(name, to: try readLink(name, in: source), in: target)
            try changeOwner(of: name, in: target, userID: status.userID, groupID: status.groupID)
            try setTimes(of: name, in: target, modified: status.modified)
        case .regular:
            let from = try open(name, [.readOnly, .noFollow, .nonBlocking], in: source)
            let to = try open(name, [.writeOnly, .create, .exclusive], mode: 0o600, in: target)
            while try from.borrowed.copy(max: 1 << 24, to: to.borrowed) > 0 {}
            try copyFacts(of: status, from: from.borrowed, to: to.borrowed)
        default:
            try makeNode(name, in: target, kind: status.kind, mode: status.mode, device: status.deviceNumber)
            try changeOwner(of: name, in: target, userID: status.userID, groupID: status.groupID)
            try setTimes(of: name, in: target, modified: status.modified)
        }
    }

    /// Owner before mode, because a change of owner clears set-user-id; attributes before the times that they change.
    private static func copyFacts(
        of status: FileStatus, from source: BorrowedFD, to target: BorrowedFD
    ) throws(SyscallError) {
        try target.changeOwner(userID: status.userID, groupID: status.groupID)
        try target.changeMode(status.mode)
        try copyAttributes(from: source, to: target)
        try target.setTimes(modified: status.modified)
    }

    private static func copyAttributes(from source: BorrowedFD, to target: BorrowedFD) throws(SyscallError) {
        let names: [Path]
        do throws(SyscallError) {
            names = try source.extendedAttributeNames()
        } catch  where error.errno == .EOPNOTSUPP {
            return
        }
        for name in names where !name.string.hasPrefix("trusted.overlay.") {
            guard let value = try source.extendedAttribute(name) else { continue }
            bestEffort("tmpfs holds user.* attributes only since kernel 6.6, and no file systems' own") {
                () throws(SyscallError) in
                try target.setExtendedAttribute(name, to: value)
            }
        }
    }
}
