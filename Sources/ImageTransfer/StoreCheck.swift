internal import ImageSpec
package import ImageStore
package import LinuxSystem

/// Verifies a store against its own rules.
package struct StoreCheck: Sendable {
    /// What is wrong, one line each.
    package private(set) var findings: [String] = []
    /// What nothing uses: no harm, and `prune` removes it.
    package private(set) var leftovers: [String] = []
    /// How many images there are.
    package private(set) var images = 0
    /// How many layers there are.
    package private(set) var layers = 0

    /// Reads all documents of the store and compares them with what they name. Changes nothing.
    /// - Throws: only when the store cannot be read at all.
    package static func run(_ store: borrowing ImageStore) throws(StepError) -> StoreCheck {
        var check = StoreCheck()
        let contents = try store.contents()
        check.layers = contents.layers.count
        check.images = contents.images.count
        var used: Set<Digest> = []
        var known: Set<Digest> = []
        for place in contents.images {
            known.insert(place)
            check.collect("image \(place)") { () throws(StepError) in
                let image = try store.record(of: place)
                for layer in image.layers { used.insert(layer.chainID) }
                return try problems(of: image, place, store)
            }
        }
        for named in contents.names where !known.contains(named.manifest) {
            check.findings.append("name \(named.name): its image \(named.manifest) is not there")
        }
        for lease in contents.leases {
            used.formUnion(lease.layers)
            for layer in lease.layers where !contents.layers.contains(layer) {
                check.findings.append("container \(lease.name): its layer \(layer) is not there")
            }
        }
        for layer in contents.layers {
            check.collect("layer \(layer)") { () throws(StepError) in
                try store.layerDocument(layer).chainID == layer ? [] : ["layer.json says another chain id"]
            }
            if !used.contains(layer) { check.leftovers.append("layer \(layer)") }
        }
        check.findings += contents.strange.map { "\($0): nothing of the store has such a name" }
        check.leftovers += contents.temporary.map { "tmp/\($0)" }
        return check
    }

    private mutating func collect(_ what: String, _ body: () throws(StepError) -> [String]) {
        do throws(StepError) {
            findings += try body().map { "\(what): \($0)" }
        } catch {
            findings.append("\(what): \(error)")
        }
    }

    private static func problems(
        of image: StoredImage, _ place: Digest, _ store: borrowing ImageStore
    ) throws(StepError) -> [String] {
        var found: [String] = []
        if image.manifestDigest != place { found.append("record.json is that of \(image.manifestDigest)") }
        let (manifest, config) = try store.documents(of: place)
        if Digest.of(manifest, place.algorithm) != place { found.append("manifest.json has another digest") }
        if Digest.of(config, image.configDigest.algorithm) != image.configDigest {
            found.append("config.json has another digest")
        }
        if config != image.configBytes {
            found.append("record.json has another configuration than config.json")
        }
        if image.config.diffIDs != image.layers.map(\.diffID) {
            found.append("its layers are not those it names")
        }
        var parent: Digest?
        for layer in image.layers {
            let chainID = Digest.chainID(of: layer.diffID, over: parent)
            if chainID != layer.chainID { found.append("layer \(layer.diffID) has a wrong chain id") }
            if try !store.hasLayer(layer.chainID) { found.append("layer \(layer.diffID) is not there") }
            parent = chainID
        }
        return found
    }
}
