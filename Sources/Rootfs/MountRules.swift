import LinuxSystem
import RuntimeSpec

/// Turns entries of `mounts` into what will be done.
struct MountRules {
    let linux: LinuxSpec
    let facts: RootfsFacts

    /// The mounts for one entry: one, or several for cgroup v1 hierarchies.
    func entries(for mount: MountSpec, at index: Int) throws(SpecError) -> [MountEntry] {
        let field = "mounts[\(index)]"
        for text in [mount.destination, mount.source ?? "", mount.type ?? ""] + mount.options
        where text.utf8.contains(0) {
            throw SpecError(field: field, reason: "must not contain NUL", value: text)
        }
        guard !mount.destination.isEmpty else {
            throw SpecError(field: "\(field).destination", reason: "is required")
        }
        let options = MountOptions(mount.options)
        var entry = MountEntry(
            index: index, origin: .remount(bind: false, parameters: []),
            destination: Path(mount.destination).lexicallyKept)
        entry.flags = options.flags
        entry.recursiveFlags = options.recursiveFlags
        entry.superblockFlags = options.superblockFlags
        entry.copiesUp = options.copiesUp
        entry.propagation = options.propagation
        entry.identityMap = try identityMap(for: mount, options: options, field: field)

        let isBind = options.bind != .none || mount.type == "bind"
        if options.remount {
            entry.origin = .remount(bind: isBind, parameters: options.parameters)
            return [entry]
        }
        if isBind {
            guard let source = mount.source, !source.isEmpty else {
                throw SpecError(field: "\(field).source", reason: "is required for a bind mount")
            }
            makeBind(&entry, of: absolute(source), recursive: options.bind != .single)
        } else {
            guard let type = mount.type, !type.isEmpty else {
                throw SpecError(field: "\(field).type", reason: "is required unless the mount is a bind")
            }
            if type == "cgroup" || type == "cgroup2" { return cgroupEntries(entry) }
            makeFresh(&entry, type: type, mount: mount, options: options)
        }
        try guardProc(&entry, field: field)
        return [entry]
    }

    private func absolute(_ source: String) -> Path {
        let path = Path(source)
        return path.isAbsolute ? path : facts.bundle.appending(path)
    }

    // MARK: bind

    /// Clones of host mounts are peers of the host's where those are shared. Before anything else they become
    /// slaves, so that nothing a container mounts shows on the host (MNT-30, PROP-2) – unless the configuration
    /// asks for sharing twice: on the root and on this mount.
    private func makeBind(_ entry: inout MountEntry, of source: Path, recursive: Bool) {
        entry.origin = .bind(source, recursive: recursive)
        let rootIsShared = linux.rootfsPropagation == .shared || linux.rootfsPropagation == .rshared
        let wantsShared = entry.propagation.contains { $0.kind == .isShared }
        if let last = entry.propagation.last, last.recursive, last.kind != .isShared {
            entry.propagation = [last]
        } else if !(rootIsShared && wantsShared) {
            entry.propagation.insert(PropagationChange(.isSlave, recursive: true), at: 0)
        }
    }

    // MARK: file systems

    private func makeFresh(
        _ entry: inout MountEntry, type: String, mount: MountSpec, options: MountOptions
    ) {
        var parameters = options.parameters
        if type == "devpts" { parameters = dropUnmappedIDs(parameters) }
        if type == "overlay" { parameters = OverlayLayers.split(parameters) }
        if let label = linux.mountLabel, !label.isEmpty, facts.labelsMounts,
            ["tmpfs", "mqueue", "devpts", "ramfs"].contains(type),
            !parameters.contains(where: { $0.key == "context" })
        {
            parameters.append(MountParameter("context", label))
        }
        entry.origin = .fresh(type: type, source: mount.source ?? type, parameters: parameters)
        guard ownsUserNamespace else { return }
        // In a user namespace the kernel gives a fresh instance only to the owner of the matching namespace; the
        // host's instance is all there is to show then, and never writable where it matters (I-24).
        switch type {
        case "sysfs" where !facts.ownNamespaces.contains(.network):
            makeBind(&entry, of: "/sys", recursive: true)
            entry.recursiveFlags.apply(set: .readOnly, clear: [])
        case "proc" where !facts.ownNamespaces.contains(.pid):
            makeBind(&entry, of: "/proc", recursive: true)
        case "mqueue" where !facts.ownNamespaces.contains(.ipc):
            makeBind(&entry, of: "/dev/mqueue", recursive: true)
        default: break
        }
    }

    private var ownsUserNamespace: Bool { facts.ownNamespaces.contains(.user) }

    /// devpts refuses `gid=5` when group 5 has no mapping, as in a rootless container (MNT-27).
    private func dropUnmappedIDs(_ parameters: [MountParameter]) -> [MountParameter] {
        guard ownsUserNamespace, !linux.gidMappings.isEmpty else { return parameters }
        return parameters.filter { parameter in
            guard parameter.key == "gid" || parameter.key == "uid" else { return true }
            guard let id = UInt32(parameter.value ?? "") else { return true }
            let ranges = parameter.key == "gid" ? linux.gidMappings : linux.uidMappings
            return ranges.contains { id >= $0.containerID && id - $0.containerID < $0.size }
        }
    }

