package import RuntimeSpec

/// The number of tasks; the files are the same in both versions.
/// - SeeAlso: cgroup-v2.rst §PID
package enum PidsController {
    /// The files that say what `resources.pids` asks for. 0 is a real limit: no process besides the first, which the
    /// kernel would not let in with a literal 0.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        guard let limit = resources.pids?.limit else { return [] }
        return [CgroupWrite("pids.max", limit < 0 ? "max" : String(max(limit, 1)), for: "pids.limit")]
    }

    static func record(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        statistics.readSingle("pids.current", from: files, as: .processesCurrent)
        statistics.readSingle("pids.peak", from: files, as: .processesPeak)
        statistics.readSingle("pids.max", from: files, as: .processesLimit)
        statistics.readKeyed("pids.events", from: files, [("max", .processesLimitHits)])
    }
}
