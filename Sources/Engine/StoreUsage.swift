internal import ImageSpec
internal import ImageStore
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec

/// What the store takes on the disk: images, containers and volumes. A layer that several images share counts once.
package struct StoreUsage: Sendable, Equatable {
    /// An image, a container or a volume.
    package struct Item: Sendable, Equatable {
        /// The full id, or a volume's name.
        package var id: String
        /// Names for people; several for an image with several.
        package var names: [String]
        /// Bytes that would be free without it.
        package var ownBytes: Int64
        /// Bytes of layers that other images use, too.
        package var sharedBytes: Int64 = 0
        /// Containers that use it; for a container, whether it runs: 0 or 1.
        package var users: Int
    }

    /// Every image, also those without a name.
    package var images: [Item] = []
    /// Every container, its record, log and own volumes with its files.
    package var containers: [Item] = []
    /// Named volumes.
    package var volumes: [Item] = []
    /// Bytes of all layers and kept blobs.
    package var layerBytes: Int64 = 0
    /// Those of them that only images without containers use.
    package var unusedLayerBytes: Int64 = 0

    /// Measures everything, which reads every directory of the store.
    package init(_ home: EngineHome) throws(StepError) {
        let store = try ImageStore.open(home.store)
        try measureImages(store)
        let named = try measureContainers(home)
        try measureVolumes(home, named)
    }

    /// A layer's directory or blob.
    private enum Part: Hashable {
        case layer(Digest), blob(Digest)
    }

    private mutating func measureImages(_ store: borrowing ImageStore) throws(StepError) {
        var sizes: [Part: Int64] = [:]
        for (digest, bytes) in try store.layerUsage() { sizes[.layer(digest)] = bytes }
        for (digest, bytes) in try store.blobUsage() { sizes[.blob(digest)] = bytes }
        var all: [(image: ListedImage, parts: Set<Part>)] = []
        var users: [Part: Int] = [:]
        for image in try store.allImages() {
            var parts = Set(image.image.layers.map { Part.layer($0.chainID) })
            parts.formUnion(try store.blobDigests(of: image.image.manifestDigest).map { .blob($0) })
            for part in parts { users[part, default: 0] += 1 }
            all.append((image, parts))
        }
        var needed = Set(try store.leases().flatMap(\.layers).map { Part.layer($0) })
        for (image, parts) in all {
            let shared = parts.filter { users[$0, default: 0] > 1 }
            images.append(
                Item(
                    id: image.image.configDigest.description, names: image.names.map(\.name.description),
                    ownBytes: parts.subtracting(shared).reduce(0) { $0 + (sizes[$1] ?? 0) },
                    sharedBytes: shared.reduce(0) { $0 + (sizes[$1] ?? 0) }, users: image.users.count))
            if !image.users.isEmpty { needed.formUnion(parts) }
        }
        layerBytes = sizes.values.reduce(0, +)
        unusedLayerBytes = sizes.reduce(0) { needed.contains($1.key) ? $0 : $0 + $1.value }
    }

    /// Returns how many containers use each host path as the source of a mount.
    private mutating func measureContainers(_ home: EngineHome) throws(StepError) -> [String: Int] {
        var sources: [String: Int] = [:]
        for record in try home.records().list().records {
            guard let container = try StoreUsage.find(record, home) else { continue }
            let bytes = try during("measure container \(record.name)") { () throws(SyscallError) in
                var usage = DiskUsage()
                try usage.add(home.containers.appending(Path(record.id)), in: .currentDirectory)
                try usage.add(home.store.appending("snapshots/\(record.id)"), in: .currentDirectory)
                return usage.bytes
            }
            containers.append(
                Item(
                    id: record.id, names: [record.name], ownBytes: bytes,
                    users: try container.status().isActive ? 1 : 0))
            for source in try container.mountSources() { sources[source, default: 0] += 1 }
        }
        return sources
    }

    /// Nil for a container that was removed at this moment.
    private static func find(
        _ record: ContainerRecord, _ home: EngineHome
    ) throws(StepError) -> EngineContainer? {
        do throws(StepError) {
            return try EngineContainer.find(record.id, in: home)
        } catch {
            if EngineContainer.exists(record.id, in: home) { throw error }
            return nil
        }
    }

    private mutating func measureVolumes(_ home: EngineHome, _ users: [String: Int]) throws(StepError) {
        for name in try home.volumeNames() {
            let bytes = try during("measure volume '\(name)'") { () throws(SyscallError) in
                try DiskUsage.of(home.volumes.appending(Path(name)), in: .currentDirectory)
            }
            let place = home.volumes.appending("\(name)/_data").string
            volumes.append(Item(id: name, names: [name], ownBytes: bytes, users: users[place] ?? 0))
        }
    }
}

extension EngineHome {
    /// The named volumes, sorted.
    func volumeNames() throws(StepError) -> [String] {
        try during("list the volumes") { () throws(SyscallError) in
            guard try statusIfPresent(of: volumes) != nil else { return [] }
            let folder = try open(volumes, [.readOnly, .directory])
            return try folder.borrowed.list().map(\.name.string).filter { !$0.hasPrefix(".") }.sorted()
        }
    }
}

extension EngineContainer {
    /// The host paths that its mounts come from.
    func mountSources() throws(StepError) -> Set<String> {
        let bytes = try configuration()
        do throws(JSONError) {
            return Set(try RuntimeSpec(json: bytes).mounts.compactMap { $0.source })
        } catch {
            throw StepError(
                "read the configuration of \(record.name)", refused: error.description, code: .stateDamaged)
        }
    }
}
