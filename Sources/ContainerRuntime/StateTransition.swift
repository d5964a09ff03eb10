package import LinuxSystem
package import RuntimeSpec

/// Which verbs are allowed in which status.
/// - SeeAlso: runtime-spec runtime.md, Lifecycle and Operations
package enum StateTransition: String, Sendable, CaseIterable {
    case start, kill, delete, exec, pause, resume, update, processes, checkpoint

    /// The status values in which the verb is allowed.
    package var allowed: [ContainerState.Status] {
        switch self {
        case .start: [.created]
        case .kill: [.created, .running, .paused]
        case .delete: [.created, .stopped]
        case .exec: [.created, .running]
        case .pause: [.created, .running]
        case .resume: [.paused]
        case .checkpoint: [.running, .paused]
        case .update, .processes: [.created, .running, .paused]
        }
    }

    /// Refuses the verb unless the status allows it; the text names both.
    package func check(_ status: ContainerState.Status) throws(StepError) {
        if allowed.contains(status) { return }
        let names = allowed.map(\.rawValue).joined(separator: " or ")
        switch (self, status) {
        case (.kill, .stopped), (.exec, .stopped), (.processes, .stopped), (.pause, .stopped),
            (.update, .stopped), (.checkpoint, .stopped):
            throw StepError("", refused: "container not running", code: .containerNotRunning)
        case (.exec, .paused):
            throw StepError(
                "", refused: "cannot exec in a paused container",
                hint: "resume it first or use --ignore-paused",
                code: .containerState)
        default:
            throw StepError(
                "", refused: "cannot \(rawValue) a container that is \(status.rawValue), only \(names)",
                code: .containerState)
        }
    }
}
