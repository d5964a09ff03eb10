package import LinuxSystem

extension MountPlan {
    /// Gives up showing cgroup directories that could not be made, as happens to a user without privileges. A
    /// hierarchy among several is left out; a single tree shows an empty directory, so that what the host has mounted
    /// there stays out of sight (I-24).
    package mutating func leaveOut(cgroups missing: [Path]) {
        var kept: [MountEntry] = []
        for entry in entries {
            guard case .bind(let source, _) = entry.origin, missing.contains(source) else {
                kept.append(entry)
                continue
            }
            // The directory of hierarchies comes from the same entry of the configuration, just before them.
            if let directory = kept.firstIndex(where: { $0.index == entry.index }) {
                let name = entry.destination.lastComponent?.string
                kept[directory].links.removeAll { $0.value == name }
                continue
            }
            kept.append(entry.asEmptyCgroupDirectory)
        }
        entries = kept
    }
}

extension MountEntry {
    /// A read-only, empty tmpfs in the place of cgroups.
    var asEmptyCgroupDirectory: MountEntry {
        var entry = self
        entry.origin = .fresh(
            type: "tmpfs", source: "cgroup",
            parameters: [MountParameter("mode", "755"), MountParameter("size", "64k")])
        entry.flags.set.insert(.readOnly)
        return entry
    }
}
