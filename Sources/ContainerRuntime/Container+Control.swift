package import Cgroups
package import LinuxSystem
package import RuntimeSpec

extension Container {
    /// Stops all processes of the container until `resume`.
    package func pause() throws(StepError) {
        try StateTransition.pause.check(try status())
        try phase(.cgroupFailed) { () throws(StepError) in try openCgroup("pause the container").freeze() }
    }

    /// Lets the processes run again.
    package func resume() throws(StepError) {
        try StateTransition.resume.check(try status())
        try phase(.cgroupFailed) { () throws(StepError) in try openCgroup("resume the container").thaw() }
    }

    /// Changes limits: only what is given, all of it or nothing. `resctrl` has lines for the schemata of the container's
    /// resctrl group. `refusesKilling` refuses a memory limit that could be reached by killing only.
    package func update(
        _ resources: ResourcesSpec, resctrl lines: [String] = [], refusesKilling: Bool = false
    ) throws(StepError) {
        try StateTransition.update.check(try status())
        try phase(.cgroupFailed) { () throws(StepError) in
            if lines.isEmpty { return try updateCgroup(resources, refusesKilling) }
            guard let group = record.resctrl else {
                throw StepError(
                    "update the resctrl group", refused: "the container has none",
                    hint: "linux.intelRdt of the configuration gives it one at create", code: .unsupported)
            }
            let root = try ResctrlTree.find()
            let old = try group.update(lines, in: root)
            do throws(StepError) {
                try updateCgroup(resources, refusesKilling)
            } catch {
                var error = error
                if let note = group.restore(old, in: root) { error.notes.append(note) }
                throw error
            }
        }
    }

    private func updateCgroup(_ resources: ResourcesSpec, _ refusesKilling: Bool) throws(StepError) {
        if resources == ResourcesSpec() { return }
        try openCgroup("update the limits").update(
            resources, host: try CgroupHost.detect(), refusesKilling: refusesKilling)
    }

    /// The processes of the container, those of cgroups that it made itself included.
    package func processes() throws(StepError) -> [ProcessID] {
        try StateTransition.processes.check(try status())
        guard let cgroup = record.cgroup, !cgroup.directories.isEmpty else {
            return [ProcessID(rawValue: record.pid)]
        }
        return try Cgroup.reopen(from: cgroup).processes()
    }

    /// Whether init lives: its number still has the start time that was noted.
    package func isAlive() throws(StepError) -> Bool {
        guard record.isComplete, record.pid > 0 else { return false }
        return try during("look for init") { () throws(SyscallError) in
            try processStartTime(ProcessID(rawValue: record.pid)) == record.startTime
        }
    }

    /// The figures of the container now, each file read once; the few of a table, or all. Unlike `statistics` it opens
    /// no directories.
    package func liveStatistics(brief: Bool) -> CgroupStatistics {
        guard let cgroup = record.cgroup else { return CgroupStatistics() }
        let trees = Cgroup.directories(of: cgroup)
        if brief { return .brief(from: trees) }
        var statistics = CgroupStatistics.read(from: trees)
        statistics.nameDevices()
        return statistics
    }

    /// The figures of the container now.
    package func statistics() throws(StepError) -> CgroupStatistics {
        try openCgroup("read the usage").statistics()
    }

    /// The figures, or none when they cannot be had: for explanations.
    func statisticsIfAny() -> CgroupStatistics {
        var found = CgroupStatistics()
        bestEffort("what is explained is told without figures then") { () throws(StepError) in
            found = try statistics()
        }
        return found
    }

    /// The container's cgroup; refused when it has none.
    package func openCgroup(_ step: Step) throws(StepError) -> Cgroup {
        guard let cgroup = record.cgroup, !cgroup.directories.isEmpty else {
            throw StepError(step, refused: "the container has no cgroup of its own", code: .cgroupFailed)
        }
        return try Cgroup.reopen(from: cgroup)
    }
}
