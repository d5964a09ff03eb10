internal import ContainerInit
internal import LinuxSystem

/// Starting a container's monitor and hearing from it how the start went.
enum MonitorSpawn {
    /// A container that runs, as the one who started it sees it.
    struct Started {
        /// Process id of its first process on the host.
        let pid: ProcessID
        /// The way to the monitor; letting it go means to leave.
        let control: SharedFD
        /// The monitor itself, this process's child.
        let monitor: SharedFD

        /// Waits for the monitor, which ends right after its last message.
        func reap() throws(SyscallError) { try waitForExit(of: .pidfd(monitor.borrowed)) }
    }

    /// Executes skiff again as the monitor and waits until the container's program runs or cannot be run.
    ///
    /// - Parameters:
    ///   - lock: the container's lock, which the monitor keeps.
    ///   - root: the container's root file system.
    /// - Throws: the creating process's own failure, with 125, 126 or 127 as the exit code.
    static func start(
        _ options: MonitorProcess.Options, lock: BorrowedFD, root: BorrowedFD
    ) throws(LaunchFailure) -> Started {
        let own: SharedFD
        let monitor: SharedFD
        do throws(SyscallError) {
            let ends = try SequencedSocket.pair().ends()
            own = SharedFD(OwnedFD(adopting: ends.first))
            let outcome = try cloneProcess()
            switch consume outcome {
            case .child:
                become(options, [BorrowedFD(rawValue: ends.second), lock, root])
            case .parent(let child):
                try OwnedFD(adopting: ends.second).close()
                monitor = SharedFD(try child.pidfd.borrowed.duplicate())
            }
        } catch {
            throw LaunchFailure(StepError("start the monitor", error), exitCode: 125)
        }
        return try hearStart(own, monitor)
    }

    private static func become(_ options: MonitorProcess.Options, _ descriptors: [BorrowedFD]) -> Never {
        do throws(SyscallError) {
            try startSession()
            // First out of the way of the numbers that they get.
            var moved: [Int32] = []
            for descriptor in descriptors { moved.append(try descriptor.duplicate(lowest: 16).release()) }
            for (index, number) in moved.enumerated() {
                try BorrowedFD(rawValue: number).duplicate(onto: MonitorProcess.controlNumber + Int32(index))
            }
            let null = try open("/dev/null", .readWrite)
            for number: Int32 in 0...2 { try null.borrowed.duplicate(onto: number) }
            try execute(
                "/proc/self/exe", arguments: arguments(options),
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        } catch {
            let message = MonitorMessage.failed(
                LaunchFailure(StepError("start the monitor", error), exitCode: 125))
            bestEffort("the caller notices the end") { () throws(SyscallError) in
                try descriptors[0].send(message)
            }
            exitProcess(125)
        }
    }

    /// The command line of the monitor.
    static func arguments(_ options: MonitorProcess.Options) -> [String] {
        var words = [
            "skiff", "--root", options.home.state.string, "--store", options.home.store.string, "monitor",
        ]
        if let window = options.window { words += ["--window", "\(window.rows)x\(window.columns)"] }
        if options.staysAttached { words.append("--attached") }
        if !options.usesCgroups { words.append("--no-cgroups") }
        return words + [options.id]
    }

    private static func hearStart(_ control: SharedFD, _ monitor: SharedFD) throws(LaunchFailure) -> Started {
        let failure: LaunchFailure
        do throws(SyscallError) {
            switch try control.borrowed.receiveMonitorMessage() {
            case .started(let pid): return Started(pid: pid, control: control, monitor: monitor)
            case .failed(let found): failure = found
            default:
                failure = LaunchFailure(
                    StepError("start the container", refused: "its monitor ended unexpectedly"), exitCode: 125
                )
            }
            try waitForExit(of: .pidfd(monitor.borrowed))
        } catch {
            throw LaunchFailure(StepError("start the monitor", error), exitCode: 125)
        }
        throw failure
    }
}
