internal import ContainerRuntime
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec

/// What the helper is told about a container whose files it archives.
extension EngineContainer {
    /// Words for `skiff-image commit`.
    /// - Parameters:
    ///   - name: the image's name, nil for none.
    ///   - options: options as the caller gave them, taken over as they are.
    package func commitWords(name: String?, _ options: [String]) throws(StepError) -> [String] {
        var words = ["commit", "--store", home.store.string, "--created-by", "skiff commit \(record.name)"]
        for point in try mountPoints().map(\.string).sorted() { words += ["--skip", point] }
        words += options + (try idWords())
        return words + ["--", record.id] + (name.map { [$0] } ?? [])
    }

    /// Words for `skiff-image export`.
    package func exportWords(output: String?) throws(StepError) -> [String] {
        var words = ["export", "--store", home.store.string]
        if let output { words += ["--output", output] }
        return words + (try idWords()) + ["--", record.id]
    }

    /// The mappings of the container's user namespace.
    private func idWords() throws(StepError) -> [String] {
        let bytes = try configuration()
        let spec: RuntimeSpec
        do throws(JSONError) {
            spec = try RuntimeSpec(json: bytes)
        } catch {
            throw StepError(
                "read the configuration of \(record.name)", refused: error.description, code: .stateDamaged)
        }
        guard let linux = spec.linux else { return [] }
        let users = linux.uidMappings.flatMap { ["--uidmap", "\($0.containerID):\($0.hostID):\($0.size)"] }
        let groups = linux.gidMappings.flatMap { ["--gidmap", "\($0.containerID):\($0.hostID):\($0.size)"] }
        return users + groups
    }

    /// Does something while the container's processes stand still, if it runs; one that is paused stays so.
    package func whilePaused<Result>(
        _ body: () throws(StepError) -> Result
    ) throws(StepError) -> Result {
        guard try status() == .running, try processID() != nil else { return try body() }
        try pause()
        let result: Result
        do throws(StepError) {
            result = try body()
        } catch {
            var error = error
            let failure = bestEffort("reported as a note") { () throws(StepError) in try unpause() }
            if let failure { error.notes.append(failure.description) }
            throw error
        }
        try unpause()
        return result
    }
}
