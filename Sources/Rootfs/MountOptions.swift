package import LinuxSystem

/// A change to the flags of a mount: what to set, what to clear; everything else stays.
package struct MountFlagChange: Sendable, Hashable {
    /// Bits to set.
    package var set: MountAttributes = []
    /// Bits to clear, before `set` is applied.
    package var clear: MountAttributes = []

    /// A change; none by default.
    package init(set: MountAttributes = [], clear: MountAttributes = []) {
        self.set = set
        self.clear = clear
    }

    /// Whether nothing would change.
    package var isEmpty: Bool { self.set.isEmpty && clear.isEmpty }

    /// Adds one option; what it says wins over what was there (MNT-16).
    mutating func apply(set new: MountAttributes, clear old: MountAttributes) {
        set.subtract(old)
        set.formUnion(new)
        clear.subtract(new)
        clear.formUnion(old)
    }

    /// Sets the access time field as a whole: it is one value, not bits (MNT-15).
    mutating func applyAccessTime(_ value: MountAttributes) {
        set.subtract(.accessTimeMask)
        set.formUnion(value)
        clear.formUnion(.accessTimeMask)
    }
}

/// A propagation setting for a mount, with or without its submounts.
/// - SeeAlso: mount_namespaces(7)
package struct PropagationChange: Sendable, Hashable {
    /// What the mount becomes.
    package var kind: MountPropagation
    /// Whether its submounts become the same.
    package var recursive: Bool

    /// A propagation setting.
    package init(_ kind: MountPropagation, recursive: Bool) {
        self.kind = kind
        self.recursive = recursive
    }

    /// Reads a name of config.json: `private`, `rslave`, …; nil when it is none.
    package init?(name: String) {
        switch name {
        case "private": self.init(.isPrivate, recursive: false)
        case "rprivate": self.init(.isPrivate, recursive: true)
        case "slave": self.init(.isSlave, recursive: false)
        case "rslave": self.init(.isSlave, recursive: true)
        case "shared": self.init(.isShared, recursive: false)
        case "rshared": self.init(.isShared, recursive: true)
        case "unbindable": self.init(.isUnbindable, recursive: false)
        case "runbindable": self.init(.isUnbindable, recursive: true)
        default: return nil
        }
    }
}

/// One parameter for a file system: `size=64k` or a bare `userxattr`.
package struct MountParameter: Sendable, Hashable {
    /// The name.
    package var key: String
    /// The value; nil for a bare flag.
    package var value: String?

    /// A parameter.
    package init(_ key: String, _ value: String? = nil) {
        self.key = key
        self.value = value
    }
}

