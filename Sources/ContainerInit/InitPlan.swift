package import LinuxSystem
package import Namespaces
package import Rootfs
package import RuntimeSpec
package import Security

/// What the container's init does, decided in full before it exists. It inherits this value in memory.
package struct InitPlan: Sendable, Equatable {
    /// Where init waits once everything is applied.
    package enum Gate: Sendable, Equatable {
        /// At the gate socket, for `start`.
        case socket
        /// On the channel: the runtime stays and sends `start`.
        case channel
    }

    /// Namespaces to join and to make.
    package var namespaces: NamespacePlan
    /// The root file system.
    package var mounts: MountPlan
    /// Limits, ids, capabilities, labels; nil for a container without a program.
    package var security: SecurityPlan?
    /// The program; nil if the configuration has none.
    package var process: ProcessPlan?
    /// createContainer hooks.
    package var createContainerHooks: [HookSpec] = []
    /// Where they start; nil is the container's root, as with runc. With crun it is the bundle.
    package var createContainerDirectory: Path?
    /// startContainer hooks.
    package var startContainerHooks: [HookSpec] = []
    /// Whether the runtime has prestart or createRuntime hooks to run.
    package var hasRuntimeHooks = false
    /// State for the hooks that init runs itself; pid and status are filled in.
    package var state = ContainerState(status: .creating)
    /// Name of a new session keyring; nil keeps the caller's.
    package var keyring: String?
    /// Whether the runtime moves network interfaces into the container's network namespace.
    package var hasInterfaces = false
    /// Where init waits.
    package var gate: Gate = .socket
    /// Whether the runtime lacks the right to copy a descriptor of init, so that a seccomp listener must be sent.
    package var listenerNeedsSibling = false

    /// A plan of its four main parts.
    package init(
        namespaces: NamespacePlan, mounts: MountPlan, security: SecurityPlan?, process: ProcessPlan?
    ) {
        self.namespaces = namespaces
        self.mounts = mounts
        self.security = security
        self.process = process
    }

    /// Whether init, once in its namespaces, waits for what only the runtime can do there: mappings, interfaces.
    package var needsMappings: Bool { namespaces.needsMappings || hasInterfaces }

    /// Whether the filter asks an agent, so that its listener must be handed over before the container is created.
    package func loadsFilterBeforeCreated(_ program: SeccompProgram?) -> Bool {
        guard let program else { return false }
        return program.notifies || security?.loadsFilterEarly == true
    }

    /// The runtime's side of the protocol with this init.
    package func makeProtocol(_ program: SeccompProgram?) -> SyncProtocol {
        SyncProtocol(
            mappings: needsMappings, hooks: hasRuntimeHooks, console: process?.hasTerminal == true,
            listener: program?.notifies == true)
    }
}
