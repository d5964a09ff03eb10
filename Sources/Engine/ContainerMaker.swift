internal import Cgroups
internal import ImageSpec
internal import ImageStore
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec

/// A container that has just been made and not yet run: its lock and its root file system are at hand.
package struct PreparedContainer: ~Copyable {
    package let container: EngineContainer
    /// Held from the making or starting on; the monitor takes it over.
    package let lock: FileLock
    /// The root file system, attached nowhere.
    package let root: MountTree

    init(container: consuming EngineContainer, lock: consuming FileLock, root: consuming MountTree) {
        self.container = container
        self.lock = lock
        self.root = root
    }
}

/// Makes a container from an image and what a person asks of it. Whatever fails, all that was made goes away again.
///
/// ```
///   image ─▶ folder, lock ─▶ name ─▶ snapshot ─▶ root file system ─▶ user, volumes, files ─▶ config.json ─▶ record.json
/// ```
package struct ContainerMaker {
    private let home: EngineHome
    private let options: RunOptions
    private let environment: [String]

    /// A maker; `environment` is the caller's.
    package init(home: EngineHome, options: RunOptions, environment: [String]) {
        self.home = home
        self.options = options
        self.environment = environment
    }

    /// Makes it.
    package func make(image text: String) throws(StepError) -> PreparedContainer {
        if let name = options.name { try OptionText.checkName(name, what: "container") }
        if let file = options.receiptFile ?? options.annotations[ReceiptFile.annotation] {
            _ = try ReceiptFile(checking: Path(file))
        }
        let found = try ImageLookup(home: home, environment: environment).find(text)
        let stopSignal = try self.stopSignal(found.image.config.config)
        let command = try ContainerSpecification.command(config: found.image.config.config, options: options)
        let records = try home.records()
        let id = try RecordStore.makeID()
        let folder = try records.makeFolder(id: id)
        var record = ContainerRecord(
            id: id, name: "", image: text, imageDigest: found.image.manifestDigest.description,
            created: Clock.timestamp(Clock.wall()), command: command)
        record.stopSignal = stopSignal
        var made = MadeParts(home: home, id: id)
        do throws(StepError) {
            let lock = try during("lock the container's folder") { () throws(SyscallError) in
                try FileLock(at: ContainerFile.lock, in: folder.borrowed)
            }
            record.name = try claimName(id, records)
            made.name = record.name
            // Until the record is written nobody else sees which ids are taken.
            let idLock: UserRanges.Lock? =
                if case .automatic = options.userNamespace { try UserRanges.Lock(home) } else { nil }
            defer { withExtendedLifetime(idLock) {} }
            (record.userMappings, record.groupMappings) = try UserRanges(home: home).mappings(
                options.userNamespace)
            made.hasSnapshot = true
            let rootfs = ContainerRootfs(home: home, record: record)
            try rootfs.make(found.image, as: found.reference)
            let root = try rootfs.mount(isVolatile: options.removesItself)
            try furnish(
                &record, found.image.config.config, folder: folder.borrowed, root: root.borrowed,
                &made.volumes)
            try records.write(record, in: folder.borrowed)
            return PreparedContainer(
                container: EngineContainer(home: home, record: record, folder: folder), lock: lock, root: root
            )
        } catch {
            var error = error
            error.notes += made.undo()
            throw error
        }
    }

    private func claimName(_ id: String, _ records: borrowing RecordStore) throws(StepError) -> String {
        if let name = options.name {
            try records.claim(name: name, for: id)
            return name
        }
        var attempt = 0
        while true {
            let name = try ContainerName.random(attempt: attempt, id: id)
            do throws(StepError) {
                try records.claim(name: name, for: id)
                return name
            } catch {
                attempt += 1
                if attempt > 16 { throw error }
            }
        }
    }

    /// Everything that depends on what the image's files hold; ends with config.json.
    private func furnish(
        _ record: inout ContainerRecord, _ config: ContainerConfig, folder: BorrowedFD, root: BorrowedFD,
        _ volumes: inout [Path]
    ) throws(StepError) {
        let user = try ImageUser(root: root).resolve(
            options.user ?? config.user, additional: options.additionalGroups)
        var facts = ContainerSpecification.Facts(user: user, id: record.id)
        var options = options
        let path = home.containers.appending(Path(record.id))
        try ContainerVolumes(home: home, folder: folder, path: path, root: root)
            .make(&options, config, &facts, &record, &volumes)
        facts.userMappings = record.userMappings
        facts.groupMappings = record.groupMappings
        facts.devices = try HostDevices.numbers(of: options.devices)
        facts.seccomp = try seccompProfile()
        facts.terminalType = environment.last { $0.hasPrefix("TERM=") }.map { String($0.dropFirst(5)) }
        if options.limits.cpuWeight != nil {
            facts.hasUnifiedCPU = try CgroupHost.detect().home(of: .cpu) == .unified
        }
        if options.wantsInit { facts.initProgram = try InitCopy.path(in: home.state).string }
        var spec = try ContainerSpecification(config: config, options: options, facts: facts).make()
        let taken = Set(spec.mounts.map(\.destination))
        spec.mounts += try GeneratedFiles(folder: folder, path: path, root: root, owner: record.rootOwner)
            .make(
                hostname: options.hostname ?? String(record.id.prefix(12)), network: options.network,
                taken: taken
            )
        complete(&record, config)
        try during("write config.json of \(record.name)") { () throws(SyscallError) in
            try replaceFile(ContainerFile.configuration, in: folder, spec.json())
        }
    }

    private func complete(_ record: inout ContainerRecord, _ config: ContainerConfig) {
        record.hasTerminal = options.wantsTerminal
        record.keepsInputOpen = options.keepsInputOpen
        record.wantsInit = options.wantsInit
        record.removesItself = options.removesItself
        record.pressureTriggers = options.pressureTriggers
        record.receiptFile = options.receiptFile ?? options.annotations[ReceiptFile.annotation]
        record.stopTimeoutSeconds = options.stopTimeoutSeconds ?? config.stopTimeout ?? 10
        record.network = options.network.rawValue
        var labels = config.labels.filter { label in !options.labels.contains { $0.key == label.key } }
        labels += options.labels.map { (key: $0.key, value: $0.value) }
        record.labels = StringMap(labels.map { (key: $0.key, value: $0.value) })
    }

    private func stopSignal(_ config: ContainerConfig) throws(StepError) -> Int32 {
        guard let text = options.stopSignal ?? config.stopSignal, !text.isEmpty else { return 15 }
        guard let number = SignalName.number(text) else {
            throw StepError("choose the stop signal", refused: "there is no signal '\(text)'", code: .usage)
        }
        return number
    }

    private func seccompProfile() throws(StepError) -> SeccompSpec? {
        guard case .file(let path) = options.seccomp else { return nil }
        let text = try during("read the seccomp profile \(path)") { () throws(SyscallError) in
            try readFile(Path(path), limit: 4 << 20, sizeHint: 32_768)
        }
        do throws(JSONError) {
            return try SeccompSpec(json: text)
        } catch {
            throw StepError(
                "read the seccomp profile \(path)", refused: error.description, code: .seccompFailed)
        }
    }
}

/// What of a container exists while it is being made.
private struct MadeParts {
    let home: EngineHome
    let id: String
    var name: String?
    var hasSnapshot = false
    /// Folders of named volumes that were made for this container.
    var volumes: [Path] = []

    init(home: EngineHome, id: String) {
        self.home = home
        self.id = id
    }

    /// Takes everything back; gives the failures of that.
    func undo() -> [String] {
        var failures: [StepError?] = []
        if let name {
            failures.append(
                bestEffort("reported as a note") { () throws(StepError) in
                    try home.records().release(name: name)
                })
        }
        if hasSnapshot {
            failures.append(
                bestEffort("reported as a note") { () throws(StepError) in
                    try ContainerRootfs(home: home, id: id).remove()
                })
        }
        for volume in volumes {
            failures.append(
                bestEffort("reported as a note") { () throws(StepError) in
                    try during("remove volume \(volume)") { () throws(SyscallError) in try removeTree(volume)
                    }
                })
        }
        failures.append(
            bestEffort("reported as a note") { () throws(StepError) in try home.records().removeFolder(id: id)
            })
        return failures.compactMap { $0?.description }
    }
}
