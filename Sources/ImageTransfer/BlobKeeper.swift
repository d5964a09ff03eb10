internal import DigestBinding
internal import ImageSpec
internal import ImageStore
internal import LinuxSystem

/// Keeps the blobs of a loaded image's layers as they came, for stores that shall save and push them unchanged.
enum BlobKeeper {
    /// Copies each blob that the store does not have. It is verified once more on the way: between its unpacking and
    /// this, somebody may have changed the file.
    static func keep(
        _ image: LoadableImage, _ store: borrowing ImageStore, _ staged: borrowing Staging
    ) throws(StepError) {
        let label = "manifest \(image.manifestDigest)"
        guard case .manifest(let manifest) = try decode(image.manifest, label, as: ImageDocument.self) else {
            return
        }
        for (index, (layer, descriptor)) in zip(image.layers, manifest.layers).enumerated() {
            if try store.hasBlob(descriptor.digest) { continue }
            let name: Path = "blob-\(index)"
            let found = try copy(layer.blob, descriptor.digest.algorithm, to: name, staged)
            if found == descriptor.digest {
                try store.addBlob(found, from: name, in: staged)
                continue
            }
            // The manifest of a docker-archive is ours and names uncompressed layers; a compressed one cannot be kept.
            if layer.digest == nil { continue }
            throw StepError(
                "keep layer \(descriptor.digest)", refused: "its content has the digest \(found)",
                code: .imageDamaged)
        }
    }

    private static func copy(
        _ blob: Blob, _ algorithm: Digest.Algorithm, to name: Path, _ staged: borrowing Staging
    ) throws(StepError) -> Digest {
        let directory = staged.directory
        return try during("keep a layer's blob") { () throws(SyscallError) in
            try removeTree(name, in: directory)
            let file = try open(
                name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, in: directory)
            let digest = RunningDigest(algorithm.function)
            var offset = blob.offset
            let end = blob.offset + blob.size
            while offset < end {
                let piece = try blob.file.borrowed.read(max: Int(min(1 << 16, end - offset)), at: offset)
                if piece.isEmpty { throw SyscallError(.read, on: blob.file.borrowed.operand, .EIO) }
                digest.update(piece)
                try file.borrowed.writeAll(piece)
                offset += Int64(piece.count)
            }
            try file.close()
            return Digest(algorithm, bytes: digest.finish())
        }
    }
}
