internal import ArchiveBinding
internal import DigestBinding
internal import ImageSpec
internal import ImageStore
internal import JSONCoding
internal import LinuxSystem

/// An image of the store with its documents and the blobs of its layers, ready to be written.
///
/// Where the store has kept the blobs, manifest and configuration are the original ones, and so are all digests. Otherwise
/// each layer is made from its tree as an uncompressed archive, always the same one for the same tree; only if that is not what
/// the configuration already names does the image get a new configuration, which differs in nothing but the layers.
struct SavableImage {
    let manifest: [UInt8]
    let mediaType: MediaType
    let config: Descriptor
    let configBytes: [UInt8]
    /// The layers, base first.
    let layers: [(descriptor: Descriptor, blob: Blob)]
    var names: [ImageReference]

    var manifestDigest: Digest { Digest.of(manifest) }

    /// Which blobs are wanted.
    enum Blobs {
        /// The original ones where they were kept.
        case original
        /// Uncompressed ones: docker-archives name their layers by the digests of these.
        case uncompressed
    }

    /// Prepares an image. What has to be made lies in files without names in `staged`.
    init(
        _ image: StoredImage, _ names: [ImageReference], _ blobs: Blobs, _ store: borrowing ImageStore,
        _ staged: borrowing Staging
    ) throws(StepError) {
        let label = "image \(image.configDigest.short)"
        let bytes = try store.manifestBytes(of: image)
        guard case .manifest(let original) = try decode(bytes, label, as: ImageDocument.self) else {
            throw StepError("save \(label)", refused: "its manifest is an index", code: .imageDamaged)
        }
        self.names = names
        var kept: [(descriptor: Descriptor, blob: Blob)] = []
        for (descriptor, layer) in zip(original.layers, image.layers) {
            guard let file = try store.openBlob(descriptor.digest) else { break }
            let blob = Blob(file: DirectoryHandle(file), offset: 0, size: descriptor.size)
            if blobs == .original || descriptor.digest == layer.diffID {
                kept.append((descriptor, blob))
            } else {
                let plain = try Self.decompressed(blob, layer.diffID, staged)
                kept.append((Descriptor(mediaType: .layer, digest: layer.diffID, size: plain.size), plain))
            }
        }
        if kept.count < image.layers.count { kept = try Self.made(image, store, staged) }
        layers = kept
        if kept.map(\.descriptor.digest) == original.layers.map(\.digest) {
            // These are the very blobs that the manifest names.
            (manifest, mediaType, configBytes) = (bytes, original.mediaType ?? .manifest, image.configBytes)
            config = original.config
            return
        }
        var document = image.configBytes
        if kept.map(\.descriptor.digest) != image.layers.map(\.diffID) {
            var editor = try ConfigEditor(document)
            editor.setLayers(kept.map(\.descriptor.digest))
            document = editor.bytes()
        }
        configBytes = document
        config = Descriptor(mediaType: .config, digest: Digest.of(document), size: Int64(document.count))
        mediaType = .manifest
        manifest = Manifest(
            config: config, layers: kept.map(\.descriptor), annotations: original.annotations
        ).json()
    }

    private static func decompressed(
        _ blob: Blob, _ diffID: Digest, _ staged: borrowing Staging
    ) throws(StepError) -> Blob {
        let step: Step = "decompress layer \(diffID.short)"
        let file = try spool(staged, step)
        let digest = RunningDigest(diffID.algorithm.function)
        let plain: ByteStream
        do throws(ArchiveError) {
            plain = ByteStream(
                .decompressed(try Decompressor(blob.stream(), .layer)), limit: UnpackLimits().bytes
            ) { digest.update($0) }
            try plain.copy(to: file.borrowed)
        } catch {
            throw StepError(step, refused: "\(error)")
        }
        guard Digest(diffID.algorithm, bytes: digest.finish()) == diffID else {
            throw StepError(step, refused: "the blob that was kept has changed", code: .imageDamaged)
        }
        return Blob(file: file, offset: 0, size: plain.count)
    }

    /// Archives made from the layers' trees.
    private static func made(
        _ image: StoredImage, _ store: borrowing ImageStore, _ staged: borrowing Staging
    ) throws(StepError) -> [(descriptor: Descriptor, blob: Blob)] {
        var layers: [(descriptor: Descriptor, blob: Blob)] = []
        for layer in image.layers {
            let step: Step = "archive layer \(layer.diffID.short)"
            let reference = try store.openLayer(layer.chainID)
            let tree = try during(step) { () throws(SyscallError) in
                try LinuxSystem.open(".", [.readOnly, .directory], in: reference.borrowed)
            }
            let (descriptor, blob) = try archived(tree.borrowed, .layer, staged, step)
            layers.append((descriptor, blob))
        }
        return layers
    }

    /// A tree as an uncompressed archive in a file without a name.
    /// - Parameters:
    ///   - lower: the layers below an upper directory; then marks that hide nothing in them are left out.
    static func archived(
        _ tree: BorrowedFD, _ form: TreeArchiver.Form, ids: IDShift = .none, emptyToSkip: Set<Path> = [],
        lower: LowerLayers? = nil, _ staged: borrowing Staging, _ step: Step
    ) throws(StepError) -> (Descriptor, Blob) {
        let file = try spool(staged, step)
        let output = TarOutput(file.borrowed, hashes: true)
        var archiver = TreeArchiver(output, form, ids: ids, emptyToSkip: emptyToSkip, lower: lower)
        try archiver.archive(tree, step)
        let digest = output.finishedDigest()
        return (
            Descriptor(mediaType: .layer, digest: digest, size: output.count),
            Blob(file: file, offset: 0, size: output.count)
        )
    }

    /// A file without a name, which goes away by itself.
    static func spool(_ staged: borrowing Staging, _ step: Step) throws(StepError) -> DirectoryHandle {
        let directory = staged.directory
        return try during(step) { () throws(SyscallError) in
            DirectoryHandle(
                try LinuxSystem.open(".", [.readWrite, .temporary], mode: 0o600, in: directory))
        }
    }
}
