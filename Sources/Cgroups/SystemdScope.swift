internal import JSONCoding
internal import LinuxSystem
import MessageBus
package import RuntimeSpec

/// The scope that a planned container gets.
/// - SeeAlso: systemd.scope(5)
package struct SystemdScope: Sendable, Equatable {
    /// The manager.
    package var manager: SystemdManager
    /// The unit's and its slice's name.
    package var name: SystemdUnitName
    /// What it is created with, limits included.
    package var properties: [SystemdProperty]
    /// Limits that not even a scope's first process and the container's fit into: set when the former has gone.
    package var lateProperties: [SystemdProperty] = []
    /// The same as files.
    package var lateWrites: [CgroupWrite] = []

    /// Decides about the scope of a container.
    /// - Throws: if the cgroupsPath is not `slice:prefix:name`, or an annotation cannot be a property.
    package init(
        spec: RuntimeSpec, id: String, host: CgroupHost, manager: SystemdManager
    ) throws(SpecError) {
        self.manager = manager
        name = try SystemdUnitName(cgroupsPath: spec.linux?.cgroupsPath, id: id, isUser: manager.isUser)
        properties = [
            SystemdProperty("Description", .string("skiff container \(id)")),
            SystemdProperty("Slice", .string(name.slice)),
            // The cgroup below is ours; systemd leaves it alone, but for the limits that it knows.
            SystemdProperty("Delegate", .boolean(true)),
            SystemdProperty("DefaultDependencies", .boolean(false)),
        ]
        if manager.version >= 236 {
            properties.append(SystemdProperty("CollectMode", .string("inactive-or-failed")))
        }
        let usesIO = host.home(of: .io) == .unified || host.layout == .unified
        for kind in ["CPU", "Memory", "Tasks", usesIO ? "IO" : "BlockIO"] {
            properties.append(SystemdProperty("\(kind)Accounting", .boolean(true)))
        }
        if let resources = spec.linux?.resources { try add(resources, host) }
        for property in try SystemdAnnotations.properties(spec.annotations) {
            properties.set(property.name, property.value)
        }
    }

    private mutating func add(_ resources: ResourcesSpec, _ host: CgroupHost) throws(SpecError) {
        for property in try SystemdLimits.properties(for: resources, on: host, version: manager.version) {
            if property.name == "TasksMax", case .uint64(let limit) = property.value, limit < 2 {
                lateProperties.append(property)
            } else {
                properties.set(property.name, property.value)
            }
        }
        // Who is killed for want of memory: settled when the scope is made, and for ever.
        switch (resources.unified["memory.oom.group"], manager.version) {
        case ("0", 253...): properties.set("OOMPolicy", .string("continue"))
        case ("1", 253...): properties.set("OOMPolicy", .string("kill"))
        default: break
        }
    }

    /// The place below the root of each tree.
    package var relativePath: String {
        let own = name.relativePath
        return manager.controlGroup.isEmpty ? own : "\(manager.controlGroup)/\(own)"
    }

    /// What the state file keeps.
    package var record: CgroupRecord.Unit { CgroupRecord.Unit(name: name.scope, address: manager.address) }
}
