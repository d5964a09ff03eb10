import Cgroups
import ContainerInit
import LinuxSystem
import Namespaces
import Rootfs
import RuntimeSpec
import Security

/// What exists once a launch has begun to act.
struct LaunchedProcess: ~Copyable {
    var reservation: Reservation
    var cgroup: Cgroup
    let cgroupPlan: CgroupPlan?
    let initial: InitialProcess
    let filter: SeccompProgram?
    let resctrl: ResctrlGroup?
    var record: StateRecord
}

extension LaunchedProcess {
    /// Lets go of the cgroup's own holder when init is in it: with v2 since its birth, else since its first steps.
    mutating func settle(afterFirstSteps: Bool) throws(LaunchFailure) {
        guard afterFirstSteps || cgroup.v2Directory != nil else { return }
        let plan = cgroupPlan
        do throws(StepError) {
            try cgroup.settle(plan)
        } catch {
            throw LaunchFailure(error)
        }
    }

    /// Puts the device rules in place while init makes the mounts. Init is trusted with devices, hooks and the program
    /// come later. A runtime that may not load the program goes on without it for a container in a user namespace: no
    /// node can be made there, and those of the host that are bound open for nobody who could not open them anyway.
    func controlDevices(_ launch: borrowing Launch) throws(LaunchFailure) {
        guard let cgroupPlan else { return }
        do throws(StepError) {
            try phase(.cgroupFailed) { () throws(StepError) in try cgroup.controlDevices(cgroupPlan) }
        } catch {
            guard error.errno == .EPERM, launch.plan.initial.mounts.opensInChild,
                launch.plan.initial.namespaces.hasUserNamespace
            else { throw LaunchFailure(error) }
            launch.request.explain?("device rules are left out: \(error)")
        }
    }
}

extension LaunchedProcess {
    /// Enters into the record which process is init.
    mutating func noteInit() throws(StepError) {
        let pid = initial.child.pid
        record.pid = pid.rawValue
        record.startTime =
            try during("find the start time of init") { () throws(SyscallError) in
                try processStartTime(pid)
            } ?? 0
    }
}

extension Launch {
    /// Makes the cgroup and the process. On a failure nothing stays.
    mutating func begin(rootTree: consuming MountTree?) throws(StepError) -> LaunchedProcess {
        let reservation = try store.reserve(request.id)
        request.explain?("the bundle is \(bundlePath), the state goes to \(store.root)/\(request.id)")
        try makeNotifyDirectory()
        Trace.mark("reserve the id")
        var record = makeRecord()
        let filter = try compileFilter()
        if filter != nil { Trace.mark("get the filter") }
        // Written before the cgroup exists: whoever finds us dead finds the cgroup by this, and the hooks to run.
        if record.hasPoststop { try reservation.write(configuration: configuration) }
        record.cgroup = plan.cgroup.map { CgroupRecord($0) }
        try reservation.write(record)
        Trace.mark("write the first state")
        let cgroup = try makeCgroup()
        Trace.mark("make the cgroup")
        if plan.cgroup != nil { record.cgroup = cgroup.record }
        if keepsAccount {
            var account = AccountRecord()
            account.outerEvents = cgroup.outerMemoryEvents()
            do throws(StepError) {
                try reservation.write(account)
            } catch {
                throw error.noting { () throws(StepError) in try cgroup.takeBack() }
            }
        }
        if !cgroup.notes.isEmpty { hideMissingCgroups(cgroup) }
        let initial: InitialProcess
        do throws(StepError) {
            record.resctrl = try makeResctrlGroup()
            var sources = try openSources(rootTree)
            Trace.mark("open the sources of mounts")
            if plan.initial.mounts.rootChange == .chroot {
                // Written before it is attached: whoever finds us dead takes it off by this.
                record.attachedRoot = try findAttachedRoot(&sources)
                try reservation.write(record)
            }
            let strangers = reservation.descriptors + cgroup.descriptors
            initial = try startInit(sources, cgroup, record.resctrl, filter, closing: strangers)
        } catch {
            let cause = record.resctrl?.undoing(error) ?? error
            throw cause.noting { () throws(StepError) in try cgroup.takeBack() }
        }
        return LaunchedProcess(
            reservation: reservation, cgroup: cgroup, cgroupPlan: plan.cgroup, initial: initial,
            filter: filter, resctrl: record.resctrl, record: record)
    }

    private func findAttachedRoot(_ sources: inout MountSources) throws(StepError) -> AttachedRoot? {
        let joined = plan.initial.namespaces.joins.first { $0.kind == .mount }
        let mounts = plan.initial.mounts
        return try AttachedRoot.find(
            &sources, mounts, namespace: mounts.sharesHostMounts ? nil : joined?.path)
    }

    /// What could not be made cannot be shown.
    private mutating func hideMissingCgroups(_ cgroup: borrowing Cgroup) {
        guard let planned = plan.cgroup else { return }
        let made = cgroup.record.directories.map(\.path)
        let missing = CgroupRecord(planned).directories.map(\.path).filter { !made.contains($0) }
        plan.initial.mounts.leaveOut(cgroups: missing.map { Path($0) })
    }

