import CapabilityBinding
import Cgroups
package import ContainerInit
import LinuxSystem
import Namespaces
import Rootfs
import RuntimeSpec
import Security

extension Container {
    /// Runs a further process in the container: its namespaces, cgroup, filter and labels. Returns once the program
    /// runs; a failure to get there leaves nothing.
    package func exec(_ request: ExecRequest) throws(LaunchFailure) -> RunningProcess {
        let attempt: ExecAttempt
        do throws(StepError) {
            attempt = try ExecAttempt.begin(request, in: self)
        } catch {
            throw LaunchFailure(error)
        }
        return try attempt.finish()
    }
}

/// An `exec` under way.
private struct ExecAttempt: ~Copyable {
    private let request: ExecRequest
    private let initial: InitialProcess
    private let filter: SeccompProgram?
    private let spec: RuntimeSpec
    private let plan: InitPlan
    private let console: OwnedFD?
    private let consoleView: BorrowedFD?
    private let container: Container

    private init(
        request: ExecRequest, initial: consuming InitialProcess, filter: SeccompProgram?, spec: RuntimeSpec,
        plan: InitPlan, console: Int32?, container: Container
    ) {
        self.container = container
        self.request = request
        self.initial = initial
        self.filter = filter
        self.spec = spec
        self.plan = plan
        consoleView = console.map { BorrowedFD(rawValue: $0) }
        self.console = console.map { OwnedFD(adopting: $0) }
    }

    static func begin(_ request: ExecRequest, in container: Container) throws(StepError) -> ExecAttempt {
        guard let pidfd = try container.openInit() else {
            throw StepError("", refused: "container not running", code: .containerNotRunning)
        }
        let status = try container.statusOfLiving()
        if !(status == .paused && request.ignoresPause) { try StateTransition.exec.check(status) }
        let spec = try container.configuration()
        var request = request
        request.process = request.process.completed(by: spec.process)
        Trace.mark("read the container's state")
        let plan = try plan(request, spec, container)
        Trace.mark("plan the process")
        try plan.security?.labels.check()
        let console = try connect(request)
        let filter = try plan.security?.seccomp.map { (spec) throws(StepError) in
            try SeccompCache(at: StateStore.filterCache).program(for: spec)
        }
        if filter != nil { Trace.mark("get the filter") }
        let root = try container.openChangedRoot(pidfd.borrowed)
        defer { if let root { _ = OwnedFD(adopting: root.rawValue) } }
        let target = try ExecTarget(request, container, pidfd: pidfd.borrowed, root: root)
        let initial = try start(plan, filter, target, container, request)
        return ExecAttempt(
            request: request, initial: initial, filter: filter, spec: spec, plan: plan, console: console,
            container: container)
    }

    private static func connect(_ request: ExecRequest) throws(StepError) -> Int32? {
        guard case .socket(let path) = request.console else { return nil }
        return try ConsoleSocket.connect(to: path).release()
    }

    private static func plan(
        _ request: ExecRequest, _ spec: RuntimeSpec, _ container: Container
    ) throws(StepError) -> InitPlan {
        let process = request.process
        let hasUserNamespace = container.record.namespaces.contains(.user)
        let host = try HostFacts.detect(usesCgroups: false)
        return try refusing("check the process") { () throws(SpecError) in
            try Validation.validate(process: process)
            if process.terminal, request.console == .none {
                throw SpecError(field: "terminal", reason: "a detached terminal needs a console socket")
            }
            if !process.terminal, case .socket = request.console {
                throw SpecError(
                    field: "terminal", reason: "is false, so there is nothing for the console socket")
            }
            let security = try SecurityPlan.make(
                process: process, linux: spec.linux, grantable: hasUserNamespace ? .all : host.permitted,
                keepsGroups: spec.keepsCallersGroups)
            for warning in security.warnings { request.warn(warning) }
            var program = ProcessPlan(
                process, preservedDescriptors: request.preservedDescriptors, windowSize: request.windowSize)
            program.keepsNewlines = request.keepsNewlines
            var plan = InitPlan(
                namespaces: try NamespacePlan(spec: RuntimeSpec()), mounts: MountPlan(), security: security,
                process: program)
            plan.gate = .channel
            plan.keyring = container.record.keepsKeyring ? nil : container.id.keyring
            plan.state = container.state(.running)
            plan.listenerNeedsSibling = !host.permitted.contains(.sysPtrace)
            return plan
        }
    }

