import Cgroups
import ContainerInit
import JSONCoding
package import LinuxSystem
import Namespaces
import Rootfs
import RuntimeSpec

extension Launch {
    /// Makes a container from a bundle and the images that `checkpoint` has saved of an earlier one. On a failure
    /// nothing stays.
    /// - Throws: a `StepError` with CRIU's own reason and the path of its log.
    /// - SeeAlso: criu(8)
    package static func restore(
        _ request: CreateRequest, _ options: CheckpointOptions, in store: StateStore
    ) throws(StepError) -> RestoredContainer {
        _ = try CriuProgram.find()
        let folders = try CheckpointFolders(options, makes: false)
        let standard = try StandardFiles(in: folders.images.borrowed)
        let launch = try plan(request, in: store, gate: .channel, hasRootTree: false)
        try launch.refuseWhatCannotComeBack()
        for warning in launch.plan.warnings { request.warn(warning) }
        let attempt = try RestoreAttempt.begin(launch)
        return try attempt.finish(folders, standard, options)
    }

    private func refuseWhatCannotComeBack() throws(StepError) {
        let linux = spec.linux
        let field =
            linux?.intelRdt != nil
            ? "linux.intelRdt" : linux?.netDevices.isEmpty == false ? "linux.netDevices" : nil
        guard let field else { return }
        throw StepError("", refused: "\(field): CRIU does not restore it", code: .unsupported, operand: field)
    }
}

/// A restore under way.
private struct RestoreAttempt: ~Copyable {
    private let launch: Launch
    private var reservation: Reservation
    private let cgroup: Cgroup
    private var record: StateRecord
    private let console: OwnedFD?
    private let consoleView: BorrowedFD?
    private var primary: OwnedFD?
    private var child: Child?

    /// Takes the id and makes the cgroup.
    static func begin(_ launch: consuming Launch) throws(StepError) -> RestoreAttempt {
        var console: Int32?
        if case .socket(let path) = launch.request.console {
            console = try ConsoleSocket.connect(to: path).release()
        }
        let reservation = try launch.store.reserve(launch.request.id)
        var record = launch.makeRecord()
        record.cgroup = launch.plan.cgroup.map { CgroupRecord($0) }
        try reservation.write(record)
        let cgroup = try launch.makeCgroup()
        if launch.plan.cgroup != nil { record.cgroup = cgroup.record }
        return RestoreAttempt(launch, reservation, cgroup, record, console: console)
    }

    private init(
        _ launch: consuming Launch, _ reservation: consuming Reservation, _ cgroup: consuming Cgroup,
        _ record: StateRecord, console: Int32?
    ) {
        consoleView = console.map { BorrowedFD(rawValue: $0) }
        self.console = console.map { OwnedFD(adopting: $0) }
        self.launch = launch
        self.reservation = reservation
        self.cgroup = cgroup
        self.record = record
    }

    consuming func finish(
        _ folders: borrowing CheckpointFolders, _ standard: StandardFiles, _ options: CheckpointOptions
    ) throws(StepError) -> RestoredContainer {
        do throws(StepError) {
            try restore(folders, standard, options)
        } catch {
            throw undo(after: error)
        }
        reservation.keep()
        guard let child = child.take() else {
            throw StepError(
                "restore the container", refused: "criu named no process", code: .checkpointFailed)
        }
        let container = Container(id: launch.request.id, store: launch.store, record: record)
        return RestoredContainer(container: container, child: child, primary: primary.take())
    }

    private mutating func restore(
        _ folders: borrowing CheckpointFolders, _ standard: StandardFiles, _ options: CheckpointOptions
    ) throws(StepError) {
        let log = folders.log("restore.log")
        if let owner = launch.spec.linux?.rootOutside { try folders.give(to: owner) }
        var request = CriuRequest(kind: .restore, options: options)
        request.facts = facts(folders, log, standard)
        var surroundings = CriuProcess.Surroundings()
        surroundings.cgroup = cgroup.v2Directory
        surroundings.mounts = launch.plan.initial.mounts
        surroundings.work = options.work ?? options.images
        surroundings.refusesNewPrivileges = launch.spec.process?.noNewPrivileges == true
        surroundings.descriptors = try joinNamespaces(&request.facts)
        var entry = try cgroup.openEntry()
        surroundings.entries = entry.files
        let criu = try CriuProcess.start(surroundings)
        entry.close()
        for fd in surroundings.descriptors { _ = OwnedFD(adopting: fd.rawValue) }
        request.facts.workFD = criu.workNumber
        let response = try criu.carryOut(request) { (event, descriptor) throws(StepError) in
            try react(to: event, consume descriptor)
        }
        guard response.success, child != nil else { throw log.failure("restore the container") }
    }

