package import LinuxSystem
package import RuntimeSpec

extension MountPlan {
    /// Decides everything about a container's file system from its configuration. Pure: reads nothing, does nothing.
    ///
    /// - Throws: `SpecError` naming the field, when the configuration asks for what cannot or must not be done.
    /// - SeeAlso: runtime-spec config.md §Mounts, config-linux.md; checklist MNT-1 … MNT-31, SYS-1 … SYS-3
    package static func make(spec: RuntimeSpec, facts: RootfsFacts) throws(SpecError) -> MountPlan {
        let linux = spec.linux ?? LinuxSpec()
        guard let root = spec.root, !root.path.isEmpty || facts.hasRootTree else {
            throw SpecError(field: "root.path", reason: "is required")
        }
        var plan = MountPlan()
        plan.sharesHostMounts = !facts.ownNamespaces.contains(.mount) && !facts.hasNewMountNamespace
        plan.bundle = facts.bundle
        plan.opensInChild = facts.opensInChild
        plan.isInUserNamespace = facts.ownNamespaces.contains(.user)
        plan.rootIsReadOnly = root.readonly
        plan.rootPropagation = linux.rootfsPropagation.flatMap { PropagationChange($0) }
        plan.rootChange = !facts.hasNewMountNamespace ? .chroot : facts.avoidsPivot ? .move : .pivot
        if !root.path.isEmpty {
            let path = Path(root.path)
            plan.attachPoint = path.isAbsolute ? path : facts.bundle.appending(path)
        }
        if !facts.hasRootTree { plan.rootSource = plan.attachPoint }
        if plan.sharesHostMounts { try plan.checkSharing(facts) }
        try plan.addMounts(spec: spec, linux: linux, facts: facts)
        plan.settleReadOnly()
        plan.markInner()
        try plan.addDevices(linux.devices, facts: facts)
        plan.maskedPaths = try MountPlan.paths(linux.maskedPaths, field: "linux.maskedPaths")
        plan.readOnlyPaths = try MountPlan.paths(linux.readonlyPaths, field: "linux.readonlyPaths")
        plan.sysctls = try SysctlRules.entries(linux.sysctl, facts: facts, hostname: spec.hostname)
        try plan.addNames(spec: spec, facts: facts)
        return plan
    }

    /// Among the host's mounts only root of the host may mount, and it needs a place that can be found again.
    private func checkSharing(_ facts: RootfsFacts) throws(SpecError) {
        let field = "linux.namespaces"
        guard !facts.opensInChild, !facts.ownNamespaces.contains(.user) else {
            throw SpecError(
                field: field,
                reason: "a mount namespace is required with a user namespace or without privileges")
        }
        guard let place = attachPoint, rootSource != nil else {
            throw SpecError(
                field: field, reason: "a mount namespace is required for a root file system of an image")
        }
        guard place.lexicallyCleaned != "/" else {
            throw SpecError(
                field: "root.path", reason: "must not be the host's root without a mount namespace",
                value: place.string)
        }
    }

    private mutating func addMounts(
        spec: RuntimeSpec, linux: LinuxSpec, facts: RootfsFacts
    ) throws(SpecError) {
        let rules = MountRules(linux: linux, facts: facts)
        for (index, mount) in spec.mounts.enumerated() {
            entries += try rules.entries(for: mount, at: index)
        }
        // Some write the destination as a path of the host below the root; runc understands that.
        for index in entries.indices {
            if let inner = pathInRoot(entries[index].destination) { entries[index].destination = inner }
        }
        mountsProc = entries.contains { $0.destination == "/proc" && $0.refusesSymlinks }
        furnishesDev = !entries.contains { entry in
            guard case .bind = entry.origin else { return false }
            return entry.destination == "/dev"
        }
    }