    private static func start(
        _ plan: InitPlan, _ filter: SeccompProgram?, _ target: ExecTarget, _ container: Container,
        _ request: ExecRequest
    ) throws(StepError) -> InitialProcess {
        let cgroup = try openCgroup(container, request)
        var entry = try cgroup.openEntry()
        try container.record.resctrl?.openEntry(&entry)
        let handles = try NamespaceHandles.open(plan.namespaces)
        let ends = try during("make the channel") { () throws(SyscallError) in try SyncChannel.pair() }
        let own = SyncChannel(adopting: OwnedFD(adopting: ends.runtime))
        let other = SyncChannel(adopting: OwnedFD(adopting: ends.initial))
        let procfs = try plan.openProcfs()
        try during("block signals") { () throws(SyscallError) in _ = try blockAllSignals() }
        Trace.mark("make the channel")
        let outcome = try cloneWhereInitIs(target, container, request, cgroup, closing: [own.borrowed])
        switch consume outcome {
        case .child:
            _ = consume own
            InitProcess.run(
                InitContext(
                    plan: plan, channel: other, sources: nil, handles: handles, gate: nil, procfs: procfs,
                    filter: filter, cgroupEntries: entry.take(), stdio: request.stdio, target: target))
        case .parent(let child):
            Trace.mark("clone into the container")
            entry.close()
            return InitialProcess(child: child, channel: own)
        }
    }

    private static func openCgroup(_ container: Container, _ request: ExecRequest) throws(StepError) -> Cgroup
    {
        guard let record = container.record.cgroup, !record.directories.isEmpty else {
            guard request.subCgroups.isEmpty else {
                throw StepError(
                    "find the cgroup", refused: "the container has no cgroup of its own", code: .usage)
            }
            return Cgroup.none()
        }
        return try Cgroup.forExec(
            record, below: request.subCgroups, first: ProcessID(rawValue: container.record.pid))
    }

    /// A container that has passed controllers on to cgroups that it made itself takes no processes in its own any
    /// more: then the process goes where the first one is.
    /// - SeeAlso: cgroup-v2.rst §No Internal Process Constraint
    private static func cloneWhereInitIs(
        _ target: ExecTarget, _ container: Container, _ request: ExecRequest, _ cgroup: borrowing Cgroup,
        closing strangers: [BorrowedFD]
    ) throws(StepError) -> CloneOutcome {
        do throws(StepError) {
            return try clone(target, container, cgroup, closing: strangers)
        } catch {
            guard error.errno == .EBUSY, request.subCgroups.isEmpty, let record = container.record.cgroup
            else { throw error }
            let current = try Cgroup.reopen(
                from: try record.following(ProcessID(rawValue: container.record.pid)))
            return try clone(target, container, current, closing: strangers)
        }
    }

    /// Without a user namespace of its own, a container's process that may trace others could look through a process
    /// that shares its pid namespace but has the host's root still. So such a process gets the container's root first.
    private static func clone(
        _ target: ExecTarget, _ container: Container, _ cgroup: borrowing Cgroup,
        closing strangers: [BorrowedFD]
    ) throws(StepError) -> CloneOutcome {
        let kinds = container.record.namespaces
        let trees = cgroup.trees.map(\.descriptor).filter { $0 != cgroup.v2Directory }
        if target.isInUserNamespace {
            return try NamespaceLaunch.clone(
                beside: target.pidfd, kinds: [.newUser, .newPID], intoCgroup: cgroup.v2Directory,
                closing: strangers + trees)
        }
        guard !kinds.contains(.user), kinds.contains(.pid), kinds.contains(.mount) else {
            return try during("clone into the container") { () throws(SyscallError) in
                // It takes in only children of who joins. We clone nothing else after this.
                if kinds.contains(.pid) { try joinNamespace(target.pidfd, kinds: .newPID) }
                return try cloneProcess([], intoCgroup: cgroup.v2Directory)
            }
        }
        return try NamespaceLaunch.clone(
            beside: target.pidfd, kinds: [.newPID, .newMount], intoCgroup: cgroup.v2Directory,
            closing: strangers + trees)
    }

