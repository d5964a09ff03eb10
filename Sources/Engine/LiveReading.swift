package import ContainerRuntime
package import LinuxSystem

/// Reads what running containers use: those from images and those of bundles, as far as they have their state in one
/// place.
package struct LiveReading {
    private let home: EngineHome
    private let store: StateStore
    /// Whether only the figures of a table are read.
    private let isBrief: Bool

    /// A reading of the containers of a home.
    package init(home: EngineHome, brief: Bool) {
        self.home = home
        store = StateStore(root: home.state)
        isBrief = brief
    }

    /// The ids of the containers that names, ids and beginnings of ids mean; nil for no words: all that run.
    package func ids(of words: [String]) throws(StepError) -> [ContainerID]? {
        if words.isEmpty { return nil }
        var ids: [ContainerID] = []
        for word in words { ids.append(try id(of: word)) }
        return ids
    }

    private func id(of word: String) throws(StepError) -> ContainerID {
        let isPlain = !word.isEmpty && !word.contains("/") && !word.hasPrefix(".")
        if isPlain, !EngineContainer.exists(word, in: home) {
            let id = try ContainerID(word)
            if try store.contains(id) { return id }
        }
        return try ContainerID(try home.records().find(word).id)
    }

    /// One reading of those, or of all; what does not run is left out, what cannot be read is told to `warn`. Oldest
    /// first.
    package func read(
        _ ids: [ContainerID]?, warn: (String) -> Void
    ) throws(StepError) -> [LiveUsage] {
        let found = if let ids { ids } else { try store.identifiers() }
        let records = openRecords()
        var list: [(created: String, usage: LiveUsage)] = []
        list.reserveCapacity(found.count)
        for id in found {
            do throws(StepError) {
                let container = try Container.load(id, from: store)
                guard try container.isAlive() else { continue }
                list.append((container.record.created, try usage(of: container, records?.borrowed)))
            } catch {
                // Gone, or being made or removed at this moment.
                if error.code != .containerNotFound, ids != nil || error.code != .stateDamaged {
                    warn("\(id): \(error)")
                }
            }
        }
        list.sort { ($0.created, $0.usage.id) < ($1.created, $1.usage.id) }
        return list.map(\.usage)
    }

    /// The folder of records; nil where there are no containers from images.
    private func openRecords() -> SharedFD? {
        do throws(SyscallError) {
            return SharedFD(try open(home.containers, [.pathOnly, .directory]))
        } catch {
            return nil
        }
    }

    private func usage(of container: Container, _ records: BorrowedFD?) throws(StepError) -> LiveUsage {
        let id = container.id.description
        var record: ContainerRecord?
        if let records, id.utf8.count == 64 { record = try ContainerRecord.read(id, in: records) }
        let tick = 1_000_000_000 / startTimeTicksPerSecond
        return LiveUsage(
            id: id, name: record?.name ?? id, image: record?.image,
            statistics: container.liveStatistics(brief: isBrief), time: Clock.bootNanoseconds(),
            started: Int64(clamping: container.record.startTime) * tick)
    }
}
