package import LinuxSystem
package import RuntimeSpec

/// Everything that the caller of create or run decides.
package struct CreateRequest: Sendable {
    /// Where the configuration comes from.
    package enum Source: Sendable {
        /// A directory with config.json.
        case bundle(Path)
        /// A configuration in memory; relative paths in it, and hooks, start at `directory`.
        case spec(RuntimeSpec, directory: Path)
    }

    /// Where the primary side of the terminal goes.
    package enum Console: Sendable, Equatable {
        /// There is no terminal.
        case none
        /// To a unix socket.
        case socket(Path)
        /// To the caller, who relays.
        case caller
    }

    /// The container's name.
    package var id: ContainerID
    /// Its configuration.
    package var source: Source
    /// The configuration, if it is not the bundle's config.json.
    package var configurationFile: Path?
    /// Its terminal.
    package var console = Console.none
    /// Standard input, output and error for the program; empty: those of the caller.
    package var stdio: [BorrowedFD] = []
    /// Number of descriptors from 3 on that stay open for the program.
    package var preservedDescriptors: Int32 = 0
    /// Number of descriptors that socket activation has put from 3 on (LISTEN_FDS).
    package var activationDescriptors: Int32 = 0
    /// The names that go with these descriptors (LISTEN_FDNAMES).
    package var activationNames: String?
    /// Where the process id is written.
    package var pidFile: Path?
    /// Where a descriptor of the first process goes (`--pidfd-socket`).
    package var pidfdSocket: Path?
    /// Whether the program gets a socket to tell that it is ready (see `NotifySocket`).
    package var notifies = false
    /// Whether pivot_root is not used.
    package var avoidsPivot = false
    /// Whether the caller's session keyring stays.
    package var keepsKeyring = false
    /// Whether the container gets a cgroup.
    package var usesCgroups = true
    /// Whether a cgroup that this user may not make is a failure though no limit needs it.
    package var insistsOnCgroup = false
    /// Whether systemd makes the cgroup, as a scope.
    package var usesSystemd = false
    /// Size of the terminal, when the configuration has none.
    package var windowSize: WindowSize?
    /// Whether createContainer hooks start in the bundle instead of the container's root.
    package var hooksStartInBundle = false
    /// Whether newlines leave the terminal without carriage returns, because a `TerminalRelay` follows.
    package var keepsNewlines = false
    /// Where the receipt is added at the end; nil for what the annotation says, or nowhere.
    package var receipt: Path?
    /// Whether what an account needs to know of the beginning is kept, also without a receipt.
    package var keepsAccount = false
    /// Hears about what does not stop the container.
    package var warn: @Sendable (String) -> Void = { _ in }
    /// Hears about each step, when somebody wants to know.
    package var explain: (@Sendable (String) -> Void)?

    /// A request with the usual settings.
    package init(id: ContainerID, source: Source) {
        self.id = id
        self.source = source
    }
}
