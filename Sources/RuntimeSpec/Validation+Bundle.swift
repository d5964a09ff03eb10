extension Validation {
    /// ROOT-1.
    static func root(of spec: RuntimeSpec) throws(SpecError) {
        guard let root = spec.root else { throw SpecError(field: "root", reason: "is required") }
        try requireNonEmpty(root.path, "root.path")
    }

    /// MNT-2 allows a relative destination, so only its presence is checked.
    static func mounts(of spec: RuntimeSpec) throws(SpecError) {
        for (index, mount) in spec.mounts.enumerated() {
            try requireNonEmpty(mount.destination, "mounts[\(index)].destination")
        }
    }

    /// MNT-21, MNT-22.
    static func mappedMounts(of spec: RuntimeSpec) throws(SpecError) {
        let hasUserNamespace = spec.linux?.namespaces.contains { $0.kind == .user } ?? false
        for (index, mount) in spec.mounts.enumerated() {
            if mount.uidMappings.isEmpty, mount.gidMappings.isEmpty {
                guard let option = mount.options.first(where: { $0 == "idmap" || $0 == "ridmap" }),
                    !hasUserNamespace
                else { continue }
                throw SpecError(
                    field: "mounts[\(index)].options",
                    reason: "needs uidMappings and gidMappings or a user namespace",
                    value: option)
            }
            try checkPair(mount.uidMappings, mount.gidMappings, at: "mounts[\(index)]")
        }
    }

    /// HOOK-11, HOOK-12.
    static func hooks(of spec: RuntimeSpec) throws(SpecError) {
        guard let hooks = spec.hooks else { return }
        for (name, list) in hooks.byName {
            for (index, hook) in list.enumerated() {
                try requireAbsolute(hook.path, "hooks.\(name)[\(index)].path")
                guard let timeout = hook.timeout, timeout <= 0 else { continue }
                throw SpecError(
                    field: "hooks.\(name)[\(index)].timeout", reason: "must be more than 0 seconds",
                    value: "\(timeout)")
            }
        }
    }

    /// ANN-1.
    static func annotations(of spec: RuntimeSpec) throws(SpecError) {
        if spec.annotations.contains(where: { $0.key.isEmpty }) {
            throw SpecError(field: "annotations", reason: "must not contain an empty name")
        }
    }

    /// PATH-4.
    static func restrictedPaths(of spec: RuntimeSpec) throws(SpecError) {
        guard let linux = spec.linux else { return }
        for (index, path) in linux.maskedPaths.enumerated() {
            try requireAbsolute(path, "linux.maskedPaths[\(index)]")
        }
        for (index, path) in linux.readonlyPaths.enumerated() {
            try requireAbsolute(path, "linux.readonlyPaths[\(index)]")
        }
    }
}

extension HooksSpec {
    /// The lists with their names in the document, in the order of the life cycle (HOOK-1).
    package var byName: [(name: String, hooks: [HookSpec])] {
        [
            ("prestart", prestart), ("createRuntime", createRuntime), ("createContainer", createContainer),
            ("startContainer", startContainer), ("poststart", poststart), ("poststop", poststop),
        ]
    }
}
