package import LinuxSystem

extension Cgroup {
    /// Makes the directories of a plan, enables the controllers down the v2 tree, and writes the limits. When a step
    /// fails, what was made is removed again.
    /// - Throws: a `StepError` that names the limit's field, the file and the value, or the rule of the kernel that
    ///   stands against it.
    ///
    /// With `leavingDevices` the device rules are not put in place: `controlDevices` does it, which must be before
    /// anything runs in the cgroup that is not trusted. It takes as long as all else here.
    package static func create(
        _ plan: CgroupPlan, leavingDevices: Bool = false
    ) throws(StepError) -> Cgroup {
        var cgroup = Cgroup(
            record: CgroupRecord(path: plan.path.description, isInOwnFolder: plan.path.isInOwnFolder))
        do throws(StepError) {
            if let scope = plan.scope { try cgroup.start(scope) }
            let isOurs = plan.scope == nil
            for directory in plan.directories { try cgroup.make(directory, at: plan.path, isOurs: isOurs) }
            if let owner = plan.owner { try cgroup.delegate(toUser: owner) }
            if !leavingDevices { try cgroup.controlDevices(plan) }
        } catch {
            var error = error
            error.notes += cgroup.undo()
            throw error
        }
        return cgroup
    }

    /// Puts the device rules of a new cgroup's plan in place, where a program holds them.
    package func controlDevices(_ plan: CgroupPlan) throws(StepError) {
        guard let rules = plan.deviceRules else { return }
        try installDeviceProgram(rules, isFirst: isNew)
    }

    /// `isOurs` says that nobody else may use the place.
    private mutating func make(
        _ directory: CgroupPlan.Directory, at path: CgroupPath, isOurs: Bool
    ) throws(StepError) {
        let whole = directory.mountPoint.appending(path.relative)
        let new: [Path]
        do throws(SyscallError) {
            new = try CgroupDirectories.make(path.relative, below: directory.mountPoint)
        } catch {
            let mayNotWrite = [.EACCES, .EPERM, .EROFS].contains(error.errno)
            if mayNotWrite, !directory.isRequired {
                return note("no cgroup in the \(directory.tree) tree: \(error)")
            }
            throw StepError(
                "create cgroup \(path)", error, hint: CgroupHints.forMaking(error.errno, directory))
        }
        remember(made: new)
        let fd = try during("open cgroup \(path)") { () throws(SyscallError) in
            try open(whole, [.readOnly, .directory])
        }
        let files = CgroupFiles(
            tree: directory.tree, controllers: directory.controllers, path: whole,
            depth: path.relative.components.count, descriptor: BorrowedFD(rawValue: fd.release()))
        add(files)
        if isOurs, new.last != whole { try CgroupDirectories.checkUnused(files) }
        if files.version == .unified {
            try CgroupDirectories.enable(required: directory.required, wanted: directory.wanted, for: files)
        } else if directory.controllers.contains(.cpuset) {
            try CgroupDirectories.inheritCpuset(path.relative, below: directory.mountPoint)
        }
        try CgroupWriter(files: files, path: self.path).apply(directory.writes)
    }
}
