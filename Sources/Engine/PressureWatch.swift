internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem

/// A trigger of a running container: waits for the kernel's word, and runs the command on the host, as the user of the
/// monitor. One command at a time; the kernel speaks at most once a window.
final class PressureWatch {
    /// Commands write into this file of the container's folder.
    static let logName: Path = "monitor.log"
    private static let logLimit: Int64 = 1 << 20

    private let trigger: PressureTrigger
    private let environment: [String]
    private let log: SharedFD
    private var file: SharedFD?
    private var command: SharedFD?

    /// Arms all triggers of a container.
    static func begin(_ container: borrowing EngineContainer) throws(StepError) -> [PressureWatch] {
        let record = container.record
        if record.pressureTriggers.isEmpty { return [] }
        guard let runtime = try container.runtime(), let place = runtime.record.cgroup else { return [] }
        let cgroup = try Cgroup.reopen(from: place)
        let folder = container.folder.borrowed
        let log = try during("open the log of the monitor") { () throws(SyscallError) in
            SharedFD(try open(logName, [.writeOnly, .create, .append, .noFollow], mode: 0o600, in: folder))
        }
        var list: [PressureWatch] = []
        for text in record.pressureTriggers {
            let trigger = try PressureTrigger(text)
            let environment = [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "SKIFF_CONTAINER=\(record.id)", "SKIFF_NAME=\(record.name)", "SKIFF_IMAGE=\(record.image)",
                "SKIFF_PID=\(runtime.record.pid)", "SKIFF_CGROUP=\(place.path)",
                "SKIFF_PRESSURE=\(trigger.resource.rawValue)",
                "SKIFF_PRESSURE_KIND=\(trigger.isFull ? "full" : "some")",
                "SKIFF_PRESSURE_STALL_US=\(trigger.stall)", "SKIFF_PRESSURE_WINDOW_US=\(trigger.window)",
            ]
            list.append(PressureWatch(trigger, SharedFD(try trigger.arm(in: cgroup)), environment, log))
        }
        return list
    }

    private init(_ trigger: PressureTrigger, _ file: SharedFD, _ environment: [String], _ log: SharedFD) {
        self.trigger = trigger
        self.file = file
        self.environment = environment
        self.log = log
    }

    /// What to wait for: the kernel's word, and the end of the command.
    var interests: [(fd: BorrowedFD, events: PollEvents)] {
        let nobody = BorrowedFD(rawValue: -1)
        return [
            (file?.borrowed ?? nobody, .priority), (command?.borrowed ?? nobody, .readable),
        ]
    }

    /// Acts on what was found, in the order of `interests`.
    func serve(_ found: ArraySlice<PollEvents>) {
        guard let first = found.first, let last = found.last else { return }
        if !last.isEmpty { reap() }
        if first.contains(.error) {
            file = nil
        } else if first.contains(.priority), command == nil {
            start()
        }
    }

    private func reap() {
        // Held until the wait is over.
        guard let ended = command else { return }
        command = nil
        bestEffort("an outcome that cannot be had is not told") { () throws(SyscallError) in
            guard let result = try waitForExit(of: .pidfd(ended.borrowed)) else { return }
            if result.exit.shellCode != 0 { note("the command ended with \(result.exit.shellCode)") }
        }
    }

    private func start() {
        note(trigger.command)
        let failure = bestEffort("told in the log; the container goes on") { () throws(SyscallError) in
            let outcome = try cloneProcess()
            switch consume outcome {
            case .child: become()
            case .parent(let child): command = SharedFD(try child.pidfd.borrowed.duplicate())
            }
        }
        if let failure { note("the command cannot be run: \(failure)") }
    }

    private func become() -> Never {
        do throws(SyscallError) {
            try startSession()
            try resetSignalDispositions()
            try setSignalMask(.none)
            for number: Int32 in 1...2 { try log.borrowed.duplicate(onto: number) }
            try execute("/bin/sh", arguments: ["sh", "-c", trigger.command], environment: environment)
        } catch {
            note("the command cannot be run: \(error)")
            exitProcess(127)
        }
    }

    private func note(_ text: String) {
        let line = "\(Clock.timestamp(Clock.wall(), fraction: 3)) \(trigger.name): \(text)\n"
        bestEffort("a full disk does not stop the container") { () throws(SyscallError) in
            if try log.borrowed.status().size > Self.logLimit { try log.borrowed.truncate(to: 0) }
            try log.borrowed.writeAll(line)
        }
    }
}
