package import LinuxSystem

/// Where a further process of a container goes: into the namespaces of its first process.
package struct ExecTarget: Sendable, Equatable {
    /// The container's first process.
    package let pidfd: BorrowedFD
    /// Its root directory, where the mount namespace does not lead there.
    package let root: BorrowedFD?
    /// The namespaces to join, but for the pid namespace, which the runtime has joined for its child.
    package let kinds: CloneFlags
    /// Whether a helper has joined the container's user namespace for its clone already: without privileges on the
    /// host only that gives the right to join its pid namespace.
    package let isInUserNamespace: Bool
    /// Processors before the cgroup is entered, and after it.
    package let initialProcessors: [Int]
    package let finalProcessors: [Int]

    /// A target.
    package init(
        pidfd: BorrowedFD, root: BorrowedFD? = nil, kinds: CloneFlags, isInUserNamespace: Bool = false,
        initialProcessors: [Int] = [],
        finalProcessors: [Int] = []
    ) {
        self.pidfd = pidfd
        self.root = root
        self.kinds = kinds
        self.isInUserNamespace = isInUserNamespace
        self.initialProcessors = initialProcessors
        self.finalProcessors = finalProcessors
    }
}

/// The order in which a process of `exec` enters a running container.
///
/// ```
///   dumpable     off before anything: the container's processes can see us from the moment we join (I-8)
///   namespaces   all in one call, by the descriptor of the container's first process
///   terminal     from the container's devpts, found below its root
///   …            then as the container's own program
/// ```
package enum ExecSequence {
    /// The steps. The last one does not return unless it fails.
    package static let steps: [InitStep] = [
        InitStep("parent") { context throws(LaunchFailure) in try context.dieWithRuntime() },
        InitStep("stdio") { context throws(LaunchFailure) in try context.takeStdio() },
        InitStep("session") { context throws(LaunchFailure) in try context.startOwnSession() },
        InitStep("cgroup", .cgroupFailed) { context throws(LaunchFailure) in
            try context.enterCgroupsOfTarget()
        },
        InitStep("score", .securityFailed) { context throws(LaunchFailure) in try context.setOOMScore() },
        InitStep("dumpable", .securityFailed) { context throws(LaunchFailure) in
            try context.becomeUndumpable()
        },
        InitStep("namespaces", .namespaceFailed) { context throws(LaunchFailure) in try context.joinTarget()
        },
        InitStep("keyring", .securityFailed) { context throws(LaunchFailure) in try context.joinKeyring() },
        InitStep("terminal", .terminalFailed) { context throws(LaunchFailure) in
            try context.openTerminalOfTarget()
        },
        InitStep("console", .terminalFailed) { context throws(LaunchFailure) in try context.attachTerminal()
        },
        InitStep("privileged", .securityFailed) { context throws(LaunchFailure) in
            try context.applyPrivileged()
        },
        InitStep("identity", .securityFailed) { context throws(LaunchFailure) in try context.takeIdentity() },
        InitStep("program", .programNotExecutable) { context throws(LaunchFailure) in
            try context.findProgram()
        },
        InitStep("listener", .seccompFailed) { context throws(LaunchFailure) in try context.handOverListener()
        },
        InitStep("created") { context throws(LaunchFailure) in try context.reportCreated() },
        InitStep("descriptors") { context throws(LaunchFailure) in try context.closeDescriptors() },
        InitStep("filter", .seccompFailed) { context throws(LaunchFailure) in try context.loadFilter() },
        InitStep("exec", .programNotExecutable) { context throws(LaunchFailure) in
            try context.executeProgram()
        },
    ]
}
