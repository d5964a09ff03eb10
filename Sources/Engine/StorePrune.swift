internal import ImageSpec
internal import ImageStore
package import LinuxSystem

/// Removal of everything in the store that nothing uses: containers that do not run, images, volumes.
package struct StorePrune {
    /// What was removed.
    package struct Result: Sendable, Equatable {
        /// Full ids.
        package var containers: [String] = []
        /// Ids (digests of configurations).
        package var images: [String] = []
        package var volumes: [String] = []
        /// Bytes on the disk.
        package var reclaimedBytes: Int64 = 0
    }

    private let home: EngineHome

    /// For a store.
    package init(_ home: EngineHome) { self.home = home }

    /// Removes.
    /// - Parameters:
    ///   - allImages: also images with a name that no container uses.
    ///   - volumes: also named volumes that no container mounts.
    package func run(allImages: Bool, volumes: Bool) throws(StepError) -> Result {
        var result = Result()
        for record in try home.records().list().records { try remove(record, &result) }
        if volumes { try removeVolumes(&result) }
        let removal = try ImageStore.open(home.store).prune(unnamedOnly: !allImages)
        result.images = removal.deleted.map(\.description)
        result.reclaimedBytes += removal.reclaimedBytes
        return result
    }

    private func remove(_ record: ContainerRecord, _ result: inout Result) throws(StepError) {
        do throws(StepError) {
            let container = try EngineContainer.find(record.id, in: home)
            if try container.status().isActive { return }
            var usage = DiskUsage()
            try during("measure container \(record.name)") { () throws(SyscallError) in
                try usage.add(home.containers.appending(Path(record.id)), in: .currentDirectory)
                try usage.add(home.store.appending("snapshots/\(record.id)"), in: .currentDirectory)
            }
            try container.remove(force: false)
            result.containers.append(record.id)
            result.reclaimedBytes += usage.bytes
        } catch {
            // It was removed or started at this moment; anything else is a failure.
            if error.code == .containerState || !EngineContainer.exists(record.id, in: home) { return }
            throw error
        }
    }

    private func removeVolumes(_ result: inout Result) throws(StepError) {
        var used: Set<String> = []
        for record in try home.records().list().records {
            used.formUnion(try EngineContainer.find(record.id, in: home).mountSources())
        }
        for name in try home.volumeNames() {
            let place = home.volumes.appending(Path(name))
            if used.contains(place.appending("_data").string) { continue }
            let bytes = try during("remove volume '\(name)'") { () throws(SyscallError) -> Int64? in
                // One that has just been made may belong to a container that is being made.
                let age = Clock.wall().seconds - (try status(of: place).changed.seconds)
                if (0..<10).contains(age) { return nil }
                let bytes = try DiskUsage.of(place, in: .currentDirectory)
                let rubbish = home.volumes.appending(".\(name).removed-\(currentProcessID())")
                try rename(place, to: rubbish)
                try removeTree(rubbish)
                return bytes
            }
            guard let bytes else { continue }
            result.volumes.append(name)
            result.reclaimedBytes += bytes
        }
    }
}
