/// The kernel's resource controllers, by their cgroup v2 names; some exist in one version only.
package enum Controller: String, Sendable, CaseIterable {
    case cpu, cpuacct, cpuset, io, memory, pids, devices, freezer, hugetlb, rdma, misc
    case netCls = "net_cls"
    case netPrio = "net_prio"

    /// The folder under /sys/fs/cgroup where hosts mount this controller's v1 tree.
    package var legacyFolder: String { self == .io ? "blkio" : rawValue }

    /// Whether v2 has it under the same name.
    package var existsInUnified: Bool {
        switch self {
        case .cpuacct, .devices, .freezer, .netCls, .netPrio: false
        default: true
        }
    }
}

/// The two interfaces of cgroups. v2 is the model; v1 is a second, smaller table of files.
package enum CgroupVersion: Sendable, Equatable {
    /// cgroup v2: one tree for all controllers.
    case unified
    /// cgroup v1: one tree for each controller or two.
    case legacy
}

/// One of the trees of a host.
package enum CgroupTree: Sendable, Hashable, CustomStringConvertible {
    /// The v2 tree; on hybrid hosts with few controllers or none.
    case unified
    /// A v1 tree, by its folder.
    case legacy(String)

    /// `unified`, or the folder's name.
    package var description: String {
        switch self {
        case .unified: "unified"
        case .legacy(let folder): folder
        }
    }

    /// Reads what `description` gives.
    package init(name: String) { self = name == "unified" ? .unified : .legacy(name) }
}
