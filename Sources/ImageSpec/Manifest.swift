package import JSONCoding

/// An image manifest: its configuration and its layers, base first.
/// - SeeAlso: image-spec manifest.md
package struct Manifest: Sendable, Equatable {
    /// The document's own statement of its kind, if it makes one.
    package var mediaType: MediaType?
    /// What an artifact holds; images have none.
    package var artifactType: String?
    /// The image configuration.
    package var config: Descriptor
    /// The layers, base first.
    package var layers: [Descriptor]
    /// What this manifest is about, for signatures and the like.
    package var subject: Descriptor?
    /// Free annotations.
    package var annotations: StringMap

    /// A manifest of the values named.
    package init(
        mediaType: MediaType? = .manifest, artifactType: String? = nil, config: Descriptor,
        layers: [Descriptor], subject: Descriptor? = nil, annotations: StringMap = [:]
    ) {
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.subject = subject
        self.annotations = annotations
    }

    /// Why this manifest cannot be run as a container, or nil if it can: artifacts have another kind of
    /// configuration, or layers that are no file systems.
    package var reasonNotRunnable: String? {
        if let artifactType { return "it is an artifact of type \(artifactType), not an image" }
        if config.mediaType == .empty {
            return "it is an artifact (its configuration is empty), not an image"
        }
        guard config.mediaType.isConfig else {
            return "its configuration is of type \(config.mediaType.rawValue), not an image configuration"
        }
        for layer in layers where !layer.mediaType.isLayer {
            return "layer \(layer.digest) is of type \(layer.mediaType.rawValue), not a file system"
        }
        return nil
    }
}

/// An index: the same image for several platforms, or the images of a layout.
/// - SeeAlso: image-spec image-index.md
package struct Index: Sendable, Equatable {
    /// The document's own statement of its kind, if it makes one.
    package var mediaType: MediaType?
    /// The manifests and further indexes.
    package var manifests: [Descriptor]
    /// Free annotations.
    package var annotations: StringMap

    /// An index of the values named.
    package init(mediaType: MediaType? = .index, manifests: [Descriptor], annotations: StringMap = [:]) {
        self.mediaType = mediaType
        self.manifests = manifests
        self.annotations = annotations
    }
}

/// A manifest or an index, told apart by what the document holds and not by what somebody says it is.
///
/// A document with the members of both is refused: two readers could take it for two different images
/// (CVE-2021-41190).
package enum ImageDocument: Sendable, Equatable, JSONReadable {
    /// The document is a manifest.
    case manifest(Manifest)
    /// The document is an index.
    case index(Index)

    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var found = Members()
        try reader.object { (key, reader) throws(JSONError) in try found.read(key, &reader) }
        self = try found.document(reader)
    }

    /// What was found in the document so far.
    private struct Members {
        var schemaVersion: Int?
        var mediaType: MediaType?
        var artifactType: String?
        var config: Descriptor?
        var layers: [Descriptor]?
        var manifests: [Descriptor]?
        var subject: Descriptor?
        var annotations = StringMap()
        var hasSchema1Layers = false

        mutating func read(_ key: String, _ reader: inout JSONReader) throws(JSONError) {
            switch key {
            case "schemaVersion": schemaVersion = try reader.read()
            case "mediaType": mediaType = try reader.read()
            case "artifactType": artifactType = try reader.read()
            case "config": config = try reader.read()
            case "layers": layers = try reader.read()
            // An index may hold descriptors of kinds yet unknown, so only their form is checked here.
            case "manifests": manifests = try reader.read()
            case "subject": subject = try reader.read()
            case "annotations": annotations = try reader.read()
            case "fsLayers", "history": hasSchema1Layers = true
            default: break
            }
        }

        func document(_ reader: borrowing JSONReader) throws(JSONError) -> ImageDocument {
            if schemaVersion == 1 || hasSchema1Layers {
                throw reader.refusal("Docker's manifest schema 1 is not read; convert the image")
            }
            guard schemaVersion == 2 else {
                throw reader.refusal(
                    schemaVersion.map { "schemaVersion \($0) is not 2" } ?? "no schemaVersion")
            }
            if let manifests {
                if layers != nil || config != nil {
                    throw reader.refusal("the document has the members of an index and of a manifest")
                }
                if let mediaType, !mediaType.isIndex {
                    throw reader.refusal("an index that calls itself \(mediaType.rawValue)")
                }
                return .index(Index(mediaType: mediaType, manifests: manifests, annotations: annotations))
            }
            guard let config else { throw reader.refusal("neither a manifest (no config) nor an index") }
            guard let layers else { throw reader.refusal("a manifest without layers") }
            if let mediaType, !mediaType.isManifest {
                throw reader.refusal("a manifest that calls itself \(mediaType.rawValue)")
            }
            return .manifest(
                Manifest(
                    mediaType: mediaType, artifactType: artifactType, config: config, layers: layers,
                    subject: subject, annotations: annotations))
        }
    }
}

extension Manifest: JSONWritable {
    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("schemaVersion", 2)
            writer.field("mediaType", mediaType)
            writer.field("artifactType", artifactType)
            writer.field("config", config)
            writer.field("layers", layers)
            writer.field("subject", subject)
            writer.fieldUnlessEmpty("annotations", annotations)
        }
    }
}

extension Index: JSONWritable {
    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("schemaVersion", 2)
            writer.field("mediaType", mediaType)
            writer.field("manifests", manifests)
            writer.fieldUnlessEmpty("annotations", annotations)
        }
    }
}