/// The options of a mount entry, sorted by what they mean to the kernel.
///
/// Later options win over earlier ones, as in mount(8). Whatever is not in the table belongs to the file system.
/// - SeeAlso: runtime-spec config.md §Linux mount options; checklist MNT-7 … MNT-20
package struct MountOptions: Sendable, Hashable {
    /// `bind`, `rbind`, or neither.
    package enum Bind: Sendable { case none, single, recursive }
    /// `idmap`, `ridmap`, or neither.
    package enum IdentityMap: Sendable { case none, single, recursive }

    /// Flags of the mount itself.
    package var flags = MountFlagChange()
    /// Flags for it and all its submounts (`rro`, …).
    package var recursiveFlags = MountFlagChange()
    /// Flags of the file system instance that fsconfig(2) knows by name: `sync`, `dirsync`, `lazytime`, `mand`.
    package var superblockFlags: [String] = []
    /// Propagation settings in the order given.
    package var propagation: [PropagationChange] = []
    /// Whether it is a bind mount.
    package var bind = Bind.none
    /// Whether it changes a mount that is already there.
    package var remount = false
    /// Whether the mount gets an identity mapping.
    package var identityMap = IdentityMap.none
    /// Whether a new tmpfs starts with the content of the directory that it covers.
    package var copiesUp = false
    /// Everything else, for the file system.
    package var parameters: [MountParameter] = []

    /// No options.
    package init() {}

    /// Sorts the options of a config.json entry.
    package init(_ options: [String]) {
        for option in options { add(option) }
    }

    private mutating func add(_ option: String) {
        if let change = MountOptions.flagChange(option) {
            flags.apply(set: change.set, clear: change.clear)
        } else if let field = MountOptions.accessTime(option) {
            flags.applyAccessTime(field)
        } else if option.hasPrefix("r"), addRecursive(String(option.dropFirst())) {
            return
        } else if let flag = MountOptions.superblockFlag(option) {
            superblockFlags.removeAll { $0 == flag.name }
            if flag.isOn { superblockFlags.append(flag.name) }
        } else if let spread = PropagationChange(name: option) {
            propagation.append(spread)
        } else if !addWord(option) {
            addParameters(option)
        }
    }

    private mutating func addRecursive(_ option: String) -> Bool {
        if let change = MountOptions.flagChange(option) {
            recursiveFlags.apply(set: change.set, clear: change.clear)
        } else if let field = MountOptions.accessTime(option) {
            recursiveFlags.applyAccessTime(field)
        } else {
            return false
        }
        return true
    }

    private mutating func addWord(_ option: String) -> Bool {
        switch option {
        case "bind": bind = .single
        case "rbind": bind = .recursive
        case "remount": remount = true
        case "idmap": identityMap = .single
        case "ridmap": identityMap = .recursive
        case "tmpcopyup": copiesUp = true
        // Without effect on a mount call: the kernel's default, messages, and what fsconfig(2) has no name for.
        case "defaults", "loud", "silent", "iversion", "noiversion": break
        default: return false
        }
        return true
    }

    /// File system data may come as one comma-joined text. A comma after a backslash belongs to the value.
    private mutating func addParameters(_ text: String) {
        var piece: [UInt8] = []
        var escaped = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ","), !escaped {
                addParameter(piece)
                piece.removeAll(keepingCapacity: true)
                continue
            }
            escaped = byte == UInt8(ascii: "\\") && !escaped
            piece.append(byte)
        }
        addParameter(piece)
    }

    private mutating func addParameter(_ piece: [UInt8]) {
        guard !piece.isEmpty else { return }
        guard let equals = piece.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
            parameters.append(MountParameter(String(decoding: piece, as: UTF8.self)))
            return
        }
        let key = String(decoding: piece[..<equals], as: UTF8.self)
        let value = String(decoding: piece[(equals + 1)...], as: UTF8.self)
        // Last wins, but a key may repeat where the file system collects values (`lowerdir+`).
        if !key.hasSuffix("+") { parameters.removeAll { $0.key == key } }
        parameters.append(MountParameter(key, value))
    }
}

/// The tables are switches, not dictionaries: a start of the runtime asks them some twenty times, which is less than
/// what building a dictionary costs.
extension MountOptions {
    // lint:table
    /// Options that set or clear one flag; with an `r` in front they act on all submounts too.
    private static func flagChange(_ option: String) -> MountFlagChange? {
        switch option {
        case "ro": MountFlagChange(set: .readOnly)
        case "rw": MountFlagChange(clear: .readOnly)
        case "nosuid": MountFlagChange(set: .noSetUserID)
        case "suid": MountFlagChange(clear: .noSetUserID)
        case "nodev": MountFlagChange(set: .noDevices)
        case "dev": MountFlagChange(clear: .noDevices)
        case "noexec": MountFlagChange(set: .noExecution)
        case "exec": MountFlagChange(clear: .noExecution)
        case "nodiratime": MountFlagChange(set: .noDirectoryAccessTime)
        case "diratime": MountFlagChange(clear: .noDirectoryAccessTime)
        case "nosymfollow": MountFlagChange(set: .noSymlinkFollow)
        case "symfollow": MountFlagChange(clear: .noSymlinkFollow)
        default: nil
        }
    }

    /// Options that set the access time field. Switching a kind off gives the kernel's default, `relatime`.
    private static func accessTime(_ option: String) -> MountAttributes? {
        switch option {
        case "noatime": .noAccessTime
        case "strictatime": .strictAccessTime
        case "atime", "relatime", "norelatime", "nostrictatime": []
        default: nil
        }
    }

    /// Options of the file system instance.
    private static func superblockFlag(_ option: String) -> (name: String, isOn: Bool)? {
        switch option {
        case "sync", "dirsync", "lazytime", "mand": (option, true)
        case "async": ("sync", false)
        case "nolazytime": ("lazytime", false)
        case "nomand": ("mand", false)
        default: nil
        }
    }

    /// Every option word that is understood here, sorted, for `features` (runtime-spec features.md §mountOptions).
    package static var knownWords: [String] {
        let flags = [
            "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "nodiratime", "diratime",
            "nosymfollow",
            "symfollow", "noatime", "strictatime", "atime", "relatime", "norelatime", "nostrictatime",
        ]
        let spreads = ["private", "shared", "slave", "unbindable"]
        let words = [
            "sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand", "bind", "rbind",
            "remount",
            "idmap", "ridmap", "tmpcopyup", "defaults", "loud", "silent", "iversion", "noiversion",
        ]
        let all = flags + spreads
        return (all + all.map { "r" + $0 } + words).sorted()
    }
}
