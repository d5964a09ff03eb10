import Cgroups
import ContainerInit
import JSONCoding
import LinuxSystem
import Namespaces
import Rootfs
import RuntimeSpec
import Security

/// The runtime's part from the clone to the created container: answers init's records, writes the state, and on a
/// failure takes everything back.
struct Conversation: ~Copyable {
    /// Not taken apart: to copy its parts costs more than most system calls.
    private let launch: Launch
    private var machine: SyncProtocol
    private let console: OwnedFD?
    private let consoleView: BorrowedFD?
    private var primary: OwnedFD?
    private var isCommitted = false
    private var interfaces = MovedInterfaces()

    init(_ launch: consuming Launch, filter: SeccompProgram?, console: Int32?) {
        machine = launch.plan.initial.makeProtocol(filter)
        consoleView = console.map { BorrowedFD(rawValue: $0) }
        self.console = console.map { OwnedFD(adopting: $0) }
        self.launch = launch
    }

    /// Whether nothing has to be answered before the program runs: then the state is written, and the word to start
    /// given, while init still works.
    private func isPlain(_ filter: SeccompProgram?) -> Bool {
        launch.gate == .channel && !launch.request.notifies && !launch.plan.initial.needsMappings
            && !launch.plan.initial.hasRuntimeHooks && filter?.notifies != true
    }

    /// Talks until the container is created.
    consuming func finish(_ process: consuming LaunchedProcess) throws(LaunchFailure) -> RunningContainer {
        var process = process
        let startsEarly = isPlain(process.filter)
        do throws(LaunchFailure) {
            try process.controlDevices(launch)
            Trace.mark("rule the devices")
            try process.settle(afterFirstSteps: false)
            if launch.plan.cgroup == nil, !startsEarly { try remember(&process) }
            if startsEarly {
                try commit(&process)
                try process.initial.send(.start)
            }
            try talk(&process)
            try process.settle(afterFirstSteps: true)
            if !startsEarly { try commit(&process) }
        } catch {
            let cause = MemoryShortage.explaining(error, process.cgroup.statistics())
            throw undo(process, after: cause)
        }
        process.reservation.keep()
        let container = Container(id: launch.request.id, store: launch.store, record: process.record)
        return process.become(container, primary: primary.take(), isStarted: startsEarly)
    }

    private mutating func talk(_ process: inout LaunchedProcess) throws(LaunchFailure) {
        while !machine.isFinished {
            var answer = try process.initial.receive()
            switch answer.content {
            case .closed: throw LaunchFailure(process.initial.explainDeath(awaiting: machine.awaited))
            case .unreadable:
                throw LaunchFailure(StepError("talk to init", refused: "it sent what is no record"))
            case .record(let record):
                launch.request.explain?("init says \(record)")
                let action = try machine.nextAction(record)
                if record.kind != .trace { Trace.mark("wait for init: \(record.kind)") }
                try carryOut(action, descriptor: answer.descriptor.take(), &process)
                if record.kind != .trace { Trace.mark("answer init: \(record.kind)") }
            }
        }
    }

    private mutating func carryOut(
        _ action: SyncProtocol.Action, descriptor: consuming OwnedFD?, _ process: inout LaunchedProcess
    ) throws(LaunchFailure) {
        do throws(StepError) {
            switch action {
            case .writeMappings:
                try phase(.namespaceFailed) { () throws(StepError) in
                    try IdentityMapping.write(launch.plan.initial.namespaces, for: process.initial.child.pid)
                }
                if !launch.plan.interfaces.isEmpty {
                    do throws(StepError) {
                        try interfaces.move(
                            launch.plan.interfaces, into: process.initial.child.pidfd.borrowed)
                    } catch {
                        throw error.coded(.networkFailed)
                    }
                }
                try process.initial.answer(.proceed)
            case .runHooks:
                try launch.runHooks(process.initial.child.pid)
                try process.initial.answer(.hooksDone)
            case .takeConsole: try takeConsole(descriptor)
            case .takeListener(let number):
                try SeccompAgent.handOver(
                    number, sent: descriptor, of: process.initial.child, spec: launch.spec,
                    state: launch.hookState(process.initial.child.pid)
                )
                try process.initial.answer(.listenerTaken)
            case .warn(let text): launch.request.warn(text)
            case .trace(let text): Trace.adopt(text, from: process.initial.child.pid)
            case .commit: break
            case .fail(let failure): throw failure.error
            }
        } catch {
            if case .fail(let failure) = action { throw failure }
            throw LaunchFailure(error)
        }
    }

