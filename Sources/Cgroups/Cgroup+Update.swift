package import LinuxSystem
package import RuntimeSpec

extension Cgroup {
    /// Changes limits of a running container: only what is given, all of it or nothing. In an update 0 means "not
    /// given", as engines use it. When a step fails, the files already written get their old text back, and so do the
    /// properties of a scope of systemd, which come first: it may write to the files what they mean.
    /// - Throws: a `StepError` that names the field; its notes tell what could not be restored.
    ///
    /// With `refusesKilling` a memory limit is refused that could be reached by killing only.
    package func update(
        _ resources: ResourcesSpec, host: CgroupHost, refusesKilling: Bool = false
    ) throws(StepError) {
        var resources = resources
        if resources.pids?.limit == 0 { resources.pids = nil }
        let step: Step = "update cgroup \(path)"
        completePairs(of: &resources)
        var work: [(CgroupFiles, [CgroupWrite])] = []
        var rules: [DeviceRule] = []
        do throws(SpecError) {
            for (controller, writes) in try CgroupPlan.limits(resources, on: host) {
                let home = host.home(of: controller)
                guard let files = trees.first(where: { $0.tree == home }) else {
                    throw SpecError(
                        field: "linux.resources.\(writes.first?.field ?? controller.rawValue)",
                        reason:
                            "the container was started without the \(controller.rawValue) controller of cgroup v1",
                        kind: .controllerMissing)
                }
                work.append((files, writes))
            }
            try UnifiedKeys.checkControllers(for: resources, on: host)
            let writes = try UnifiedKeys.writes(for: resources)
            if let unified, !writes.isEmpty { work.append((unified, writes)) }
            rules = try DeviceRules.list(for: resources)
            try addLegacyDevices(&rules, to: &work)
        } catch {
            throw StepError(step, error)
        }
        if resources.memory?.checkBeforeUpdate == true { try checkUsage(resources.memory?.limit, step) }
        if refusesKilling { try checkReclaimable(resources.memory?.limit, step) }
        try enableUnified(for: resources, host)
        var scope = try ScopeUpdate.begin(record.unit, resources, host)
        try scope?.apply()
        do throws(StepError) {
            try apply(work) { () throws(StepError) in
                if !rules.isEmpty { try installDeviceProgram(rules) }
            }
        } catch {
            var error = error
            if let note = scope?.undo() { error.notes.append(note) }
            throw error
        }
    }

    /// A limit of v2 that comes with the update may be the first of its controller.
    private func enableUnified(for resources: ResourcesSpec, _ host: CgroupHost) throws(StepError) {
        guard let unified else { return }
        var names: [String] = []
        do throws(SpecError) {
            names = try CgroupPlan.limits(resources, on: host).map(\.0)
                .filter { host.home(of: $0) == .unified }.map(\.rawValue)
        } catch {
            throw StepError("update cgroup \(path)", error)
        }
        names += UnifiedKeys.controllers(for: resources)
        try CgroupDirectories.enable(required: names, wanted: [], for: unified)
    }

    private func addLegacyDevices(
        _ rules: inout [DeviceRule], to work: inout [(CgroupFiles, [CgroupWrite])]
    ) throws(SpecError) {
        guard !rules.isEmpty, let files = trees.first(where: { $0.controllers.contains(.devices) }) else {
            return
        }
        work.append((files, try DevicePolicy(rules).legacyWrites))
        rules = []
    }

    private func apply(
        _ work: [(CgroupFiles, [CgroupWrite])], then last: () throws(StepError) -> Void
    ) throws(StepError) {
        var saved: [LimitRestore] = []
        do throws(StepError) {
            for (files, writes) in work {
                saved += writes.flatMap { LimitRestore.all(undoing: $0, in: files) }
                try CgroupWriter(files: files, path: path).apply(writes)
            }
            try last()
        } catch {
            var error = error
            error.notes += Self.restore(saved.filter(\.isNeeded), path: path)
            throw error
        }
    }

    /// Newest first. Runs of one directory go through the writer together, so that values that depend on each other
    /// find their order.
    private static func restore(_ saved: [LimitRestore], path: String) -> [String] {
        var notes: [String] = []
        var rest = saved[...]
        while let files = rest.last?.files {
            let run = rest.reversed().prefix { $0.files == files }
            rest = rest.dropLast(run.count)
            let error = bestEffort("the failure of the update counts; this is told with it") {
                () throws(StepError) in
                try CgroupWriter(files: files, path: path).apply(run.map(\.write))
            }
            if let error { notes.append("not restored: \(error)") }
        }
        return notes
    }
}