    // MARK: procfs

    /// What engines put over single files of procfs; anything else there could fool the runtime (I-3, I-13).
    private static let allowedInProc: [Path] = [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
        "/proc/loadavg", "/proc/slabinfo", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    ]

    private func guardProc(_ entry: inout MountEntry, field: String) throws(SpecError) {
        let place = entry.destination.lexicallyCleaned
        var type = ""
        if case .fresh(let name, _, _) = entry.origin { type = name }
        var bindsProc = false
        if case .bind(let source, _) = entry.origin { bindsProc = source.lexicallyCleaned == "/proc" }
        entry.refusesSymlinks = type == "proc" || type == "sysfs" || place == "/sys" || bindsProc
        let isInside = place.isBelow("/proc")
        entry.mayLandOnProc =
            (isInside && MountRules.allowedInProc.contains(place))
            || (place == "/proc" && entry.refusesSymlinks)
        if place == "/proc", type != "proc", !bindsProc {
            throw SpecError(
                field: "\(field).destination", reason: "only a proc mount may cover /proc",
                value: entry.destination.string)
        }
        if isInside, !entry.mayLandOnProc {
            throw SpecError(
                field: "\(field).destination", reason: "is inside /proc, where mounts are not allowed",
                value: entry.destination.string)
        }
    }

    // MARK: cgroups

    /// `type: cgroup` shows the container's own cgroups and nothing of the host's (MNT-25).
    private func cgroupEntries(_ base: MountEntry) -> [MountEntry] {
        switch facts.cgroups {
        case .unified(let own):
            var entry = base
            if facts.ownNamespaces.contains(.cgroup) {
                // Inside a cgroup namespace other than the first, options for the whole tree are ignored by the
                // kernel, so the host's stay as they are (MNT-26).
                entry.origin = .fresh(type: "cgroup2", source: "cgroup", parameters: [])
                return [entry]
            }
            guard let own else { return [base.asEmptyCgroupDirectory] }
            makeBind(&entry, of: own, recursive: true)
            return [entry]
        case .hybrid(let hierarchies, let unified):
            var directory = base.asEmptyCgroupDirectory
            directory.flags.set = base.flags.set
            var binds: [MountEntry] = []
            let all =
                hierarchies + (unified.map { [CgroupHierarchy(name: "unified", ownDirectory: $0)] } ?? [])
            for hierarchy in all {
                var bind = base
                bind.destination = base.destination.appending(Path(hierarchy.name))
                makeBind(&bind, of: hierarchy.ownDirectory, recursive: false)
                binds.append(bind)
                let parts = hierarchy.name.split(separator: ",")
                guard parts.count > 1 else { continue }
                directory.links += parts.map { MountParameter(String($0), hierarchy.name) }
            }
            return [directory] + binds
        case .none:
            return [base.asEmptyCgroupDirectory]
        }
    }

    // MARK: identity mapping

    private func identityMap(
        for mount: MountSpec, options: MountOptions, field: String
    ) throws(SpecError) -> MountIdentityMap? {
        guard mount.uidMappings.isEmpty == mount.gidMappings.isEmpty else {
            throw SpecError(field: field, reason: "uidMappings and gidMappings must be given together")
        }
        guard options.identityMap != .none || !mount.uidMappings.isEmpty else { return nil }
        guard options.bind != .none || mount.type == "bind" else {
            throw SpecError(field: field, reason: "idmap is for bind mounts only", value: mount.type)
        }
        guard !facts.opensInChild else {
            throw SpecError(field: field, reason: "idmap needs a runtime that runs as root")
        }
        let recursive = options.identityMap == .recursive
        let ownMap = !mount.uidMappings.isEmpty
        let users = ownMap ? mount.uidMappings : linux.uidMappings
        let groups = ownMap ? mount.gidMappings : linux.gidMappings
        guard !users.isEmpty, !groups.isEmpty else {
            let joined = linux.namespaces.first { $0.kind == .user }?.path
            guard let joined, !joined.isEmpty else {
                throw SpecError(
                    field: field, reason: "idmap needs mappings: its own, or those of a user namespace")
            }
            return MountIdentityMap(users: [], groups: [], recursive: recursive, namespace: Path(joined))
        }
        func ranges(_ list: [IDMappingSpec]) -> [MountIdentityMap.Range] {
            list.map { .init(inside: $0.containerID, outside: $0.hostID, count: $0.size) }
        }
        return MountIdentityMap(
            users: ranges(users), groups: ranges(groups), recursive: recursive)
    }
}

extension Path {
    /// An absolute form of a destination: a relative one counts from the root (MNT-2).
    var lexicallyKept: Path { isAbsolute ? self : Path(bytes: [UInt8(ascii: "/")] + bytes) }
}
