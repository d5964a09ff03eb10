internal import ImageSpec
internal import JSONCoding
internal import LinuxSystem

/// An image found in a file, its documents verified, its layers yet to be read.
struct LoadableImage {
    /// A layer yet to be read.
    struct Layer {
        let blob: Blob
        /// What the blob's bytes must hash to; nil where the format has no such promise (docker-archive).
        let digest: Digest?
        /// What the uncompressed bytes must hash to.
        let diffID: Digest
        let chainID: Digest
    }

    let manifest: [UInt8]
    let manifestDigest: Digest
    let configBytes: [UInt8]
    let configDigest: Digest
    let layers: [Layer]
    /// The names that the file gives the image.
    let names: [ImageReference]

    /// Puts blobs and DiffIDs together.
    static func layers(
        _ blobs: [(blob: Blob, digest: Digest?)], _ config: ImageConfig, of image: String
    ) throws(StepError) -> [Layer] {
        guard blobs.count == config.diffIDs.count else {
            throw StepError(
                "verify \(image)",
                refused: "it has \(blobs.count) layers, its configuration names \(config.diffIDs.count)")
        }
        var parent: Digest?
        var layers: [Layer] = []
        for ((blob, digest), diffID) in zip(blobs, config.diffIDs) {
            let chainID = Digest.chainID(of: diffID, over: parent)
            layers.append(Layer(blob: blob, digest: digest, diffID: diffID, chainID: chainID))
            parent = chainID
        }
        return layers
    }
}

/// Reads a document of an image.
func decode<Value: JSONReadable>(
    _ bytes: [UInt8], _ name: String, as type: Value.Type = Value.self
) throws(StepError) -> Value {
    do throws(JSONError) {
        return try Value(json: bytes)
    } catch {
        throw StepError("read \(name)", refused: "\(error)")
    }
}

/// Refuses an image that this machine cannot run.
func check(_ config: ImageConfig, runsOn platform: Platform, _ name: String) throws(StepError) {
    if platform.runs(config.platform) { return }
    throw StepError(
        "load \(name)", refused: "it is for \(config.platform), not for \(platform)",
        hint: "--platform \(config.platform) loads it all the same")
}
