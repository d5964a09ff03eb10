import JSONCoding
import LinuxSystem
import Rootfs
import RuntimeSpec

/// The steps that make the root file system and the terminal.
extension InitContext {
    mutating func furnishRoot() throws(LaunchFailure) {
        guard let sources = sources.take() else { return }
        let mounts = plan.mounts
        do throws(StepError) {
            var context = try RootfsSteps.attach(mounts, sources)
            try RootfsSteps.run(RootfsSteps.beforeHooks, on: &context)
            rootfs = consume context
        } catch {
            throw LaunchFailure(error)
        }
    }

    /// The pty comes from the devpts that was just mounted in the container, reached by descriptor; the replica is
    /// opened by its primary, not by a path.
    /// - SeeAlso: security invariant I-28
    mutating func openTerminal() throws(LaunchFailure) {
        guard let process = plan.process, process.hasTerminal else { return }
        guard var context = rootfs.take() else { return }
        do throws(StepError) {
            let pty = try ContainerTerminal.open(in: context.root, for: process)
            let (own, other) = pty.ends()
            let replica = OwnedFD(adopting: other)
            try context.placeConsole(replica.borrowed)
            self.replica = consume replica
            primary = OwnedFD(adopting: own)
        } catch {
            throw LaunchFailure(error)
        }
        rootfs = consume context
    }

    mutating func runCreateHooks() throws(LaunchFailure) {
        if plan.hasRuntimeHooks {
            try tell(.rootfsReady)
            try expect(.hooksDone)
        }
        guard !plan.createContainerHooks.isEmpty else { return }
        var bundle: OwnedFD?
        if let path = plan.createContainerDirectory {
            bundle = try attempt("open the bundle \(path)") { () throws(SyscallError) in
                try open(path, [.pathOnly, .directory])
            }
        }
        let number = bundle.take()?.release()
        defer { if let number { _ = OwnedFD(adopting: number) } }
        try runHooks(
            plan.createContainerHooks, "createContainer", status: .creating,
            directory: number.map { BorrowedFD(rawValue: $0) } ?? rootfs?.root)
    }

    mutating func changeRoot() throws(LaunchFailure) {
        // Given up afterwards: a container that waits to be started holds no directory or mount open.
        guard var context = rootfs.take() else { return }
        if let process = plan.process {
            let root = context.root
            try attempt { () throws(StepError) in
                try phase(.workingDirectory) { () throws(StepError) in
                    try WorkingDirectory.create(process.workingDirectory, inRoot: root)
                }
            }
        }
        try attempt { () throws(StepError) in try RootfsSteps.run(RootfsSteps.afterHooks, on: &context) }
    }

    /// Hands the primary side out and makes the replica our standard streams and controlling terminal.
    mutating func attachTerminal() throws(LaunchFailure) {
        guard let primary = primary.take(), let replica = replica.take() else { return }
        try attempt("attach the terminal") { () throws(SyscallError) in
            try channel.send(.console, with: primary.borrowed)
            try Terminal.makeControlling(replica.borrowed)
            for number in Int32(0)...2 { try replica.borrowed.duplicate(onto: number) }
        }
    }

    /// Runs hooks of init's own kinds. Their pid is the one that they see. Where runc runs them, engines' hooks expect
    /// to be: in the container's root before it is `/`, later in the program's working directory.
    func runHooks(
        _ hooks: [HookSpec], _ kind: String, status: ContainerState.Status, directory: BorrowedFD? = nil
    ) throws(LaunchFailure) {
        guard !hooks.isEmpty else { return }
        var state = plan.state
        state.status = status
        state.pid = Int(currentProcessID().rawValue)
        let bytes = state.json()
        setFileModeMask(inheritedMask)
        for (index, hook) in hooks.enumerated() {
            try attempt { () throws(StepError) in
                try HookProcess(hook, kind: kind, index: index).run(state: bytes, directory: directory)
            }
        }
        setFileModeMask(0)
    }
}
