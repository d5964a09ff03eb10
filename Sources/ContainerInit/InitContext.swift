package import LinuxSystem
package import Namespaces
package import Rootfs
package import Security

/// Everything that init holds: the plan, what the runtime has opened for it, and what it has reached so far.
package struct InitContext: ~Copyable {
    /// What to do.
    let plan: InitPlan
    /// The connection to the runtime; replaced by the one to `start` at the gate.
    var channel: SyncChannel
    /// The host's part of the mounts.
    var sources: MountSources?
    /// Namespaces to join.
    let handles: NamespaceHandles
    /// The gate socket.
    var gate: OwnedFD?
    /// procfs of the runtime, opened when labels or oom_score_adj need it.
    private let procfs: OwnedFD?
    /// The same, for calls.
    let procfsView: BorrowedFD?
    /// The compiled filter.
    let filter: SeccompProgram?
    /// Files that take "0" to move the writer into the container's v1 cgroups and resctrl groups.
    let cgroupEntries: [BorrowedFD]
    /// Standard streams, when they are not those of the runtime.
    let stdio: [BorrowedFD]

    /// Where a process of `exec` goes; nil for the container's first process.
    let target: ExecTarget?

    /// The root file system while it is being made.
    var rootfs: RootfsContext?
    /// The primary side of the terminal.
    var primary: OwnedFD?
    /// The replica side of the terminal.
    var replica: OwnedFD?
    /// The umask that the runtime was called with.
    var inheritedMask: UInt32 = 0o022
    /// Whether the user namespace lets us choose supplementary groups.
    var canSetGroups = true
    /// Whether the filter went on before the hooks of start.
    var filterIsOn = false
    /// The program, once found.
    var program: ExecProgram?
    /// The environment in its final form.
    var environment: [String] = []

    /// What init starts with. `stdio` is empty, or standard input, output and error; `procfs` is given away.
    package init(
        plan: InitPlan, channel: consuming SyncChannel, sources: consuming MountSources?,
        handles: consuming NamespaceHandles, gate: Int32?, procfs: Int32?,
        filter: SeccompProgram?, cgroupEntries: [BorrowedFD], stdio: [BorrowedFD], target: ExecTarget? = nil
    ) {
        self.target = target
        self.plan = plan
        self.channel = channel
        self.sources = consume sources
        self.handles = handles
        self.gate = gate.map { OwnedFD(adopting: $0) }
        procfsView = procfs.map { BorrowedFD(rawValue: $0) }
        self.procfs = procfs.map { OwnedFD(adopting: $0) }
        self.filter = filter
        self.cgroupEntries = cgroupEntries
        self.stdio = stdio
    }

    /// Sends a record to whoever listens.
    func tell(_ record: SyncRecord) throws(LaunchFailure) {
        do throws(SyscallError) {
            try channel.send(record)
        } catch {
            throw LaunchFailure(StepError("tell the runtime \(record.kind)", error, code: .internalError))
        }
    }

    /// Hands over what the timeline has so far, if one is kept.
    func tellTrace() throws(LaunchFailure) {
        guard Trace.isOn else { return }
        while let text = Trace.takeText() { try tell(.trace(text)) }
    }

    /// Waits for one certain record.
    func expect(_ kind: SyncRecord.Kind) throws(LaunchFailure) {
        // Texts only for a failure: the name of an enum's case is found by reflection, which costs 0.15 ms.
        do throws(SyscallError) {
            let answer = try channel.receive()
            if case .record(let record) = answer.content, record.kind == kind { return }
            throw SyscallError(.receiveMessage, on: "\(answer.content)", .EINVAL)
        } catch {
            throw LaunchFailure(StepError("wait for \(kind) of the runtime", error, code: .internalError))
        }
    }
}