    /// A fresh file system that something is made inside of later cannot be read-only from the start.
    private mutating func settleReadOnly() {
        for index in entries.indices where entries[index].flags.set.contains(.readOnly) {
            // In procfs and sysfs nothing can be made, so there is nothing to wait for.
            guard case .fresh(let type, _, _) = entries[index].origin, type != "sysfs", type != "proc" else {
                continue
            }
            let directory = entries[index].destination
            let hasInner = entries[(index + 1)...].contains { $0.destination.isBelow(directory) }
            let isFilled = entries[index].copiesUp || !entries[index].links.isEmpty
            guard hasInner || directory == "/dev" || isFilled else { continue }
            entries[index].flags.set.remove(.readOnly)
            entries[index].becomesReadOnlyLate = true
        }
    }

    /// Marks destinations below the newest mount that covers them, when that is a fresh file system.
    private mutating func markInner() {
        for index in entries.indices {
            let destination = entries[index].destination
            guard let outer = entries[..<index].last(where: { destination.isBelow($0.destination) }),
                case .fresh = outer.origin
            else { continue }
            entries[index].isInsideFresh = true
        }
    }

    private mutating func addNames(spec: RuntimeSpec, facts: RootfsFacts) throws(SpecError) {
        hostname = spec.hostname.flatMap { $0.isEmpty ? nil : $0 }
        domainname = spec.domainname.flatMap { $0.isEmpty ? nil : $0 }
        try check(hostname, field: "hostname", facts)
        try check(domainname, field: "domainname", facts)
    }

    private func check(_ name: String?, field: String, _ facts: RootfsFacts) throws(SpecError) {
        guard let name else { return }
        guard facts.ownNamespaces.contains(.uts) else {
            throw SpecError(
                field: field, reason: "needs a uts namespace of its own: the host's name must not change",
                value: name)
        }
        guard name.utf8.count <= 64, !name.utf8.contains(0) else {
            throw SpecError(field: field, reason: "must be at most 64 bytes without NUL", value: name)
        }
    }

    private static func paths(_ list: [String], field: String) throws(SpecError) -> [Path] {
        var paths: [Path] = []
        for (index, text) in list.enumerated() {
            guard text.hasPrefix("/"), !text.utf8.contains(0) else {
                throw SpecError(field: "\(field)[\(index)]", reason: "must be an absolute path", value: text)
            }
            paths.append(Path(text))
        }
        return paths
    }
}

extension PropagationChange {
    init?(_ spec: LinuxSpec.Propagation) {
        switch spec {
        case .shared: self.init(.isShared, recursive: false)
        case .slave: self.init(.isSlave, recursive: false)
        case .private: self.init(.isPrivate, recursive: false)
        case .unbindable: self.init(.isUnbindable, recursive: false)
        case .rshared: self.init(.isShared, recursive: true)
        case .rslave: self.init(.isSlave, recursive: true)
        case .rprivate: self.init(.isPrivate, recursive: true)
        case .runbindable: self.init(.isUnbindable, recursive: true)
        }
    }
}

extension Path {
    /// The path without empty names, `.` and `..`, resolved as text only; for comparing, never for opening.
    package var lexicallyCleaned: Path {
        if isClean { return self }
        var names: [Path] = []
        for name in components {
            if name == ".." { _ = names.popLast() } else { names.append(name) }
        }
        return Path.joining(names, absolute: true)
    }

    /// Whether cleaning would change nothing, for sure: it starts with a slash, and no slash is followed by another, by a
    /// dot or by nothing.
    private var isClean: Bool {
        let slash = UInt8(ascii: "/")
        guard bytes.first == slash else { return false }
        if bytes.count == 1 { return true }
        var last: UInt8 = 0
        for byte in bytes {
            if last == slash, byte == slash || byte == UInt8(ascii: ".") { return false }
            last = byte
        }
        return last != slash
    }

    /// Whether it names something inside a directory, as text; both cleaned.
    func isBelow(_ directory: Path) -> Bool {
        if directory == "/" { return self != "/" }
        return bytes.count > directory.bytes.count && bytes.starts(with: directory.bytes)
            && bytes[directory.bytes.count] == UInt8(ascii: "/")
    }
}
