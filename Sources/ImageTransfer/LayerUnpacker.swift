internal import ArchiveBinding
internal import DigestBinding
internal import ImageSpec
internal import LinuxSystem

/// Unpacks one layer into a directory and verifies it on the way: the bytes that are hashed are the bytes
/// that are unpacked, read once.
struct LayerUnpacker {
    let layer: LoadableImage.Layer
    let lower: LowerLayers
    let limits: UnpackLimits

    private var name: String { "layer \(layer.digest ?? layer.diffID)" }

    /// Fills `root`, which is empty.
    /// - Throws: whatever is wrong with the layer; then `root` holds rubbish.
    func unpack(into root: DirectoryHandle) throws(StepError) {
        let blobDigest = RunningDigest((layer.digest ?? layer.diffID).algorithm.function)
        let diffDigest = RunningDigest(layer.diffID.algorithm.function)
        let hashesBlob = layer.digest != nil
        let compressed = layer.blob.stream { piece in if hashesBlob { blobDigest.update(piece) } }
        do throws(LayerFailure) {
            try unpack(compressed, diffDigest, into: root)
        } catch {
            // A damaged blob fails in many ways; that it is damaged is the better message.
            try verifyBlob(compressed, blobDigest)
            throw StepError("unpack \(name)", refused: error.reason)
        }
        try verifyBlob(compressed, blobDigest)
        let found = Digest(layer.diffID.algorithm, bytes: diffDigest.finish())
        guard found == layer.diffID else {
            throw StepError(
                "verify \(name)",
                refused:
                    "its uncompressed content has the digest \(found), the configuration says \(layer.diffID)"
            )
        }
    }

    private func unpack(
        _ compressed: ByteStream, _ diffDigest: RunningDigest, into root: DirectoryHandle
    ) throws(LayerFailure) {
        var writer: LayerWriter
        do throws(SyscallError) {
            writer = try LayerWriter(root: root, lower: lower, limits: limits)
        } catch {
            throw LayerFailure(entry: nil, .refused("\(error)"))
        }
        let limit = limits.uncompressedBytes(of: layer.blob.size)
        var current: [UInt8]?
        do throws(ArchiveError) {
            let plain = ByteStream(
                .decompressed(try Decompressor(compressed, .layer)), limit: limit
            ) { piece in diffDigest.update(piece) }
            let reader = try TarReader(plain)
            while let entry = try reader.next() {
                current = entry.path
                do throws(LayerFailure) {
                    try writer.place(entry, reader)
                } catch {
                    throw ArchiveError.refused(error.reason)
                }
            }
            current = nil
            try plain.drain()
        } catch {
            if case .refused = error { throw LayerFailure(entry: nil, .archive(error)) }
            throw LayerFailure(entry: current, .archive(error))
        }
        try writer.finish()
    }

    /// Reads what is left of the blob and compares its digest.
    private func verifyBlob(_ compressed: ByteStream, _ digest: RunningDigest) throws(StepError) {
        guard let wanted = layer.digest else { return }
        do throws(ArchiveError) {
            try compressed.drain()
        } catch {
            throw StepError("read \(name)", refused: "\(error)")
        }
        let found = Digest(wanted.algorithm, bytes: digest.finish())
        guard found == wanted else {
            throw StepError("verify \(name)", refused: "its content has the digest \(found)")
        }
    }
}
