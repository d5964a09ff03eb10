internal import ArchiveBinding
internal import DigestBinding
internal import ImageSpec
internal import LinuxSystem

/// Unpacks one layer into a directory and verifies it on the way: the bytes that are hashed are the bytes
/// that are unpacked, read once.
///
/// Three threads work at the same time: one reads, hashes the blob and inflates; one hashes what came out; the caller's
/// writes the files.
struct LayerUnpacker {
    let layer: LoadableImage.Layer
    let lower: LowerLayers
    let limits: UnpackLimits
    /// Is told from time to time how many bytes of the blob are read.
    var progress: (Int64) -> Void = { _ in }

    private var name: String { "layer \(layer.digest ?? layer.diffID)" }

    /// Fills `root`, which is empty. The umask must be 0.
    /// - Throws: whatever is wrong with the layer; then `root` holds rubbish.
    func unpack(into root: DirectoryHandle) throws(StepError) {
        let blobDigest = RunningDigest((layer.digest ?? layer.diffID).algorithm.function)
        let diffDigest = RunningDigest(layer.diffID.algorithm.function)
        let hashesBlob = layer.digest != nil
        var read: Int64 = 0
        let compressed = layer.blob.stream { piece in
            if hashesBlob { blobDigest.update(piece) }
            read += Int64(piece.count)
            progress(read)
        }
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
        let ring = ChunkRing()
        let reading: WorkerThread
        let hashing: WorkerThread
        do throws(ArchiveError) {
            let source = try Decompressor(compressed, .layer)
            reading = try WorkerThread { ring.fill(from: source) }
            hashing = try WorkerThread {
                bestEffort("the one who unpacks meets the same error") { () throws(ArchiveError) in
                    try ByteStream(.ring(ring, .digest)) { piece in diffDigest.update(piece) }.drain()
                }
                ring.abandon(.digest)
            }
        } catch {
            ring.abandon(.archive)
            ring.abandon(.digest)
            throw LayerFailure(entry: nil, .archive(error))
        }
        defer {
            ring.abandon(.archive)
            reading.join()
            hashing.join()
        }
        let limit = limits.uncompressedBytes(of: layer.blob.size)
        let witness = TarWitness()
        let plain = ByteStream(.ring(ring, .archive), limit: limit) { piece in witness.see(piece) }
        try write(plain, witness, into: root)
    }

    private func write(
        _ plain: ByteStream, _ witness: TarWitness, into root: DirectoryHandle
    ) throws(LayerFailure) {
        var writer: LayerWriter
        do throws(SyscallError) {
            writer = try LayerWriter(root: root, lower: lower, limits: limits)
        } catch {
            throw LayerFailure(entry: nil, .refused("\(error)"))
        }
        var current: [UInt8]?
        do throws(ArchiveError) {
            let reader = try TarReader(plain, witness: witness)
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