    private func makeResctrlGroup() throws(StepError) -> ResctrlGroup? {
        guard let planned = plan.resctrl else { return nil }
        return try phase(.cgroupFailed) { () throws(StepError) in
            try ResctrlGroup.prepare(planned, in: try ResctrlTree.find())
        }
    }

    private func openSources(_ rootTree: consuming MountTree?) throws(StepError) -> MountSources {
        do throws(StepError) {
            return try MountSources.open(plan.initial.mounts, rootTree: rootTree)
        } catch {
            throw error.coded(.mountFailed)
        }
    }

    func makeCgroup() throws(StepError) -> Cgroup {
        guard let planned = plan.cgroup else { return Cgroup.none() }
        let cgroup = try phase(.cgroupFailed) { () throws(StepError) in
            try Cgroup.create(planned, leavingDevices: true)
        }
        request.explain?("the cgroup is \(cgroup.path)")
        guard request.insistsOnCgroup, let note = cgroup.notes.first else {
            if let note = cgroup.notes.first {
                let others = cgroup.notes.count - 1
                request.warn(others == 0 ? note : "\(note); nor in \(others) further trees")
            }
            return cgroup
        }
        let error = StepError(
            "make the cgroup", refused: note, hint: "--rootless true goes on without", code: .cgroupFailed)
        throw error.noting { () throws(StepError) in try cgroup.takeBack() }
    }

    private mutating func startInit(
        _ sources: consuming MountSources, _ cgroup: borrowing Cgroup, _ resctrl: ResctrlGroup?,
        _ filter: SeccompProgram?, closing strangers: [BorrowedFD]
    ) throws(StepError) -> InitialProcess {
        let ends = try during("make the channel to init") { () throws(SyscallError) in try SyncChannel.pair()
        }
        let own = SyncChannel(adopting: OwnedFD(adopting: ends.runtime))
        let other = SyncChannel(adopting: OwnedFD(adopting: ends.initial))
        let gate = try openGate()
        let procfs = try plan.initial.openProcfs()
        var entry = try cgroup.openEntry()
        try resctrl?.openEntry(&entry)
        try during("block signals") { () throws(SyscallError) in _ = try blockAllSignals() }
        guard var handles = namespaces.take() else {
            throw StepError("clone init", refused: "the launch has been used already")
        }
        Trace.mark("make gate and channel")
        if let network { handles.take(network) }
        Trace.mark("wait for the network namespace")
        let outcome: CloneOutcome
        do throws(StepError) {
            outcome = try NamespaceLaunch.clone(
                plan.initial.namespaces, handles, intoCgroup: cgroup.v2Directory)
        } catch {
            throw cgroup.namingRule(error).coded(.namespaceFailed)
        }
        switch consume outcome {
        case .child:
            _ = consume own
            // The runtime's lock and cgroups are nothing for init; the values that own them never end here.
            for stranger in strangers { _ = OwnedFD(adopting: stranger.rawValue) }
            becomeInit(
                sources, handles, channel: other, gate: gate, procfs: procfs, entries: entry.take(), filter)
        case .parent(let child):
            Trace.mark("clone init")
            entry.close()
            return InitialProcess(child: child, channel: own)
        }
    }

    /// In the new process.
    private func becomeInit(
        _ sources: consuming MountSources, _ handles: consuming NamespaceHandles,
        channel: consuming SyncChannel, gate: Int32?, procfs: Int32?, entries: [BorrowedFD],
        _ filter: SeccompProgram?
    ) -> Never {
        let context = InitContext(
            plan: plan.initial, channel: channel, sources: sources, handles: handles, gate: gate,
            procfs: procfs, filter: filter, cgroupEntries: entries, stdio: request.stdio)
        InitProcess.run(context)
    }

    /// The gate socket for a container that another process starts.
    private func openGate() throws(StepError) -> Int32? {
        guard gate == .socket else { return nil }
        return try during("make the start gate") { () throws(SyscallError) in
            try StartGate.make(at: store.gatePath(of: request.id)).release()
        }
    }

}

extension InitPlan {
    /// procfs for labels and oom_score_adj, if the plan has any; the caller owns it.
    func openProcfs() throws(StepError) -> Int32? {
        guard let security, !security.labels.isEmpty || security.oomScoreAdjustment != nil else { return nil }
        return try during("open /proc") { () throws(SyscallError) in
            try open("/proc", [.pathOnly, .directory]).release()
        }
    }
}

extension CgroupRecord {
    /// Where a planned cgroup will be.
    init(_ plan: CgroupPlan) {
        self.init(
            path: plan.path.description, isInOwnFolder: plan.path.isInOwnFolder,
            directories: plan.directories.map { directory in
                Directory(
                    tree: directory.tree, controllers: directory.controllers,
                    path: directory.mountPoint.appending(plan.path.relative).string)
            })
        unit = plan.scope?.record
    }
}

extension StepError {
    /// This error, with a note if undoing fails too.
    func noting(_ undo: () throws(StepError) -> Void) -> StepError {
        var error = self
        if let second = bestEffort("the first failure is what counts", undo) {
            error.notes.append(second.description)
        }
        return error
    }
}
