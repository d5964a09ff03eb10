package import RuntimeSpec

/// What a container does, as `ps` and `inspect` call it. Never stored: computed from what the runtime asks of the
/// kernel, from the records of the latest run, and from the lock that the process in charge of a run holds.
package enum ContainerStatus: String, Sendable, Equatable {
    /// Made, never run.
    case created
    case running
    case paused
    /// A run has ended and its outcome is known.
    case exited
    /// A run has ended and nobody saw how: its monitor was killed, or the machine went down.
    case dead

    /// The facts of a container at one moment.
    package struct Facts: Sendable, Equatable {
        /// What the runtime finds under the container's id; nil when it knows none.
        package var runtime: ContainerState.Status?
        /// Whether a run was begun and not yet accounted for: `started` is there.
        package var wasBegun: Bool
        /// Whether the latest run's outcome is recorded: `exit.json` is there.
        package var hasExitRecord: Bool
        /// Whether a process holds the container's lock: it starts, watches or ends a run.
        package var isWatched: Bool

        /// Facts by their values.
        package init(
            runtime: ContainerState.Status?, wasBegun: Bool, hasExitRecord: Bool, isWatched: Bool
        ) {
            self.runtime = runtime
            self.wasBegun = wasBegun
            self.hasExitRecord = hasExitRecord
            self.isWatched = isWatched
        }
    }

    /// The status that follows from the facts. A process that lives counts first: it may outlive its monitor. After
    /// its end the container counts as running until the watcher has written the outcome, so that whoever sees
    /// `exited` also finds the exit code and the receipt.
    package init(_ facts: Facts) {
        switch facts.runtime {
        case .paused: self = .paused
        case .running, .created, .creating: self = .running
        case .stopped, nil:
            if facts.isWatched && facts.wasBegun {
                self = .running
            } else if facts.hasExitRecord {
                self = .exited
            } else {
                self = facts.wasBegun ? .dead : .created
            }
        }
    }

    /// Whether a program of the container lives, or is about to.
    package var isActive: Bool { self == .running || self == .paused }
}
