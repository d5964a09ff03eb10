import LinuxSystem
import RuntimeSpec

/// Which kernel parameters a container may set: those that belong to a namespace of its own (SYS-1 … SYS-3).
enum SysctlRules {
    /// Checks the `sysctl` map and turns its keys into paths below /proc/sys.
    static func entries(
        _ map: some Sequence<(key: String, value: String)>, facts: RootfsFacts, hostname: String?
    ) throws(SpecError) -> [SysctlEntry] {
        var entries: [SysctlEntry] = []
        for (key, value) in map {
            let field = "linux.sysctl"
            guard let names = components(of: key) else {
                throw SpecError(field: field, reason: "is no valid name of a kernel parameter", value: key)
            }
            // A newline or NUL would end the value early; the kernel takes one line per write.
            guard !value.utf8.contains(where: { $0 == 0 || $0 == 10 }) else {
                throw SpecError(
                    field: "\(field)[\(key)]", reason: "must be one line without NUL", value: value)
            }
            guard let kind = namespace(of: names) else {
                throw SpecError(field: field, reason: "is not a parameter of a namespace", value: key)
            }
            guard facts.ownNamespaces.contains(kind) else {
                throw SpecError(
                    field: field, reason: "needs a \(kind.rawValue) namespace that is not the host's",
                    value: key)
            }
            entries.append(
                SysctlEntry(
                    key: key, path: Path(names.joined(separator: "/")), value: value))
        }
        return entries
    }

    /// The names of a key. The first separator says which one it is: with a dot first, dots separate and a slash
    /// stands for a dot in a name (`net.ipv4.conf.eth0/1.mtu`); with a slash first it is a plain path (sysctl(8)).
    static func components(of key: String) -> [String]? {
        guard let first = key.utf8.first(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        var names: [[UInt8]] = [[]]
        for byte in key.utf8 {
            if byte == first {
                names.append([])
            } else if byte == UInt8(ascii: "/") {
                names[names.count - 1].append(UInt8(ascii: "."))
            } else if byte <= 32 || byte == 127 || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "=") {
                return nil
            } else {
                names[names.count - 1].append(byte)
            }
        }
        let texts = names.map { String(decoding: $0, as: UTF8.self) }
        return texts.contains { $0.isEmpty || $0 == "." || $0 == ".." } ? nil : texts
    }

    /// The kind of namespace that a parameter belongs to; nil for those of the whole machine. `kernel.hostname` is
    /// not listed: that is what `hostname` is for.
    static func namespace(of names: [String]) -> NamespaceKind? {
        switch (names[0], names.count > 1 ? names[1] : "") {
        case ("net", _): .network
        case ("user", _): .user
        case ("fs", "mqueue"): .ipc
        case ("kernel", "domainname"): .uts
        case ("kernel", "msgmax"), ("kernel", "msgmnb"), ("kernel", "msgmni"), ("kernel", "sem"),
            ("kernel", "shmall"), ("kernel", "shmmax"), ("kernel", "shmmni"), ("kernel", "shm_rmid_forced"):
            .ipc
        default: nil
        }
    }
}
