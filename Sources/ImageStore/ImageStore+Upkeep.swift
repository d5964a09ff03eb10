package import ImageSpec
internal import JSONCoding
package import LinuxSystem

/// Everything that a store holds, by name.
package struct StoreContents: Sendable {
    /// The names.
    package let names: [NamedImage]
    /// Images by the digest of their manifests.
    package let images: [Digest]
    /// Layers by chain id.
    package let layers: Set<Digest>
    /// What containers hold.
    package let leases: [Lease]
    /// Entries of `tmp` that no living process has locked.
    package let temporary: [String]
    /// Entries of `images` and `layers` that are no digests.
    package let strange: [String]
}

extension ImageStore {
    /// Lists the store; names and leases do not change meanwhile.
    package func contents() throws(StepError) -> StoreContents {
        let held = try sharedLock()
        defer { _ = held.borrowed }
        var strange: [String] = []
        var found: [[Digest]] = []
        for place in ["images", "layers"] {
            var digests: [Digest] = []
            for entry in try entries(Path(place)) {
                if let digest = Digest(fileName: entry) {
                    digests.append(digest)
                } else {
                    strange.append("\(place)/\(entry)")
                }
            }
            found.append(digests)
        }
        let temporary = try during("look through tmp of the image store") { () throws(SyscallError) in
            try unlockedTemporaries().map(\.string)
        }
        return StoreContents(
            names: try ImageNames.read(root.borrowed).names, images: found[0], layers: Set(found[1]),
            leases: try leases(), temporary: temporary, strange: strange)
    }

    /// Manifest and configuration of an image, byte for byte as they lie there.
    package func documents(of manifest: Digest) throws(StepError) -> (manifest: [UInt8], config: [UInt8]) {
        try during("read image \(manifest)") { () throws(SyscallError) in
            let place: Path = "images/\(manifest.fileName)"
            return (
                try readFile("\(place)/manifest.json", in: root.borrowed),
                try readFile("\(place)/config.json", in: root.borrowed)
            )
        }
    }

    /// What made a layer, as `layer.json` says; also sees that its tree is there.
    package func layerDocument(_ chainID: Digest) throws(StepError) -> StoredImage.Layer {
        let step: Step = "read layer \(chainID)"
        guard try hasLayer(chainID) else { throw StepError(step, refused: "its directory fs is not there") }
        let bytes = try during(step) { () throws(SyscallError) in
            try readFile("layers/\(chainID.fileName)/layer.json", in: root.borrowed)
        }
        return try parse(bytes, step)
    }
}
