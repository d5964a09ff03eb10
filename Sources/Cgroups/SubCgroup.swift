package import LinuxSystem

/// A cgroup below the container's own, into which a process of `exec` goes: `PATH` for all trees, or
/// `CONTROLLER[,CONTROLLER]:PATH` for those of some controllers.
package struct SubCgroup: Sendable, Equatable {
    /// Names of controllers; none means all trees.
    let controllers: [String]
    /// Below the container's cgroup.
    let path: Path

    /// Reads a value of `--cgroup`.
    /// - Throws: if the path leads up, or a name is missing.
    package init(_ text: String) throws(StepError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        controllers = parts.count == 2 ? Self.names(parts[0]) : []
        let given = Path(String(parts[parts.count - 1]))
        if controllers.contains("") {
            throw Self.refusal(text, "a controller's name is empty")
        }
        if given.hasParentReference { throw Self.refusal(text, "bad sub cgroup path, it leads up") }
        path = Path.joining(given.components, absolute: false)
    }

    private static func names(_ text: Substring) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    static func refusal(_ text: String, _ reason: String) -> StepError {
        StepError("find the cgroup '\(text)'", refused: reason, code: .usage, operand: text)
    }
}

extension CgroupRecord {
    /// The cgroups that `parts` name below this one; in trees that none names, this one.
    package func below(_ parts: [SubCgroup]) throws(StepError) -> CgroupRecord {
        if parts.count > 1, parts.contains(where: { $0.controllers.isEmpty }) {
            throw SubCgroup.refusal(
                parts.map(\.path.string).joined(separator: " "), "several need the names of controllers")
        }
        var record = self
        var seen: [String] = []
        for part in parts {
            for name in part.controllers {
                if seen.contains(name) { throw SubCgroup.refusal(name, "the controller is named twice") }
                if !record.directories.contains(where: { $0.holds(name) }) {
                    throw SubCgroup.refusal(name, "unknown controller \(name)")
                }
                seen.append(name)
            }
            if part.path.isEmpty { continue }
            for index in record.directories.indices where record.directories[index].isMeant(by: part) {
                let path = Path(record.directories[index].path).appending(part.path)
                record.directories[index].path = path.string
            }
        }
        return record
    }

    /// The cgroups in which a process is now, when it or somebody else has moved it.
    /// - SeeAlso: cgroups(7), /proc/PID/cgroup
    package func following(_ pid: ProcessID) throws(StepError) -> CgroupRecord {
        let text = try during("find the cgroup of process \(pid)") { () throws(SyscallError) in
            String(decoding: try readFile("/proc/\(pid)/cgroup"), as: UTF8.self)
        }
        var record = self
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, !fields[2].hasPrefix("/..") else { continue }
            for index in record.directories.indices where record.directories[index].isIn(fields[1]) {
                let whole = record.directories[index].path
                guard whole.hasSuffix(path) else { continue }
                record.directories[index].path = whole.dropLast(path.count) + String(fields[2])
            }
        }
        return record
    }
}

extension CgroupRecord.Directory {
    fileprivate func isMeant(by part: SubCgroup) -> Bool {
        part.controllers.isEmpty || part.controllers.contains { holds($0) }
    }

    fileprivate func holds(_ controller: String) -> Bool {
        controllers.contains { $0.rawValue == controller } || tree == .legacy(controller)
    }

    /// Whether the directory is in the tree that the second field of a line in /proc/PID/cgroup names.
    fileprivate func isIn(_ names: Substring) -> Bool {
        if names.isEmpty { return tree == .unified }
        return names.split(separator: ",").contains {
            tree == .legacy(String($0)) || tree == .legacy(String($0.drop { $0 != "=" }.dropFirst()))
        }
    }
}

extension Cgroup {
    /// Opens a cgroup for a process of `exec`: the one of the container or, when the container's first process has been
    /// moved and it is gone, the one where that process is; or one below.
    package static func forExec(
        _ record: CgroupRecord, below parts: [SubCgroup], first pid: ProcessID
    ) throws(StepError) -> Cgroup {
        let wanted = parts.isEmpty ? record : try record.below(parts)
        let cgroup = try reopen(from: wanted)
        if cgroup.record.directories.count == wanted.directories.count { return cgroup }
        guard parts.isEmpty else {
            throw SubCgroup.refusal(
                parts.map(\.path.string).joined(separator: " "), "no such cgroup: no such file or directory")
        }
        return try reopen(from: try record.following(pid))
    }
}
