import LinuxSystem
import RuntimeSpec
import Security

/// The steps from the changed root to the program.
extension InitContext {
    mutating func applyPrivileged() throws(LaunchFailure) {
        guard let security = plan.security else { return }
        let proc = procfsView
        let warnings = try attempt { () throws(StepError) in
            let warnings = try SecuritySteps.applyRlimits(security)
            try SecuritySteps.applyScheduling(security)
            try SecuritySteps.applyPersonality(security)
            try SecuritySteps.applyMemoryPolicy(security)
            if let proc { try SecuritySteps.applyLabels(security, proc: proc) }
            return warnings
        }
        for warning in warnings { try tell(.warning(warning)) }
    }

    mutating func takeIdentity() throws(LaunchFailure) {
        setFileModeMask(inheritedMask)
        guard let security = plan.security else { return }
        if security.loadsFilterEarly, let filter { try loadFilterEarly(filter) }
        let canSetGroups = canSetGroups
        if security.identity.userID != 0 {
            giveStreams(to: security.identity.userID, security.identity.groupID)
        }
        try attempt { () throws(StepError) in
            try SecuritySteps.dropBounding(security)
            try SecuritySteps.setGroupsAndIDs(security, canSetGroups: canSetGroups)
            try SecuritySteps.applyCapabilities(security)
            try SecuritySteps.noNewPrivileges(security)
            try SecuritySteps.verify(security, groupsWereSet: canSetGroups)
        }
        guard security.identity.userID != 0 || security.identity.groupID != 0 else { return }
        // A change of ids resets both.
        try dieWithRuntime()
        try becomeUndumpable()
    }

    /// Pipes become the user's, so that the program can open them again as /dev/stdout. Files and devices of the host
    /// stay whose they are.
    private func giveStreams(to user: UInt32, _ group: UInt32) {
        for number in Int32(0)...2 {
            bestEffort("a stream may be closed, or of a file system that allows no change") {
                () throws(SyscallError) in
                let stream = BorrowedFD(rawValue: number)
                if try stream.status().kind == .fifo { try stream.changeOwner(userID: user, groupID: group) }
            }
        }
    }

    mutating func findProgram() throws(LaunchFailure) {
        guard let process = plan.process else { return }
        try attempt { () throws(StepError) in
            try phase(.workingDirectory) { () throws(StepError) in
                try WorkingDirectory.enter(process.workingDirectory)
            }
        }
        environment = process.finalEnvironment(processID: currentProcessID())
        program = try ExecProgram.find(
            process.arguments.first ?? "", environment: environment,
            overridesModes: plan.security?.overridesModes == true)
    }

    mutating func reportCreated() throws(LaunchFailure) {
        try attempt("outlive the runtime") { () throws(SyscallError) in
            _ = try processControl(.setParentDeathSignal, 0)
        }
        try tellTrace()
        try tell(.created)
    }

    mutating func waitAtGate() throws(LaunchFailure) {
        switch plan.gate {
        case .channel: try expect(.start)
        case .socket:
            guard let gate = gate.take() else { return }
            Trace.end()  // nobody who could take it
            // A filter that is on already need not know the calls that this takes.
            let heedsSignals = !plan.loadsFilterBeforeCreated(filter)
            channel = try attempt("wait for start") { () throws(SyscallError) in
                try StartGate.wait(at: gate.borrowed, heedsSignals: heedsSignals)
            }
        }
        guard plan.process != nil else {
            throw LaunchFailure(
                StepError(
                    "", refused: "the configuration has no process to start", code: .configInvalid,
                    operand: "process"))
        }
    }

    mutating func runStartHooks() throws(LaunchFailure) {
        guard !plan.startContainerHooks.isEmpty else { return }
        // They are the container's own: its filter holds for them, and its environment unless they have their own.
        try loadFilter()
        filterIsOn = true
        var hooks = plan.startContainerHooks
        for index in hooks.indices where hooks[index].env.isEmpty { hooks[index].env = environment }
        try runHooks(hooks, "startContainer", status: .created)
        setFileModeMask(inheritedMask)
    }

    /// Everything that is not for the program closes at exec, and signals do what they do in a fresh process.
    mutating func closeDescriptors() throws(LaunchFailure) {
        let first = plan.process?.firstPrivateDescriptor ?? 3
        try attempt("close descriptors") { () throws(SyscallError) in
            try closeRange(from: first, onExec: true)
            try resetSignalDispositions()
            try setSignalMask(.none)
        }
        // The program's filter may forbid to say anything later.
        try tellTrace()
    }

    mutating func loadFilter() throws(LaunchFailure) {
        guard let filter, !filterIsOn, !plan.loadsFilterBeforeCreated(filter) else { return }
        _ = try attempt { () throws(StepError) in try SecuritySteps.loadSeccomp(filter) }
    }

    mutating func executeProgram() throws(LaunchFailure) {
        guard let program, let process = plan.process else { return }
        throw program.execute(arguments: process.arguments, environment: environment)
    }
}
