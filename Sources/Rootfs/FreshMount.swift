import LinuxSystem

/// Makes new instances of file systems as detached mounts.
enum FreshMount {
    /// fsopen, fsconfig, fsmount.
    /// - SeeAlso: fsopen(2), fsconfig(2), fsmount(2)
    static func make(
        _ entry: MountEntry, type: String, source: String, parameters: [MountParameter]
    ) throws(SyscallError) -> MountTree {
        // fsconfig(2) takes texts of at most 255 bytes; longer ones go through mount(2), which takes a page.
        var held: [Int32] = []
        defer { for number in held { _ = OwnedFD(adopting: number) } }
        var parameters = parameters
        for index in parameters.indices where (parameters[index].value ?? "").utf8.count > 255 {
            guard type == "overlay", OverlayLayers.isPath(parameters[index].key) else {
                throw SyscallError(.fsconfig, on: "\(type) \(parameters[index].key)", .ENOSYS)
            }
            let directory = try open(Path(parameters[index].value ?? ""), [.pathOnly, .directory])
            parameters[index].value = "/proc/self/fd/\(directory.rawValue)"
            held.append(directory.release())
        }
        let context = try FileSystemContext(type: type)
        try context.set("source", to: source)
        for name in entry.superblockFlags { try context.setFlag(name) }
        for parameter in parameters {
            if let value = parameter.value {
                try context.set(parameter.key, to: value)
            } else {
                try context.setFlag(parameter.key)
            }
        }
        return try context.mount(entry.flags.set)
    }

    /// Whether the old mount call can do what the new one cannot.
    static func needsOldCall(_ error: SyscallError) -> Bool { error.errno == .ENOSYS }

    /// What a person can do about a failure, for the usual ones.
    static func hint(type: String, _ error: SyscallError) -> String? {
        switch (type, error.errno) {
        case (_, .ENODEV): "the kernel does not know file system \(type)"
        case ("proc", .EPERM):
            "in a user namespace this needs a new pid namespace and a host /proc that nothing covers"
        case ("sysfs", .EPERM):
            "in a user namespace this needs a new network namespace and a host /sys that nothing covers"
        case ("mqueue", .EPERM): "in a user namespace this needs a new ipc namespace"
        case ("cgroup2", .EBUSY), ("cgroup2", .EPERM): "the host may not have a cgroup v2 hierarchy to show"
        default: nil
        }
    }
}

/// Flags of mount(2), for the old call.
enum OldMountFlags {
    static let remount: UInt64 = 0x20

    /// Translates mount attributes and the names of file system flags.
    static func bits(_ attributes: MountAttributes, names: [String]) -> UInt64 {
        var bits: UInt64 = 0
        let table: [(MountAttributes, UInt64)] = [
            (.readOnly, 0x1), (.noSetUserID, 0x2), (.noDevices, 0x4), (.noExecution, 0x8),
            (.noAccessTime, 0x400), (.noDirectoryAccessTime, 0x800), (.strictAccessTime, 0x100_0000),
            (.noSymlinkFollow, 0x100),
        ]
        for (attribute, bit) in table where attributes.contains(attribute) { bits |= bit }
        let flags: [String: UInt64] = ["sync": 0x10, "mand": 0x40, "dirsync": 0x80, "lazytime": 0x200_0000]
        for name in names { bits |= flags[name] ?? 0 }
        return bits
    }

    /// Parameters joined by commas, as mount(2) takes them.
    static func data(_ parameters: [MountParameter]) -> String? {
        if parameters.isEmpty { return nil }
        return parameters.map { parameter in
            guard let value = parameter.value else { return parameter.key }
            // SELinux's labels have commas of their own.
            let isLabel = parameter.key.hasSuffix("context") && value.utf8.contains(UInt8(ascii: ","))
            return isLabel ? "\(parameter.key)=\"\(value)\"" : "\(parameter.key)=\(value)"
        }.joined(separator: ",")
    }
}
