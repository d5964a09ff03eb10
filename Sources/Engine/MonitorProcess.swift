internal import CapabilityBinding
internal import ContainerInit
internal import ContainerRuntime
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec
internal import Security

/// `skiff monitor`, one small process for each container that runs:
///
/// ```
///   skiff run ──exec──▶ M monitor ──clone──▶ C creator ──clone──▶ I init ──exec──▶ program
///                        │                    └ makes cgroup and container, starts it, ends: its memory goes
///                        ├ is the subreaper, so I becomes its child and it sees the exit status
///                        └ keeps the streams, the log, the socket for attach; at the end writes the receipt
/// ```
/// The caller leaves three descriptors: the control socket (3), over which it hears how the start went and stays
/// attached if it likes, the container's lock (4), held from before the start to after the receipt, and the root
/// file system as a detached mount (5).
package struct MonitorProcess: ~Copyable {
    /// Number of the control socket.
    package static let controlNumber: Int32 = 3
    /// Number of the container's lock.
    package static let lockNumber: Int32 = 4
    /// Number of the root file system.
    package static let rootNumber: Int32 = 5
    /// As ps shows it; the kernel keeps fifteen bytes.
    private static let name = "skiff:[monitor]"

    /// What the command line says.
    package struct Options: Sendable {
        /// The container's full id.
        package var id: String
        /// Absolute paths.
        package var home: EngineHome
        /// Size of the caller's window.
        package var window: WindowSize?
        /// Whether the caller stays attached.
        package var staysAttached = false
        /// Whether containers get a cgroup.
        package var usesCgroups = true

        /// Options by what is always needed.
        package init(id: String, home: EngineHome) {
            self.id = id
            self.home = home
        }
    }

    private let options: Options
    private let container: EngineContainer
    private let control: SharedFD
    private var lock: SharedFD?
    private var root: SharedFD?

    /// Does everything; returns the exit code of the process.
    package static func run(_ options: Options) -> Int32 {
        let control = SharedFD(OwnedFD(adopting: controlNumber))
        do throws(StepError) {
            try prepare()
            let records = try options.home.records()
            guard let record = try records.record(id: options.id) else {
                throw StepError(
                    "find container \(options.id)", refused: "there is none", code: .containerNotFound)
            }
            let folder = try records.openFolder(id: options.id)
            let process = MonitorProcess(
                options: options,
                container: EngineContainer(home: options.home, record: record, folder: folder),
                control: control, lock: SharedFD(OwnedFD(adopting: lockNumber)),
                root: SharedFD(OwnedFD(adopting: rootNumber)))
            return try process.work()
        } catch {
            let message = MonitorMessage.failed(LaunchFailure(error, exitCode: 125))
            bestEffort("the caller may have gone") { () throws(SyscallError) in
                try BorrowedFD(rawValue: controlNumber).send(message)
            }
            return 125
        }
    }

    private init(
        options: Options, container: consuming EngineContainer, control: SharedFD,
        lock: SharedFD?, root: SharedFD?
    ) {
        self.options = options
        self.container = container
        self.control = control
        self.lock = lock
        self.root = root
    }

    /// Sealing comes first: it starts the program again, which needs the descriptors.
    private static func prepare() throws(StepError) {
        try SelfSeal.carryOut(
            SelfSeal.decide(try SelfSeal.Facts.current(), bounding: .all, mappedUserIDs: nil))
        try during("become the monitor") { () throws(SyscallError) in
            try blockAllSignals()
            for number in [controlNumber, lockNumber, rootNumber] {
                try BorrowedFD(rawValue: number).setCloseOnExec(true)
            }
            try closeRange(from: rootNumber + 1, onExec: false)
            try setProcessName(name)
            try processControl(.setChildSubreaper, 1)
            try changeDirectory(to: "/" as Path)
            setFileModeMask(0o077)
        }
    }

    private consuming func work() throws(StepError) -> Int32 {
        let program: LaunchedProgram
        do throws(LaunchFailure) {
            program = try ProgramCreator(options: options, record: container.record, path: container.path)
                .launch()
        } catch {
            let code = error.exitCode == 1 ? 125 : error.exitCode
            let message = MonitorMessage.failed(LaunchFailure(error.error, exitCode: code))
            bestEffort("the caller may have gone") { () throws(SyscallError) in
                try control.borrowed.send(message)
            }
            return code
        }
        root = nil
        return try watch(program)
    }

    /// Watches the program to its end, then records the outcome.
    private consuming func watch(_ program: LaunchedProgram) throws(StepError) -> Int32 {
        let outcome = program.outcome
        let pid = program.pid
        let listener = try listen()
        let control = control
        let folder = container.folder.borrowed
        let loop = try during("watch the container") { () throws(SyscallError) in
            let log = try LogWriter(folder: try open(".", [.readOnly, .directory], in: folder))
            return try MonitorLoop(pid: pid, streams: program.streams, log: log, listener: listener)
        }
        let failure = bestEffort("tested before the start; the container runs already") {
            () throws(StepError) in loop.pressure = try PressureWatch.begin(container)
        }
        if let failure { loop.tell("skiff: \(failure)\n") }
        bestEffort("the caller may have gone") { () throws(SyscallError) in
            try control.borrowed.send(.started(pid))
        }
        let staysAttached = options.staysAttached
        let result = try during("watch the container") { () throws(SyscallError) in
            if staysAttached { try loop.attach(control) }
            return try loop.run()
        }
        let end = try outcome.record(result, of: container, lock: BorrowedFD(rawValue: Self.lockNumber))
        if container.record.removesItself {
            try container.discard()
        } else {
            bestEffort("the next start removes it") { () throws(SyscallError) in
                try unlink(ContainerFile.attach, in: folder)
            }
        }
        lock = nil
        try during("tell the clients of the end") { () throws(SyscallError) in
            try loop.farewell(.ended(exitCode: end.exit.exitCode, receipt: end.receipt))
        }
        return 0
    }

    private func listen() throws(StepError) -> SharedFD {
        let path = container.path.appending(ContainerFile.attach)
        return try during("make the socket for attach") { () throws(SyscallError) in
            bestEffort("there is one only after a crash") { () throws(SyscallError) in try unlink(path) }
            return SharedFD(try UnixSocket.listen(at: path, kind: .sequenced))
        }
    }
}
