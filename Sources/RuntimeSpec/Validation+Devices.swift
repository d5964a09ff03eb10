extension Validation {
    /// DEV-1. The kernel has 12 bits for the major and 20 for the minor number.
    static func devices(of spec: RuntimeSpec) throws(SpecError) {
        for (index, device) in (spec.linux?.devices ?? []).enumerated() {
            // Names of fields are made only for an error: a configuration may list a hundred devices.
            func field(_ name: String) -> String { "linux.devices[\(index)]\(name)" }
            try requireAbsolute(device.path, field(".path"))
            // Some engines send the file type bits along; they carry nothing that `type` does not.
            try require(device.fileMode, in: 0...0o177777, field(".fileMode"))
            if device.kind == .fifo { continue }
            guard let major = device.major, let minor = device.minor else {
                throw SpecError(
                    field: field(""), reason: "needs major and minor for type \(device.kind.rawValue)",
                    value: device.path)
            }
            try require(major, in: 0...4095, field(".major"))
            try require(minor, in: 0...1_048_575, field(".minor"))
        }
    }

    /// NDV-1, NDV-5; the kernel's limit is IFNAMSIZ with the NUL.
    static func netDevices(of spec: RuntimeSpec) throws(SpecError) {
        guard let linux = spec.linux, !linux.netDevices.isEmpty else { return }
        if !linux.namespaces.contains(where: { $0.kind == .network }) {
            throw SpecError(
                field: "linux.netDevices", reason: "needs a network namespace in linux.namespaces")
        }
        var taken: Set<String> = []
        for device in linux.netDevices {
            let field = "linux.netDevices[\"\(device.hostName)\"]"
            try requireInterfaceName(device.hostName, field)
            guard let name = device.name else {
                try requireFree(device.hostName, field, &taken)
                continue
            }
            try requireInterfaceName(name, "\(field).name")
            guard name.utf8.contains(UInt8(ascii: "%")) else {
                try requireFree(name, "\(field).name", &taken)
                continue
            }
            // A free number takes the place of %d, so such names do not clash.
            let parts = name.split(separator: "%", omittingEmptySubsequences: false)
            if parts.count != 2 || parts[1].first != "d" {
                throw SpecError(field: "\(field).name", reason: "may have one %d and no other %", value: name)
            }
        }
    }

    private static func requireFree(
        _ name: String, _ field: String, _ taken: inout Set<String>
    ) throws(SpecError) {
        if !taken.insert(name).inserted {
            throw SpecError(field: field, reason: "two interfaces cannot have one name", value: name)
        }
    }

    private static func requireInterfaceName(_ name: String, _ field: String) throws(SpecError) {
        let isForbidden = name.utf8.contains { byte in
            byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ":")
        }
        if name.isEmpty || name == "." || name == ".." || isForbidden || name.utf8.count > 15 {
            throw SpecError(
                field: field, reason: "must be an interface name of 1 to 15 bytes", value: name)
        }
    }

    /// CG-9, CG-10.
    static func deviceRules(of spec: RuntimeSpec) throws(SpecError) {
        for (index, rule) in (spec.linux?.resources?.devices ?? []).enumerated() {
            func field(_ name: String) -> String { "linux.resources.devices[\(index)]\(name)" }
            if let access = rule.access, !access.utf8.allSatisfy(isAccessLetter) {
                throw SpecError(field: field(".access"), reason: "must be letters out of rwm", value: access)
            }
            // -1 is how some engines write "all".
            try require(rule.major, in: -1...4_294_967_295, field(".major"))
            try require(rule.minor, in: -1...4_294_967_295, field(".minor"))
        }
    }

    private static func isAccessLetter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "r") || byte == UInt8(ascii: "w") || byte == UInt8(ascii: "m")
    }
}
