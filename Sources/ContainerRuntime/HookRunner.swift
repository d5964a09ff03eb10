import ContainerInit
import LinuxSystem
import RuntimeSpec

/// Runs hooks in the runtime's own namespaces, one after the other.
/// - SeeAlso: runtime-spec config.md, POSIX-platform Hooks
struct HookRunner {
    /// The kinds that the runtime runs.
    enum Kind: String, Sendable {
        case prestart, createRuntime, poststart, poststop
    }

    /// State of the container as JSON, given to each hook on standard input.
    let state: [UInt8]
    /// Working directory of the hooks: the bundle.
    let directory: BorrowedFD

    /// Runs all hooks of a kind in order; the first failure ends the list.
    func run(_ hooks: [HookSpec], _ kind: Kind) throws(StepError) {
        for (index, hook) in hooks.enumerated() { try run(hook, kind, index) }
    }

    /// Runs one hook; its failure names kind, number, path, how it ended and its last words.
    func run(_ hook: HookSpec, _ kind: Kind, _ index: Int) throws(StepError) {
        try HookProcess(hook, kind: kind.rawValue, index: index)
            .run(state: state, directory: directory)
        Trace.mark("run \(kind.rawValue) hook \(index) \(hook.path)")
    }
}
