internal import ArchiveBinding
internal import LinuxSystem

/// Owner, mode, time and extended attributes of a file, as they are put on it: in this order, because a
/// change of owner drops set-user-ID bits and file capabilities.
struct FileAttributes {
    var userID: UInt32
    var groupID: UInt32
    var mode: UInt32
    var modified: FileTime
    var extended: [(name: Path, value: [UInt8])]

    /// Root's directory without history, for parents that nothing describes.
    static let impliedDirectory = FileAttributes(
        userID: 0, groupID: 0, mode: 0o755, modified: FileTime(seconds: 0), extended: [])

    init(
        userID: UInt32, groupID: UInt32, mode: UInt32, modified: FileTime,
        extended: [(name: Path, value: [UInt8])]
    ) {
        self.userID = userID
        self.groupID = groupID
        self.mode = mode
        self.modified = modified
        self.extended = extended
    }

    /// What an archive says. Ids must be ids; times beyond what a file can have are the kernel's to clamp.
    init(_ entry: ArchiveEntry, _ limits: UnpackLimits) throws(EntryRefusal) {
        guard let userID = UInt32(exactly: entry.userID), userID != .max else {
            throw EntryRefusal("its owner \(entry.userID) is no user id")
        }
        guard let groupID = UInt32(exactly: entry.groupID), groupID != .max else {
            throw EntryRefusal("its group \(entry.groupID) is no group id")
        }
        self.userID = userID
        self.groupID = groupID
        mode = entry.permissions
        modified = FileTime(seconds: entry.modified.seconds, nanoseconds: entry.modified.nanoseconds)
        extended = []
        var bytes = 0
        for attribute in entry.extendedAttributes {
            bytes += attribute.name.count + attribute.value.count
            if bytes > limits.attributeBytes { throw EntryRefusal("its extended attributes are too long") }
            if Self.isTaken(attribute.name) {
                extended.append((Path(bytes: attribute.name), attribute.value))
            }
        }
    }

    /// Attributes of a file of a lower layer, for a copy of it. Links, devices and FIFOs have no extended ones that
    /// would be taken over.
    init(of name: Path, in root: BorrowedFD, _ status: FileStatus) throws(SyscallError) {
        userID = status.userID
        groupID = status.groupID
        mode = status.mode & 0o7777
        modified = status.modified
        extended = []
        guard status.kind == .regular || status.kind == .directory else { return }
        let file = try open(
            name, [.readOnly, .noFollow, .nonBlocking], in: root, resolving: [.beneath, .noSymlinks])
        for attribute in try file.borrowed.extendedAttributeNames() where Self.isTaken(attribute.bytes) {
            if let value = try file.borrowed.extendedAttribute(attribute) {
                extended.append((attribute, value))
            }
        }
    }

    /// The attributes that belong to an image: capabilities, access lists, and what users set. Labels of
    /// security modules are the host's business, and those of overlayfs would let an archive redirect a
    /// merged directory.
    private static func isTaken(_ name: [UInt8]) -> Bool {
        let name = String(decoding: name, as: UTF8.self)
        if name.hasPrefix("user.") { return !name.hasPrefix("user.overlay.") }
        return ["security.capability", "system.posix_acl_access", "system.posix_acl_default"].contains(name)
    }

    /// The mode with which a file is made, so that most need no other; the umask is 0 here.
    var modeOfNewFile: UInt32 { userID == 0 && groupID == 0 && mode & 0o7000 == 0 ? mode : 0o600 }

    /// Puts everything on a new file that was made with `modeOfNewFile`.
    /// - Parameter inherits: whether the directory gives new files a group or an access list.
    func apply(toNew file: BorrowedFD, inherits: Bool) throws(SyscallError) {
        if inherits || userID != 0 || groupID != 0 { try file.changeOwner(userID: userID, groupID: groupID) }
        if inherits || modeOfNewFile != mode { try file.changeMode(mode) }
        for (name, value) in extended { try file.setExtendedAttribute(name, to: value) }
        try file.setTimes(modified: modified)
    }

    /// Puts everything but the time on an open file or directory.
    func applyButTime(to file: BorrowedFD) throws(SyscallError) {
        try file.changeOwner(userID: userID, groupID: groupID)
        try file.changeMode(mode)
        for (name, value) in extended { try file.setExtendedAttribute(name, to: value) }
    }

    /// Whether what is made in a directory of these attributes gets a group or an access list from it.
    var isInherited: Bool {
        mode & 0o2000 != 0 || extended.contains { $0.name == "system.posix_acl_default" }
    }

    /// Puts everything on a name that was just made and cannot be opened: a link, a device, a FIFO.
    func apply(toSpecial name: Path, in directory: BorrowedFD, isLink: Bool) throws(SyscallError) {
        try changeOwner(of: name, in: directory, userID: userID, groupID: groupID)
        if !isLink { try changeMode(of: name, in: directory, mode) }
        if !extended.isEmpty {
            // There is no call that takes a directory before Linux 6.13, and no /proc where this runs.
            try changeDirectory(to: directory)
            for (attribute, value) in extended {
                try ExtendedAttributes.set(attribute, to: value, of: name, in: .currentDirectory)
            }
        }
        try setTimes(of: name, in: directory, modified: modified)
    }
}
