package import RuntimeSpec

/// `resources.unified`: files of cgroup v2 and their text, passed through so that new kernel features need no new
/// runtime.
/// - SeeAlso: runtime-spec config-linux.md §Unified
package enum UnifiedKeys {
    /// These would move or kill processes instead of setting a limit.
    private static let refused: Set<String> = [
        "cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "cgroup.subtree_control",
        "cgroup.type",
    ]

    /// The writes, in the document's order; a text of several lines is written line by line, as the kernel takes one
    /// line a write (RES-20, RES-21).
    /// - Throws: if a key is not the name of a limit file.
    package static func writes(for resources: ResourcesSpec) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        for (key, value) in resources.unified {
            try check(key)
            let lines = value.split(separator: "\n", omittingEmptySubsequences: true)
            if lines.isEmpty { writes.append(CgroupWrite(key, "\n", for: "unified.\(key)")) }
            for line in lines { writes.append(CgroupWrite(key, String(line), for: "unified.\(key)")) }
        }
        return writes
    }

    /// The controllers that the keys belong to, by the part before the first dot.
    package static func controllers(for resources: ResourcesSpec) -> [String] {
        var names: [String] = []
        for (key, _) in resources.unified {
            let name = String(key.prefix { $0 != "." })
            if name != "cgroup", !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// Whether the v2 tree has every controller that the keys belong to.
    /// - Throws: an error that names the first one that is missing or lives in v1, where there is no such file.
    package static func checkControllers(
        for resources: ResourcesSpec, on host: CgroupHost
    ) throws(SpecError) {
        for (key, _) in resources.unified {
            let name = String(key.prefix { $0 != "." })
            let exists = name == "cgroup" || host.unifiedControllers.contains(name)
            if host.unified != nil, exists { continue }
            let isLegacy = Controller(rawValue: name).map { host.home(of: $0) != nil } ?? false
            let reason =
                if isLegacy {
                    "the \(name) controller lives in cgroup v1 on this host, which has no such file"
                } else if host.unified == nil {
                    "this host has no cgroup v2 tree"
                } else {
                    "this host's cgroup v2 tree has no controller \(name)"
                }
            throw SpecError(
                field: "linux.resources.unified", reason: reason, value: key, kind: .controllerMissing)
        }
    }

    private static func check(_ key: String) throws(SpecError) {
        let field = "linux.resources.unified"
        if key.contains("/") || key.utf8.contains(where: { $0 <= 0x20 }) {
            throw SpecError(field: field, reason: "must be the name of a file in the cgroup", value: key)
        }
        guard let dot = key.firstIndex(of: "."), dot != key.startIndex, key.last != ".",
            !key.split(separator: ".", omittingEmptySubsequences: false).contains("")
        else {
            throw SpecError(field: field, reason: "must have the form controller.file", value: key)
        }
        if refused.contains(key) {
            throw SpecError(field: field, reason: "is not a limit and is set by the runtime only", value: key)
        }
    }
}
