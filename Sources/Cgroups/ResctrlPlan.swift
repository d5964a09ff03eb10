package import RuntimeSpec

/// Which group of the resctrl file system a container gets, and what is written there. Pure.
/// - SeeAlso: runtime-spec config-linux.md §IntelRdt
package struct ResctrlPlan: Sendable, Equatable {
    /// Folder of the group below the root; nil is the root group.
    package let group: String?
    /// Whether the configuration names the group: such a group stays when the container goes.
    package let isNamed: Bool
    /// Lines that an existing group must have already.
    package let expected: [String]
    /// All lines for `schemata`, in the order in which they are written.
    package let lines: [String]
    /// Name of a monitoring group of the container's own.
    package let monitoring: String?

    /// The plan for the container `id`.
    package init(_ spec: IntelRdtSpec, id: String) {
        let name = spec.closID.flatMap { $0.isEmpty ? nil : $0 }
        group = name == "/" ? nil : name ?? id
        isNamed = name != nil
        expected = [spec.l3CacheSchema, spec.memBwSchema].compactMap { $0 }.filter { !$0.isEmpty }
        lines = expected + spec.schemata.filter { !$0.isEmpty }
        monitoring = spec.enableMonitoring ? id : nil
    }

    /// Whether the group may be made: one that is only named must have been set up before.
    var mayMake: Bool { !isNamed || !lines.isEmpty }
}

/// The lines of a `schemata` file: for each resource its domains with their values.
/// - SeeAlso: Documentation/filesystems/resctrl.rst
struct ResctrlSchemata: Equatable {
    private var resources: [String: [String: String]] = [:]

    /// Reads lines such as `L3:0=7f0;1=1f`; blanks and leading zeros mean nothing.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            var domains: [String: String] = [:]
            for entry in parts[1].split(separator: ";") {
                let pair = entry.split(separator: "=", maxSplits: 1)
                if pair.count == 2 { domains[Self.plain(pair[0])] = Self.plain(pair[1]) }
            }
            resources[Self.plain(parts[0]), default: [:]].merge(domains) { _, new in new }
        }
    }

    /// Whether every value of `other` is here, too.
    func holds(_ other: ResctrlSchemata) -> Bool {
        other.resources.allSatisfy { name, domains in
            domains.allSatisfy { resources[name]?[$0.key] == $0.value }
        }
    }

    private static func plain(_ text: Substring) -> String {
        let word = text.filter { $0 != " " && $0 != "\t" }.lowercased()
        let rest = word.drop { $0 == "0" }
        return rest.isEmpty && !word.isEmpty ? "0" : String(rest)
    }
}