    private func facts(
        _ folders: borrowing CheckpointFolders, _ log: CriuLog, _ standard: StandardFiles
    ) -> CriuFacts {
        var facts = CriuFacts()
        facts.imagesFD = folders.images.rawValue
        facts.logName = log.name.string
        facts.root = launch.plan.initial.mounts.rootSource?.string
        facts.configFile = CriuNames.configFile(launch.spec.annotations["org.criu.config"])
        facts.inherited = standard.inherited
        for entry in launch.plan.initial.mounts.entries {
            guard case .bind(let source, _) = entry.origin else { continue }
            facts.mounts.append((key: entry.destination.lexicallyCleaned.string, value: source.string))
        }
        for path in OutsideDevices.paths(launch.spec) where !facts.mounts.contains(where: { $0.key == path })
        {
            facts.mounts.append((key: path, value: path))
        }
        for directory in record.cgroup?.directories ?? [] {
            guard let path = record.cgroup?.path else { continue }
            switch directory.tree {
            case .unified: facts.cgroups.append((controller: "", path: path))
            case .legacy(let name): facts.cgroups.append((controller: name, path: path))
            }
        }
        return facts
    }

    /// Opens the namespaces that CRIU takes over as descriptors; the caller closes them. The others it joins itself.
    private func joinNamespaces(_ facts: inout CriuFacts) throws(StepError) -> [BorrowedFD] {
        var files: [BorrowedFD] = []
        for namespace in launch.spec.linux?.namespaces ?? [] {
            guard let path = namespace.path else { continue }
            guard let kind = namespace.criuName else {
                throw StepError(
                    "", refused: "CRIU cannot join a \(namespace.kind.rawValue) namespace",
                    code: .unsupported,
                    operand: path)
            }
            guard kind == "net" || kind == "pid" else {
                facts.joins.append((kind: kind, path: path))
                continue
            }
            let file = try during("open \(namespace.kind.rawValue) namespace \(path)", code: .namespaceFailed)
            {
                () throws(SyscallError) in try open(Path(path), [.readOnly, .nonBlocking])
            }
            facts.inherited.append((key: CriuNames.outsideNamespace(kind), fd: 4 + Int32(files.count)))
            files.append(BorrowedFD(rawValue: file.release()))
        }
        return files
    }

    private mutating func react(
        to event: CriuResponse.Notification, _ descriptor: consuming OwnedFD?
    ) throws(StepError) {
        switch event.name {
        case "setup-namespaces":
            guard let pid = event.pid else { return }
            if launch.plan.initial.namespaces.wantsLoopback {
                try LoopbackInterface.bringUp(inNetworkOf: ProcessID(rawValue: pid))
            }
            try launch.runHooks(ProcessID(rawValue: pid))
        case "orphan-pts-master":
            guard let descriptor else {
                throw StepError(
                    "take the terminal", refused: "criu sent no descriptor", code: .terminalFailed)
            }
            if let consoleView {
                try ConsoleSocket.send(descriptor.borrowed, over: consoleView)
                _ = consume descriptor
            } else {
                primary = consume descriptor
            }
        case "post-restore":
            guard let pid = event.pid else { return }
            try commit(ProcessID(rawValue: pid))
        default: break
        }
    }

    /// The processes are there and do not run yet: device rules, state, configuration, pid file.
    private mutating func commit(_ pid: ProcessID) throws(StepError) {
        let pidfd = try during("open the restored process") { () throws(SyscallError) in try openPIDFD(pid) }
        child = Child(pid: pid, pidfd: pidfd)
        if let planned = launch.plan.cgroup { try cgroup.controlDevices(planned) }
        record.pid = pid.rawValue
        record.startTime =
            try during("find the start time of the restored process") { () throws(SyscallError) in
                try processStartTime(pid)
            } ?? 0
        record.created = Clock.timestamp(Clock.wall())
        // CRIU may have put it into a time namespace of its own.
        record.namespaces = try NamespaceKind.notShared(with: pid)
        try reservation.write(configuration: launch.configuration)
        try reservation.write(record)
        if let path = launch.request.pidFile { try PIDFile.write(pid, to: path) }
        if let path = launch.request.pidfdSocket {
            let pidfd = try during("open the restored process") { () throws(SyscallError) in
                try openPIDFD(pid)
            }
            try PIDFDSocket.send(pidfd.borrowed, of: .initial, to: path)
        }
    }

    private mutating func undo(after failure: StepError) -> StepError {
        var error = failure
        if let child = child.take() {
            let view = child.pidfd.borrowed
            bestEffort("criu has ended it") { () throws(SyscallError) in try view.sendSignal(9) }
            bestEffort("somebody has waited for it") { () throws(SyscallError) in
                try waitForExit(of: .pidfd(view))
            }
            _ = consume child
            if let path = launch.request.pidFile {
                bestEffort("it may not have been written") { () throws(SyscallError) in try unlink(path) }
            }
        }
        error = error.noting { () throws(StepError) in try cgroup.takeBack() }
        return error
    }
}

extension LinuxSpec {
    /// The host's ids of the container's root, when it has a new user namespace.
    fileprivate var rootOutside: (userID: UInt32, groupID: UInt32)? {
        guard namespaces.contains(where: { $0.kind == .user && $0.path == nil }),
            let user = uidMappings.first(where: { $0.containerID == 0 }),
            let group = gidMappings.first(where: { $0.containerID == 0 })
        else { return nil }
        return (user.hostID, group.hostID)
    }
}
