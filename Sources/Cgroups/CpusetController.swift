package import RuntimeSpec

/// On which CPUs and memory nodes the tasks may run.
/// - SeeAlso: cgroup-v2.rst §Cpuset, cpusets.rst
package enum CpusetController {
    /// The files that say what `resources.cpu.cpus` and `.mems` ask for; the same in both versions.
    /// - Throws: if a list is malformed.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        let lists = [("cpus", resources.cpu?.cpus), ("mems", resources.cpu?.mems)]
        for (name, list) in lists {
            guard let list, !list.isEmpty else { continue }
            guard isList(list) else {
                throw SpecError(
                    field: "linux.resources.cpu.\(name)",
                    reason: "must be a list of numbers and ranges such as 0-3,7", value: list)
            }
            writes.append(CgroupWrite("cpuset.\(name)", list, for: "cpu.\(name)"))
        }
        return writes
    }

    /// Whether the text has the shape of cpuset(7)'s list format: `0-3,7`.
    package static func isList(_ text: String) -> Bool {
        let ranges = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        return ranges.allSatisfy { range in
            let ends = range.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
                .map { KernelText.number(Array($0)[...]) }
            guard let first = ends.first, let low = first else { return false }
            if ends.count == 1 { return true }
            guard ends.count == 2, let high = ends[1] else { return false }
            return low <= high
        }
    }
}
