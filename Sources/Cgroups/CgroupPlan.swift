package import LinuxSystem
package import RuntimeSpec

/// What will be made and written for one container, worked out before anything is touched.
package struct CgroupPlan: Sendable, Equatable {
    /// One tree's part of the plan.
    package struct Directory: Sendable, Equatable {
        /// In which tree.
        package var tree: CgroupTree
        /// Where that tree is mounted.
        package var mountPoint: Path
        /// What the tree controls.
        package var controllers: [Controller] = []
        /// v2 controllers that a limit needs: without them creating fails.
        package var required: [String] = []
        /// v2 controllers that only figures need.
        package var wanted: [String] = []
        /// Limits, in the order of writing.
        package var writes: [CgroupWrite] = []

        /// Whether a limit depends on this directory; else a tree that we may not write is passed over.
        package var isRequired: Bool { !writes.isEmpty || !required.isEmpty }
        /// Which table of files holds.
        package var version: CgroupVersion { tree == .unified ? .unified : .legacy }
    }

    /// The place in every tree.
    package var path: CgroupPath
    /// The trees to use, v2 first.
    package var directories: [Directory]
    /// Rules for a BPF program on the v2 directory; nil if devices are free or v1 controls them.
    package var deviceRules: [DeviceRule]?
    /// The host's user who gets the v2 directory, so that the container can make cgroups of its own; nil leaves it.
    package var owner: UInt32?
    /// The scope that systemd makes first; nil if the directories are made by us.
    package var scope: SystemdScope?

    /// The v1 trees that every container joins on a host that has them, beside those that its limits need. Joining
    /// costs some 0.1 ms for a tree (make, join, remove), and its figures cannot be had later:
    /// - memory: usage, peak, page faults, out-of-memory kills;
    /// - cpu: throttling, and `update --cpus` later (time comes from the v2 tree's cpu.stat when there is one);
    /// - cpuacct: CPU time, also for engines that read it themselves;
    /// - pids: number and peak of processes;
    /// - io: bytes and operations.
    /// Not joined unless asked for: cpuset, devices, hugetlb, net_cls, net_prio, rdma, misc (no figures). The freezer is
    /// joined only where no v2 tree can freeze.
    package static let accounted: [Controller] = [.memory, .cpu, .cpuacct, .pids, .io]

    /// Works out the plan of a container.
    /// - Throws: if a limit is malformed, or its controller does not exist on this host, by the name of the field.
    package static func make(
        spec: RuntimeSpec, id: String, host: CgroupHost, systemd: SystemdManager? = nil
    ) throws(SpecError) -> CgroupPlan {
        guard let systemd else {
            let path = try CgroupPath(cgroupsPath: spec.linux?.cgroupsPath, id: id)
            return try make(resources: spec.linux?.resources, path: path, host: host)
        }
        let scope = try SystemdScope(spec: spec, id: id, host: host, manager: systemd)
        var plan = try make(resources: spec.linux?.resources, path: CgroupPath(scope), host: host)
        plan.take(scope, on: host)
        return plan
    }

    /// Works out the plan of a cgroup at a path.
    package static func make(
        resources: ResourcesSpec?, path: CgroupPath, host: CgroupHost
    ) throws(SpecError) -> CgroupPlan {
        var plan = CgroupPlan(path: path, directories: [])
        if host.unified != nil { plan.directory(.unified, on: host) { _ in } }
        for controller in accounted {
            guard let home = host.home(of: controller) else { continue }
            plan.directory(home, on: host) { directory in
                if home == .unified { directory.wanted.append(controller.rawValue) }
            }
        }
        if host.unified == nil, let home = host.home(of: .freezer) { plan.directory(home, on: host) { _ in } }
        guard let resources else { return plan }
        for (controller, writes) in try limits(resources, on: host) {
            guard let home = host.home(of: controller) else { continue }
            plan.directory(home, on: host) { directory in
                directory.writes += writes
                if home == .unified { directory.require(controller.rawValue) }
            }
        }
        try plan.addDevices(resources, on: host)
        try plan.addUnified(resources, on: host)
        return plan
    }

    /// A scope holds one process more until the container's first one is there: a limit below two has to wait. On hosts
    /// without v2 systemd counts processes in a tree of its own, which ours must be in.
    private mutating func take(_ scope: SystemdScope, on host: CgroupHost) {
        var scope = scope
        if !scope.lateProperties.isEmpty {
            for index in directories.indices {
                scope.lateWrites += directories[index].writes.filter { $0.file == "pids.max" }
                directories[index].writes.removeAll { $0.file == "pids.max" }
            }
        }
        if host.unified == nil, let first = directories.first {
            directories.append(
                Directory(tree: .legacy("systemd"), mountPoint: first.mountPoint.parent.appending("systemd")))
        }
        self.scope = scope
    }

    /// The writes of every controller for its version on this host.
    static func limits(
        _ resources: ResourcesSpec, on host: CgroupHost
    ) throws(SpecError) -> [(Controller, [CgroupWrite])] {
        typealias Table = (ResourcesSpec, CgroupVersion) throws(SpecError) -> [CgroupWrite]
        let tables: [(Controller, Table)] = [
            (.cpuset, CpusetController.writes), (.cpu, CPUController.writes),
            (.memory, MemoryController.writes),
            (.pids, PidsController.writes), (.io, IOController.writes), (.hugetlb, HugetlbController.writes),
            (.rdma, RDMAController.writes), (.netCls, NetworkController.classWrites),
            (.netPrio, NetworkController.priorityWrites),
        ]
        var result: [(Controller, [CgroupWrite])] = []
        for (controller, table) in tables {
            let home = host.home(of: controller)
            let writes = try table(resources, home == .unified || home == nil ? .unified : .legacy)
            guard let first = writes.first else { continue }
            if home == nil {
                throw SpecError(
                    field: "linux.resources.\(first.field)",
                    reason:
                        "this host has no \(controller.rawValue) controller, so the limit cannot be applied",
                    kind: .controllerMissing)
            }
            result.append((controller, writes))
        }
        return result
    }

    private mutating func directory(
        _ tree: CgroupTree, on host: CgroupHost, _ change: (inout Directory) -> Void
    ) {
        if let index = directories.firstIndex(where: { $0.tree == tree }) {
            change(&directories[index])
        } else if let mountPoint = host.mountPoint(of: tree) {
            var new = Directory(tree: tree, mountPoint: mountPoint, controllers: host.controllers(of: tree))
            change(&new)
            directories.append(new)
        }
    }

    /// Device rules go to the v1 controller where a host has it, else into a BPF program on the v2 directory.
    private mutating func addDevices(_ resources: ResourcesSpec, on host: CgroupHost) throws(SpecError) {
        let rules = try DeviceRules.list(for: resources)
        if rules.isEmpty { return }
        if rules.count > DeviceProgram.ruleLimit {
            throw SpecError(
                field: "linux.resources.devices", reason: "too many rules", value: "\(rules.count)")
        }
        if let home = host.home(of: .devices) {
            let policy = try DevicePolicy(rules)
            if policy.allowsEverything { return }
            directory(home, on: host) { $0.writes += policy.legacyWrites }
        } else if host.unified != nil {
            deviceRules = rules
        }
        // With no tree at all nothing can control devices; the container has only the nodes that it was given.
    }

    private mutating func addUnified(_ resources: ResourcesSpec, on host: CgroupHost) throws(SpecError) {
        let writes = try UnifiedKeys.writes(for: resources)
        if writes.isEmpty { return }
        try UnifiedKeys.checkControllers(for: resources, on: host)
        let names = UnifiedKeys.controllers(for: resources)
        directory(.unified, on: host) { directory in
            directory.writes += writes
            for name in names { directory.require(name) }
        }
    }
}

extension CgroupPlan.Directory {
    /// Adds a controller that a limit needs.
    mutating func require(_ controller: String) {
        wanted.removeAll { $0 == controller }
        if !required.contains(controller) { required.append(controller) }
    }
}