    private mutating func takeConsole(_ descriptor: consuming OwnedFD?) throws(StepError) {
        guard let descriptor else {
            throw StepError("take the terminal", refused: "init sent no descriptor")
        }
        if let consoleView {
            try ConsoleSocket.send(descriptor.borrowed, over: consoleView)
            _ = consume descriptor
        } else {
            primary = consume descriptor
        }
    }

    /// Without a cgroup only the record leads to init: written before init can outlive us.
    private func remember(_ process: inout LaunchedProcess) throws(LaunchFailure) {
        do throws(StepError) {
            try process.noteInit()
            try process.reservation.write(process.record)
        } catch {
            throw LaunchFailure(error)
        }
    }

    /// Writes configuration, state and pid file, in this order: who sees the pid file finds the rest.
    private mutating func commit(_ process: inout LaunchedProcess) throws(LaunchFailure) {
        do throws(StepError) {
            try process.noteInit()
            process.record.created = Clock.timestamp(Clock.wall())
            if !process.record.hasPoststop {
                try process.reservation.write(configuration: launch.configuration)
            }
            try process.reservation.write(process.record)
            isCommitted = true
            Trace.mark("write the state")
            let pid = process.initial.child.pid
            if let path = launch.request.pidFile { try PIDFile.write(pid, to: path) }
            if let path = launch.request.pidfdSocket {
                try PIDFDSocket.send(process.initial.child.pidfd.borrowed, of: .initial, to: path)
            }
            launch.request.explain?("init is process \(pid); its state is written")
        } catch {
            throw LaunchFailure(error)
        }
    }

    /// Takes everything back: process, hooks' effects, cgroup; the directory goes with the reservation.
    private func undo(_ process: borrowing LaunchedProcess, after failure: LaunchFailure) -> LaunchFailure {
        var error = failure.error
        // Before init goes, and its network namespace with it.
        error = error.noting { () throws(StepError) in try interfaces.giveBack() }
        let initial = process.initial.child.pidfd.borrowed
        error = error.noting { () throws(StepError) in
            try during("end init") { () throws(SyscallError) in
                bestEffort("it may have ended by itself") { () throws(SyscallError) in
                    try initial.sendSignal(9)
                }
                do throws(SyscallError) {
                    try waitForExit(of: .pidfd(initial))
                } catch {
                    // Its death has been looked into already.
                    if error.errno != .ECHILD { throw error }
                }
            }
        }
        error = error.noting { () throws(StepError) in try process.record.attachedRoot?.detach() }
        error = error.noting { () throws(StepError) in try process.cgroup.takeBack() }
        error = process.resctrl?.undoing(error) ?? error
        if isCommitted, let path = launch.request.pidFile {
            bestEffort("it may not have been written") { () throws(SyscallError) in try unlink(path) }
        }
        if let hooks = launch.spec.hooks?.poststop, !hooks.isEmpty {
            var state = launch.plan.initial.state
            state.status = .stopped
            let container = Container(id: launch.request.id, store: launch.store, record: process.record)
            for text in container.runPoststop(hooks, state) { launch.request.warn(text) }
        }
        return LaunchFailure(error, exitCode: failure.exitCode)
    }
}

extension LaunchedProcess {
    /// What stays of it when the container is created.
    fileprivate consuming func become(
        _ container: Container, primary: consuming OwnedFD?, isStarted: Bool
    ) -> RunningContainer {
        RunningContainer(
            container: container, process: RunningProcess(initial: initial, primary: primary),
            isStarted: isStarted)
    }
}
