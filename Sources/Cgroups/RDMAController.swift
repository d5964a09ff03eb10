package import RuntimeSpec

/// RDMA handles and objects, by device.
/// - SeeAlso: cgroup-v2.rst §RDMA
package enum RDMAController {
    /// The lines of `rdma.max` that `resources.rdma` asks for (RES-19); the same in both versions.
    /// - Throws: if a device has no limit at all or its name could not be one word of a line.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        for (device, limit) in resources.rdma.sorted(by: { $0.key < $1.key }) {
            if device.isEmpty || device.utf8.contains(where: { $0 <= 0x20 }) {
                throw SpecError(field: "linux.resources.rdma", reason: "is not a device name", value: device)
            }
            var words: [String] = []
            if let handles = limit.hcaHandles { words.append("hca_handle=\(handles)") }
            if let objects = limit.hcaObjects { words.append("hca_object=\(objects)") }
            guard !words.isEmpty else {
                throw SpecError(
                    field: "linux.resources.rdma.\(device)", reason: "needs hcaHandles or hcaObjects")
            }
            writes.append(CgroupWrite("rdma.max", ([device] + words).joined(separator: " "), for: "rdma"))
        }
        return writes
    }
}
