package import ImageSpec
package import JSONCoding
package import LinuxSystem

/// What one container holds of the store: `snapshot.json` in its snapshot's directory.
package struct Lease: Sendable, Equatable {
    /// The container.
    package let name: String
    /// The image as it was asked for.
    package let reference: ImageReference
    /// The image's manifest.
    package let manifest: Digest
    /// The chain ids of the layers, base first.
    package let layers: [Digest]

    /// A lease of the values named.
    package init(name: String, reference: ImageReference, manifest: Digest, layers: [Digest]) {
        self.name = name
        self.reference = reference
        self.manifest = manifest
        self.layers = layers
    }
}

extension ImageStore {
    /// All leases, one for each container that was made from an image.
    package func leases() throws(StepError) -> [Lease] {
        var result: [Lease] = []
        for entry in try entries("snapshots") {
            if let lease = try lease(entry.string) { result.append(lease) }
        }
        return result
    }

    /// The lease of one container; nil if it has none.
    package func lease(_ name: String) throws(StepError) -> Lease? {
        let step: Step = "read the snapshot of \(name)"
        let bytes = try during(step) { () throws(SyscallError) in
            try readFileIfPresent("snapshots/\(name)/snapshot.json", in: root.borrowed)
        }
        guard let bytes else { return nil }
        return try parse(bytes, step)
    }
}

extension Lease: JSONReadable, JSONWritable {
    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var name = ""
        var reference: ImageReference?
        var manifest: Digest?
        var layers: [Digest] = []
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "name": name = try reader.read()
            case "reference": reference = try reader.read()
            case "manifest": manifest = try reader.read()
            case "layers": layers = try reader.read()
            default: break
            }
        }
        guard let reference, let manifest else {
            throw reader.refusal("a lease needs reference and manifest")
        }
        self.init(name: name, reference: reference, manifest: manifest, layers: layers)
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", name)
            writer.field("reference", reference)
            writer.field("manifest", manifest)
            writer.field("layers", layers)
        }
    }
}
