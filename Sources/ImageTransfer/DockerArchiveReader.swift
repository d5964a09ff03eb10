internal import ImageSpec
internal import JSONCoding
internal import LinuxSystem

/// Finds images in an archive as `docker save` writes it, old (`ID/layer.tar`) and new (`blobs/sha256/…`).
///
/// Such an archive promises no digest of a layer's blob, only the DiffIDs in the configuration; these are
/// verified like any others. It has no manifest either, so one is made from what is known: the same archive
/// always gives the same.
struct DockerArchiveReader {
    let contents: ImageContents
    let platform: Platform

    /// Whether the files are such an archive.
    static func isDockerArchive(_ contents: ImageContents) throws(StepError) -> Bool {
        try contents.file("manifest.json") != nil
    }

    /// One element of `manifest.json`.
    struct Entry: JSONReadable {
        var config = ""
        var tags: [String] = []
        var layers: [String] = []

        init(from reader: inout JSONReader) throws(JSONError) {
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "Config": config = try reader.read()
                case "RepoTags": tags = try reader.read()
                case "Layers": layers = try reader.read()
                default: break
                }
            }
            if config.isEmpty { throw reader.refusal("an image without Config") }
        }
    }

    /// The elements of `manifest.json`.
    func entries() throws(StepError) -> [Entry] {
        let name = "manifest.json of \(contents.name)"
        guard let blob = try contents.file("manifest.json") else {
            throw StepError("read \(contents.name)", refused: "there is no manifest.json in it")
        }
        return try decode(blob.readAll(name), name)
    }

    /// The images of the archive: that of the selector (a reference or `@NUMBER`), or all.
    func images(selector: String?) throws(StepError) -> [LoadableImage] {
        var found = try entries()
        if let selector {
            found = found.enumerated().filter { Self.matches($1, number: $0, selector) }.map(\.element)
            if found.isEmpty {
                throw StepError("find \(selector) in \(contents.name)", refused: "there is no such image")
            }
        }
        if found.isEmpty { throw StepError("read \(contents.name)", refused: "there is no image in it") }
        return try found.map { (entry) throws(StepError) in try image(entry) }
    }

    private static func matches(_ entry: Entry, number: Int, _ selector: String) -> Bool {
        if selector == "@\(number)" || entry.tags.contains(selector) { return true }
        do throws(ReferenceError) {
            let wanted = try ImageReference(selector).alternatives.map(\.description)
            return entry.tags.contains(where: wanted.contains)
        } catch {
            return false
        }
    }

    private func image(_ entry: Entry) throws(StepError) -> LoadableImage {
        let configBlob = try member(entry.config, "configuration")
        let configBytes = try configBlob.readAll("configuration \(entry.config)")
        let configDigest = Digest.of(configBytes)
        if let promised = Self.digest(inName: entry.config), promised != configDigest {
            throw StepError(
                "verify configuration \(printable(Array(entry.config.utf8)))",
                refused: "its content has the digest \(configDigest)")
        }
        let config: ImageConfig = try decode(configBytes, "configuration \(configDigest)")
        try check(config, runsOn: platform, contents.name)
        var blobs: [(blob: Blob, digest: Digest?)] = []
        for layer in entry.layers {
            blobs.append((try member(layer, "layer"), Self.digest(inName: layer)))
        }
        let layers = try LoadableImage.layers(blobs, config, of: "image \(configDigest)")
        let manifest = Manifest(
            config: Descriptor(mediaType: .config, digest: configDigest, size: Int64(configBytes.count)),
            layers: layers.map { Descriptor(mediaType: .layer, digest: $0.diffID, size: $0.blob.size) }
        ).json()
        var names: [ImageReference] = []
        for tag in entry.tags {
            do throws(ReferenceError) {
                names.append(try ImageReference(tag))
            } catch {
                throw StepError("read manifest.json of \(contents.name)", refused: "\(error)")
            }
        }
        return LoadableImage(
            manifest: manifest, manifestDigest: Digest.of(manifest), configBytes: configBytes,
            configDigest: configDigest, layers: layers, names: names)
    }

    private func member(_ name: String, _ what: String) throws(StepError) -> Blob {
        let path = Path(name)
        guard !path.hasParentReference, !path.isAbsolute,
            let blob = try contents.file(Path.joining(path.components, absolute: false).string)
        else {
            throw StepError(
                "read \(what) \(printable(Array(name.utf8)))", refused: "it is not in \(contents.name)")
        }
        return blob
    }

    /// The digest that a name promises: `HEX.json` or `blobs/sha256/HEX`. The ids of old archives' layer
    /// directories are no digests of anything.
    private static func digest(inName name: String) -> Digest? {
        if name.hasPrefix("blobs/sha256/") { return Digest(.sha256, hex: name.dropFirst(13)) }
        if name.hasSuffix(".json") { return Digest(.sha256, hex: name.dropLast(5)) }
        return nil
    }

    /// An archive that is a layout as well is read as a layout. Then both must mean the same images, or two
    /// tools would run two different programs from one file.
    func checkAgreement(with images: [LoadableImage]) throws(StepError) {
        let configs = try entries().map(\.config)
        for image in images {
            let hex = image.configDigest.hex
            let agrees = configs.contains { $0 == "blobs/sha256/\(hex)" || $0 == "\(hex).json" }
            if !agrees {
                throw StepError(
                    "read \(contents.name)",
                    refused: "its index.json and its manifest.json name different images")
            }
        }
    }
}
