package import JSONCoding

/// What kind of document or blob a descriptor points to.
/// - SeeAlso: image-spec media-types.md
package struct MediaType: RawRepresentable, Sendable, Hashable, JSONReadable, JSONWritable {
    /// The text as the document has it.
    package let rawValue: String

    /// Any text is a media type; the questions below say which ones are known.
    package init(rawValue: String) { self.rawValue = rawValue }

    /// An OCI image index.
    package static let index = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
    /// An OCI image manifest.
    package static let manifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
    /// An OCI image configuration.
    package static let config = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
    /// A plain tar layer.
    package static let layer = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar")
    /// The empty JSON object that artifacts have for a configuration.
    package static let empty = MediaType(rawValue: "application/vnd.oci.empty.v1+json")

    private static let docker = "application/vnd.docker."
    private static let layers: Set<String> = [
        "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        docker + "image.rootfs.diff.tar", docker + "image.rootfs.diff.tar.gzip",
        docker + "image.rootfs.diff.tar.zstd", docker + "image.rootfs.foreign.diff.tar.gzip",
    ]

    /// Whether it is an index, OCI's or Docker's.
    package var isIndex: Bool {
        self == .index || rawValue == Self.docker + "distribution.manifest.list.v2+json"
    }

    /// Whether it is an image manifest, OCI's or Docker's.
    package var isManifest: Bool {
        self == .manifest || rawValue == Self.docker + "distribution.manifest.v2+json"
    }

    /// Whether it is an image configuration, OCI's or Docker's.
    package var isConfig: Bool { self == .config || rawValue == Self.docker + "container.image.v1+json" }

    /// Whether it is a file system layer that can be unpacked. How it is compressed, its first bytes say.
    package var isLayer: Bool { Self.layers.contains(rawValue) }

    /// Reads a string.
    package init(from reader: inout JSONReader) throws(JSONError) { rawValue = try reader.string() }

    /// Writes a string.
    package func write(to writer: inout JSONWriter) { writer.string(rawValue) }
}