    /// Talks until the program runs.
    consuming func finish() throws(LaunchFailure) -> RunningProcess {
        var primary: OwnedFD?
        do throws(LaunchFailure) {
            var machine = plan.makeProtocol(filter)
            while !machine.isFinished {
                var answer = try initial.receive()
                guard case .record(let record) = answer.content else {
                    throw LaunchFailure(initial.explainDeath(awaiting: machine.awaited))
                }
                switch try machine.nextAction(record) {
                case .fail(let failure): throw failure
                case .warn(let text): request.warn(text)
                case .trace(let text): Trace.adopt(text, from: initial.child.pid)
                case .takeConsole: primary = try take(answer.descriptor.take())
                case .takeListener(let number): try handOver(number, answer.descriptor.take())
                default: continue
                }
            }
            try initial.channel.waitForProgram(of: initial.child.pid)
            if let path = request.pidfdSocket {
                let pidfd = initial.child.pidfd.borrowed
                try asLaunch { () throws(StepError) in
                    try PIDFDSocket.send(pidfd, of: .further, to: path)
                }
            }
            if let path = request.pidFile {
                try asLaunch { () throws(StepError) in try PIDFile.write(initial.child.pid, to: path) }
            }
        } catch {
            initial.end()
            throw MemoryShortage.explaining(error, container.statisticsIfAny())
        }
        return RunningProcess(initial: initial, primary: primary)
    }

    private func take(_ descriptor: consuming OwnedFD?) throws(LaunchFailure) -> OwnedFD? {
        guard let descriptor else {
            throw LaunchFailure(StepError("take the terminal", refused: "no descriptor came"))
        }
        guard let consoleView else { return descriptor }
        let view = descriptor.borrowed
        try asLaunch { () throws(StepError) in try ConsoleSocket.send(view, over: consoleView) }
        _ = consume descriptor
        return nil
    }

    private func handOver(_ number: Int32, _ sent: consuming OwnedFD?) throws(LaunchFailure) {
        do throws(StepError) {
            try SeccompAgent.handOver(
                number, sent: sent, of: initial.child, spec: spec, state: plan.state)
            try initial.answer(.listenerTaken)
        } catch {
            throw LaunchFailure(error)
        }
    }
}

extension Container {
    /// The root of the first process where that is not the top of its mount namespace; the caller closes it.
    fileprivate func openChangedRoot(_ pidfd: BorrowedFD) throws(StepError) -> BorrowedFD? {
        guard record.attachedRoot != nil else { return nil }
        return try during("open the root of the container") { () throws(SyscallError) in
            let root = try open(Path("/proc/\(record.pid)/root"), [.pathOnly, .directory])
            try pidfd.sendSignal(0)  // the number is still its own
            return BorrowedFD(rawValue: root.release())
        }
    }
}

extension ExecTarget {
    fileprivate init(
        _ request: ExecRequest, _ container: Container, pidfd: BorrowedFD, root: BorrowedFD?
    ) throws(StepError) {
        let affinity = request.process.execCPUAffinity
        let lists = try refusing("check the process") { () throws(SpecError) in
            let field = "execCPUAffinity"
            let first = try affinity?.initial.map { (text) throws(SpecError) in
                try CPUList(text, field: "\(field).initial").processors
            }
            let last = try affinity?.final.map { (text) throws(SpecError) in
                try CPUList(text, field: "\(field).final").processors
            }
            return (first ?? [], last ?? [])
        }
        let own = container.record.namespaces
        let isInUserNamespace = effectiveUserID() != 0 && own.contains(.user) && own.contains(.pid)
        let kinds = own.filter { $0 != .pid && !(isInUserNamespace && $0 == .user) }
            .reduce(into: CloneFlags()) { $0.formUnion(CloneFlags($1)) }
        self.init(
            pidfd: pidfd, root: root, kinds: kinds, isInUserNamespace: isInUserNamespace,
            initialProcessors: lists.0,
            finalProcessors: lists.1)
    }
}
