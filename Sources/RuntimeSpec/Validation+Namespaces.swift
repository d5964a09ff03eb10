extension Validation {
    /// NS-2, NS-5.
    static func namespaces(of spec: RuntimeSpec) throws(SpecError) {
        let namespaces = spec.linux?.namespaces ?? []
        for (index, namespace) in namespaces.enumerated() {
            if namespaces[..<index].contains(where: { $0.kind == namespace.kind }) {
                throw SpecError(
                    field: "linux.namespaces[\(index)].type", reason: "occurs twice",
                    value: namespace.kind.rawValue)
            }
            if let path = namespace.path { try requireAbsolute(path, "linux.namespaces[\(index)].path") }
        }
    }

    /// HST-1, HST-2, HST-3: without an own UTS namespace the name of the host would change.
    static func hostNames(of spec: RuntimeSpec) throws(SpecError) {
        let hasOwn = spec.linux?.namespaces.contains { $0.kind == .uts } ?? false
        for (field, name) in [("hostname", spec.hostname), ("domainname", spec.domainname)] {
            guard let name, !name.isEmpty else { continue }
            if !hasOwn {
                throw SpecError(
                    field: field, reason: "needs a uts namespace in linux.namespaces", value: name)
            }
            if name.utf8.count > 64 {
                throw SpecError(field: field, reason: "must not be longer than 64 bytes", value: name)
            }
        }
    }

    /// MAP-1, MAP-3, MAP-5.
    static func idMappings(of spec: RuntimeSpec) throws(SpecError) {
        guard let linux = spec.linux else { return }
        let user = linux.namespaces.first { $0.kind == .user }
        if linux.uidMappings.isEmpty, linux.gidMappings.isEmpty {
            if let user, user.path == nil {
                throw SpecError(field: "linux.uidMappings", reason: "is required for a new user namespace")
            }
            return
        }
        if user == nil {
            let field = linux.uidMappings.isEmpty ? "linux.gidMappings" : "linux.uidMappings"
            throw SpecError(field: field, reason: "needs a user namespace in linux.namespaces")
        }
        try checkPair(linux.uidMappings, linux.gidMappings, at: "linux")
    }

    /// Mappings of users and of groups come together, and each list is one the kernel takes.
    static func checkPair(
        _ users: [IDMappingSpec], _ groups: [IDMappingSpec], at field: String
    ) throws(SpecError) {
        if users.isEmpty {
            throw SpecError(field: "\(field).uidMappings", reason: "is required beside gidMappings")
        }
        if groups.isEmpty {
            throw SpecError(field: "\(field).gidMappings", reason: "is required beside uidMappings")
        }
        try check(users, at: "\(field).uidMappings")
        try check(groups, at: "\(field).gidMappings")
    }

    private static func check(_ mappings: [IDMappingSpec], at field: String) throws(SpecError) {
        // user_namespaces(7): 340 lines since Linux 4.15.
        if mappings.count > 340 {
            throw SpecError(
                field: field, reason: "must not have more than 340 entries", value: "\(mappings.count)")
        }
        for (index, mapping) in mappings.enumerated() {
            if mapping.size == 0 {
                throw SpecError(field: "\(field)[\(index)].size", reason: "must be more than 0")
            }
            let isTooLong = UInt64(max(mapping.containerID, mapping.hostID)) + UInt64(mapping.size) > 1 << 32
            if isTooLong {
                throw SpecError(
                    field: "\(field)[\(index)].size", reason: "the range ends beyond the last id",
                    value: "\(mapping.size)")
            }
            for (other, earlier) in mappings[..<index].enumerated() where mapping.overlaps(earlier) {
                throw SpecError(field: "\(field)[\(index)]", reason: "overlaps entry \(other)")
            }
        }
    }

    /// TIME-1.
    static func timeOffsets(of spec: RuntimeSpec) throws(SpecError) {
        guard let linux = spec.linux, let offsets = linux.timeOffsets else { return }
        let all = [("monotonic", offsets.monotonic), ("boottime", offsets.boottime)]
        for (name, offset) in all {
            try require(offset?.nanoseconds, in: 0...999_999_999, "linux.timeOffsets.\(name).nanosecs")
        }
        guard all.contains(where: { $0.1 != nil }) else { return }
        if !linux.namespaces.contains(where: { $0.kind == .time && $0.path == nil }) {
            throw SpecError(
                field: "linux.timeOffsets", reason: "needs a new time namespace in linux.namespaces")
        }
    }
}

extension IDMappingSpec {
    /// Whether two ranges share an id in the container or on the host.
    fileprivate func overlaps(_ other: IDMappingSpec) -> Bool {
        func meet(_ left: UInt32, _ right: UInt32) -> Bool {
            UInt64(left) < UInt64(right) + UInt64(other.size) && UInt64(right) < UInt64(left) + UInt64(size)
        }
        return meet(containerID, other.containerID) || meet(hostID, other.hostID)
    }
}
