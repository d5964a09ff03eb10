package import ImageSpec
package import JSONCoding

/// An image of the store: everything that was verified when it was loaded.
package struct StoredImage: Sendable, Equatable {
    /// One layer as the image's manifest names it.
    package struct Layer: Sendable, Equatable {
        /// Digest of the layer's tar archive, uncompressed.
        package let diffID: Digest
        /// Digest of this layer and all below it: the key of the unpacked directory.
        package let chainID: Digest
        /// Length of the layer's blob in bytes, as it was in the archive.
        package let size: Int64

        /// A layer of the values named.
        package init(diffID: Digest, chainID: Digest, size: Int64) {
            self.diffID = diffID
            self.chainID = chainID
            self.size = size
        }
    }

    /// Digest of the manifest, under which the store keeps the image.
    package let manifestDigest: Digest
    /// Digest of the configuration, which people call the image's id.
    package let configDigest: Digest
    /// The layers, base first.
    package let layers: [Layer]
    /// The configuration as it was in the image.
    package let config: ImageConfig
    /// The bytes that ``config`` was read from.
    package let configBytes: [UInt8]

    /// An image of the values named.
    /// - Throws: if the bytes are not a configuration.
    package init(
        manifestDigest: Digest, configDigest: Digest, layers: [Layer], configBytes: [UInt8]
    ) throws(JSONError) {
        self.manifestDigest = manifestDigest
        self.configDigest = configDigest
        self.layers = layers
        self.configBytes = configBytes
        config = try ImageConfig(json: configBytes)
    }

    /// The sum of the blobs' lengths in bytes.
    package var size: Int64 { layers.reduce(0) { $0 + $1.size } }
}

extension StoredImage: JSONReadable, JSONWritable {
    /// Reads a record of the store.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var manifest: Digest?
        var configDigest: Digest?
        var layers: [Layer] = []
        var config: [UInt8]?
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "manifest": manifest = try reader.read()
            case "configDigest": configDigest = try reader.read()
            case "layers": layers = try reader.read()
            case "config": config = try reader.rawValue()
            default: break
            }
        }
        guard let manifest, let configDigest, let config else {
            throw reader.refusal("an image record needs manifest, configDigest and config")
        }
        try self.init(
            manifestDigest: manifest, configDigest: configDigest, layers: layers, configBytes: config)
    }

    /// Writes the record that the store keeps.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("manifest", manifestDigest)
            writer.field("configDigest", configDigest)
            writer.field("layers", layers)
            writer.field("config") { (writer: inout JSONWriter) in writer.raw(configBytes) }
        }
    }
}

extension StoredImage.Layer: JSONReadable, JSONWritable {
    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var diffID: Digest?
        var chainID: Digest?
        var size: Int64 = 0
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "diffID": diffID = try reader.read()
            case "chainID": chainID = try reader.read()
            case "size": size = try reader.read()
            default: break
            }
        }
        guard let diffID, let chainID else { throw reader.refusal("a layer needs diffID and chainID") }
        self.init(diffID: diffID, chainID: chainID, size: size)
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("diffID", diffID)
            writer.field("chainID", chainID)
            writer.field("size", size)
        }
    }
}
