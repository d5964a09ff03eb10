internal import ImageSpec
internal import JSONCoding
internal import LinuxSystem

/// Finds images in an OCI layout.
/// - SeeAlso: image-spec image-layout.md
struct LayoutReader {
    /// How deep indexes may be nested.
    static let depthLimit = 8
    /// How many descriptors an index may have.
    static let widthLimit = 4096

    let contents: ImageContents
    let platform: Platform

    /// Whether the files are a layout.
    static func isLayout(_ contents: ImageContents) throws(StepError) -> Bool {
        try contents.file("oci-layout") != nil
    }

    /// The images of the layout: that of the selector, or all.
    func images(selector: String?) throws(StepError) -> [LoadableImage] {
        try checkVersion()
        guard let blob = try contents.file("index.json") else {
            throw StepError("read \(contents.name)", refused: "a layout without index.json")
        }
        let name = "index.json of \(contents.name)"
        guard case .index(let index) = try decode(blob.readAll(name), name, as: ImageDocument.self) else {
            throw StepError("read \(name)", refused: "it is not an index")
        }
        var groups = Self.groups(of: index.manifests.filter { Self.isKnown($0.mediaType) })
        if let selector {
            groups = groups.filter { Self.names($0.name, are: selector) }
            if groups.isEmpty {
                let known = Self.groups(of: index.manifests).map { $0.name ?? "unnamed" }.joined(
                    separator: ", ")
                throw StepError(
                    "find \(selector) in \(contents.name)",
                    refused: "there is no such image (known: \(known))")
            }
        }
        if groups.isEmpty { throw StepError("read \(name)", refused: "there is no image in it") }
        return try groups.map { (group) throws(StepError) in
            let candidates = group.descriptors
            if candidates.count > 1, candidates.allSatisfy({ $0.platform == nil }) {
                throw StepError(
                    "find an image in \(contents.name)",
                    refused: "several have the name \(group.name ?? "none"): "
                        + candidates.map(\.digest.description).joined(separator: ", "))
            }
            return try image(candidates, group.name)
        }
    }

    private func checkVersion() throws(StepError) {
        guard let blob = try contents.file("oci-layout") else {
            throw StepError("read \(contents.name)", refused: "there is no oci-layout file")
        }
        let name = "oci-layout of \(contents.name)"
        let layout: LayoutVersion = try decode(blob.readAll(name, limit: 65536), name)
        guard layout.version == "1.0.0" else {
            throw StepError("read \(name)", refused: "version \"\(layout.version)\" is not 1.0.0")
        }
    }

    private static func isKnown(_ type: MediaType) -> Bool { type.isIndex || type.isManifest }

    /// The descriptors under each name, in the index's order.
    private static func groups(of all: [Descriptor]) -> [(name: String?, descriptors: [Descriptor])] {
        var groups: [(name: String?, descriptors: [Descriptor])] = []
        for descriptor in all {
            let name =
                descriptor.annotations[Descriptor.imageName]
                ?? descriptor.annotations[Descriptor.referenceName]
            if let index = groups.firstIndex(where: { $0.name == name }) {
                groups[index].descriptors.append(descriptor)
            } else {
                groups.append((name, [descriptor]))
            }
        }
        return groups
    }

    /// Whether a name in an index is what a person asks for: the same text, the same tag, or the same
    /// reference.
    private static func names(_ name: String?, are selector: String) -> Bool {
        guard let name else { return false }
        if name == selector { return true }
        do throws(ReferenceError) {
            let wanted = try ImageReference(selector)
            let found = try ImageReference(name)
            return wanted.alternatives.contains(found) || found.tag == selector
        } catch {
            return false
        }
    }

    // MARK: One image

    private func image(_ candidates: [Descriptor], _ name: String?) throws(StepError) -> LoadableImage {
        let (descriptor, bytes, manifest) = try manifest(among: candidates, depth: 0)
        let label = "image \(descriptor.digest)"
        if let reason = manifest.reasonNotRunnable { throw StepError("load \(label)", refused: reason) }
        let configBytes = try blob(manifest.config, "configuration").read(
            manifest.config, as: "configuration")
        let config: ImageConfig = try decode(configBytes, "configuration \(manifest.config.digest)")
        try check(config, runsOn: platform, contents.name)
        var blobs: [(blob: Blob, digest: Digest?)] = []
        for layer in manifest.layers {
            let blob = try blob(layer, "layer")
            try blob.checkSize(layer, "layer \(layer.digest)")
            blobs.append((blob, layer.digest))
        }
        return LoadableImage(
            manifest: bytes, manifestDigest: descriptor.digest, configBytes: configBytes,
            configDigest: manifest.config.digest,
            layers: try LoadableImage.layers(blobs, config, of: label),
            names: name.flatMap { ImageNaming.reference($0, in: contents.name) }.map { [$0] } ?? [])
    }

    /// Follows indexes down to the manifest for this machine.
    private func manifest(
        among candidates: [Descriptor], depth: Int
    ) throws(StepError) -> (Descriptor, [UInt8], Manifest) {
        let name = contents.name
        if depth > Self.depthLimit {
            throw StepError("read \(name)", refused: "indexes are nested deeper than \(Self.depthLimit)")
        }
        if candidates.count > Self.widthLimit {
            throw StepError("read \(name)", refused: "an index has more than \(Self.widthLimit) descriptors")
        }
        let known = candidates.filter { Self.isKnown($0.mediaType) }
        // A single candidate is taken whatever it says; the configuration has the last word on the platform.
        let choice =
            known.count == 1
            ? known.first : platform.best(of: known.map { (platform: $0.platform, choice: $0) })
        guard let choice else {
            let platforms = known.map { $0.platform?.description ?? "unknown" }.joined(separator: ", ")
            throw StepError(
                "load \(name)", refused: "there is no image for \(platform) (only for: \(platforms))")
        }
        let what = choice.mediaType.isIndex ? "index" : "manifest"
        let bytes = try blob(choice, what).read(choice, as: what)
        switch try decode(bytes, "\(what) \(choice.digest)", as: ImageDocument.self) {
        case .manifest(let manifest):
            if choice.mediaType.isIndex {
                throw StepError("read index \(choice.digest)", refused: "it is a manifest")
            }
            return (choice, bytes, manifest)
        case .index(let index):
            if choice.mediaType.isManifest {
                throw StepError("read manifest \(choice.digest)", refused: "it is an index")
            }
            return try manifest(among: index.manifests, depth: depth + 1)
        }
    }

    private func blob(_ descriptor: Descriptor, _ what: String) throws(StepError) -> Blob {
        let name = "blobs/\(descriptor.digest.algorithm.rawValue)/\(descriptor.digest.hex)"
        guard let blob = try contents.file(name) else {
            throw StepError("read \(what) \(descriptor.digest)", refused: "it is not in \(contents.name)")
        }
        return blob
    }
}

/// The file `oci-layout`.
private struct LayoutVersion: JSONReadable {
    var version = ""

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { (key, reader) throws(JSONError) in
            if key == "imageLayoutVersion" { version = try reader.read() }
        }
    }
}
