package import LinuxSystem

/// Where the engine keeps things: images and containers in the store, what only lives until a reboot in the state root.
///
/// ```
/// STORE/containers/ID/   record.json config.json exit.json receipt.json log lock attach
/// STORE/names/NAME       the id
/// STORE/volumes/NAME/    _data
/// STORE/…                layers, images and snapshots (target ImageStore)
/// STATE/ID/              the runtime's own state of a container that runs
/// ```
package struct EngineHome: Sendable, Equatable {
    /// Root of the store.
    package let store: Path
    /// Root of the runtime's state.
    package let state: Path

    /// The places as options chose them; nil stands for the defaults.
    package init(store: String? = nil, state: Path = "/run/skiff") {
        self.store = store.map { Path($0) } ?? "/var/lib/skiff"
        self.state = state
    }

    /// Volumes by name.
    package var volumes: Path { store.appending("volumes") }
    /// Folders of containers.
    package var containers: Path { store.appending("containers") }

    /// Opens the records of containers, making their folders when they are missing.
    package func records() throws(StepError) -> RecordStore { try RecordStore(root: store) }

    /// The same places as absolute paths, so that another process with another working directory finds them.
    package func absolute() throws(StepError) -> EngineHome {
        if store.isAbsolute && state.isAbsolute { return self }
        let here = try during("find the working directory") { () throws(SyscallError) in
            try workingDirectory()
        }
        return EngineHome(
            store: (store.isAbsolute ? store : here.appending(store)).string,
            state: state.isAbsolute ? state : here.appending(state))
    }
}
