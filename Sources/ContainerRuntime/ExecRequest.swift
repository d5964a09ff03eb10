package import Cgroups
package import LinuxSystem
package import RuntimeSpec

/// A further process for a running container.
package struct ExecRequest: Sendable {
    /// What to run, in full.
    package var process: ProcessSpec
    /// Its terminal.
    package var console = CreateRequest.Console.none
    /// Standard input, output and error for the program; empty: those of the caller.
    package var stdio: [BorrowedFD] = []
    /// Number of descriptors from 3 on that stay open for the program.
    package var preservedDescriptors: Int32 = 0
    /// Where the process id is written once the program runs.
    package var pidFile: Path?
    /// Where a descriptor of the process goes (`--pidfd-socket`).
    package var pidfdSocket: Path?
    /// Cgroups below the container's, for the process; none means the container's own.
    package var subCgroups: [SubCgroup] = []
    /// Whether a paused container is accepted; the process then starts with the others.
    package var ignoresPause = false
    /// Size of the terminal, when the process document has none.
    package var windowSize: WindowSize?
    /// Whether newlines leave the terminal without carriage returns, because a `TerminalRelay` follows.
    package var keepsNewlines = false
    /// Hears about what does not stop the process.
    package var warn: @Sendable (String) -> Void = { _ in }

    /// A request with the usual settings.
    package init(process: ProcessSpec) { self.process = process }
}
