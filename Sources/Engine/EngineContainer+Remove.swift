package import LinuxSystem

extension EngineContainer {
    /// Removes the container: what the runtime still has, its files, its own volumes, its name.
    ///
    /// - Parameter force: whether one that runs is ended first; otherwise it is refused.
    package func remove(force: Bool) throws(StepError) {
        let change = try lockForChange()
        defer { _ = change.borrowed }
        if try status().isActive {
            guard force else {
                throw StepError(
                    "remove container \(record.name)", refused: "it runs",
                    hint: "skiff stop \(record.name), or skiff rm -f \(record.name)",
                    code: .containerState, operand: record.name)
            }
            try end()
        }
        // A container that removes itself is gone by now.
        guard try home.records().record(id: record.id) != nil else { return }
        try discard()
    }

    /// Removes all that there is of the container. Its name goes first: what a crash leaves can still be found by id
    /// and removed again.
    func discard() throws(StepError) {
        try clearRuntime()
        let records = try home.records()
        try records.release(name: record.name)
        try ContainerRootfs(home: home, id: record.id).remove()
        try records.removeFolder(id: record.id)
    }
}
