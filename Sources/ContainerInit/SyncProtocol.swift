package import LinuxSystem

/// The runtime's side of the protocol as a state machine: which records may come, in which order, and what each
/// asks for. It does nothing itself.
package struct SyncProtocol: Sendable, Equatable {
    /// What the runtime has to do for a record.
    package enum Action: Sendable, Equatable {
        /// Write the mappings, move network interfaces, and answer `proceed`.
        case writeMappings
        /// Run prestart and createRuntime hooks and answer `hooksDone`.
        case runHooks
        /// Take the descriptor that came with the record.
        case takeConsole
        /// Fetch the seccomp listener with this number in init and answer `listenerTaken`.
        case takeListener(Int32)
        /// The container is created.
        case commit
        /// Show a warning.
        case warn(String)
        /// Put it into the timeline.
        case trace(String)
        /// Undo everything and report.
        case fail(LaunchFailure)
    }

    private var expected: ArraySlice<SyncRecord.Kind>

    /// The records that an init with these needs sends.
    package init(mappings: Bool, hooks: Bool, console: Bool, listener: Bool) {
        var kinds: [SyncRecord.Kind] = []
        if mappings { kinds.append(.needMappings) }
        if hooks { kinds.append(.rootfsReady) }
        if console { kinds.append(.console) }
        if listener { kinds.append(.listener) }
        kinds.append(.created)
        expected = kinds[...]
    }

    /// Whether init has said all it has to say.
    package var isFinished: Bool { expected.isEmpty }

    /// The record that should come next, for messages.
    package var awaited: String { expected.first.map { "\($0)" } ?? "nothing" }

    /// What a record asks for. A record out of order is refused, with both names.
    package mutating func next(_ record: SyncRecord) throws(StepError) -> Action {
        if case .failed(let failure) = record { return .fail(failure) }
        if case .warning(let text) = record { return .warn(text) }
        if case .trace(let text) = record { return .trace(text) }
        guard record.kind == expected.first else {
            throw StepError(
                "talk to init", refused: "unexpected record \(record.kind), awaited \(awaited)",
                code: .internalError)
        }
        expected = expected.dropFirst()
        switch record {
        case .needMappings: return .writeMappings
        case .rootfsReady: return .runHooks
        case .console: return .takeConsole
        case .listener(let number): return .takeListener(number)
        default: return .commit
        }
    }
}
