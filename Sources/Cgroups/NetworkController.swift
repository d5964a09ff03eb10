package import RuntimeSpec

/// Classes and priorities of network packets, which only v1 has (net_cls, net_prio).
/// - SeeAlso: cgroup-v1/net_cls.rst, cgroup-v1/net_prio.rst
package enum NetworkController {
    /// The write of `net_cls.classid`.
    /// - Throws: on v2, if a class is set (RES-18).
    package static func classWrites(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        guard let classID = resources.network?.classID, classID != 0 else { return [] }
        return [CgroupWrite("net_cls.classid", "\(classID)", for: "network.classID")]
    }

    /// The writes of `net_prio.ifpriomap`.
    /// - Throws: if an interface's name could not be one word of a line.
    package static func priorityWrites(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        for priority in resources.network?.priorities ?? [] {
            if priority.name.isEmpty || priority.name.utf8.contains(where: { $0 <= 0x20 }) {
                throw SpecError(
                    field: "linux.resources.network.priorities", reason: "is not an interface name",
                    value: priority.name)
            }
            let text = "\(priority.name) \(priority.priority)"
            writes.append(CgroupWrite("net_prio.ifpriomap", text, for: "network.priorities"))
        }
        return writes
    }
}
