internal import DigestBinding
internal import ImageSpec
internal import ImageStore
internal import LinuxSystem

/// Puts a layer that skiff has made itself into the store.
struct LayerInstaller {
    /// A layer in the store, and its blob.
    struct Installed {
        let layer: StoredImage.Layer
        let descriptor: Descriptor
        let blob: Blob
    }

    /// The layers below, base first.
    let below: [StoredImage.Layer]
    let limits = UnpackLimits()

    /// Unpacks an uncompressed archive as the layer on top of those below.
    /// - Parameter isCanonical: whether the archive has the form that `save` gives it. Otherwise it is written once more in that
    ///   form, so that saving the image gives it the same id again.
    func install(
        _ blob: Blob, _ diffID: Digest, isCanonical: Bool, _ store: borrowing ImageStore,
        _ staged: borrowing Staging
    ) throws(StepError) -> Installed {
        let name: Path = "layer"
        let directory = staged.directory
        let root = try during("prepare layer \(diffID.short)") { () throws(SyscallError) in
            try removeTree(name, in: directory)
            let made = try staged.makeDirectory(name)
            try makeDirectory("fs", in: made.borrowed, mode: 0o755)
            return DirectoryHandle(try open("fs", [.readOnly, .directory], in: made.borrowed))
        }
        let lower = try Self.roots(below, store)
        let parent = below.last?.chainID
        let raw = LoadableImage.Layer(
            blob: blob, digest: nil, diffID: diffID, chainID: Digest.chainID(of: diffID, over: parent))
        try UnpackerProcess.unpack(raw, into: root, over: lower, limits)
        var (descriptor, blob) = (
            Descriptor(mediaType: .layer, digest: diffID, size: blob.size), blob
        )
        if !isCanonical {
            (descriptor, blob) = try SavableImage.archived(
                root.borrowed, .layer, staged, "archive layer \(diffID.short)")
        }
        let layer = StoredImage.Layer(
            diffID: descriptor.digest, chainID: Digest.chainID(of: descriptor.digest, over: parent),
            size: descriptor.size)
        try store.add(layer, from: name, in: staged)
        return Installed(layer: layer, descriptor: descriptor, blob: blob)
    }

    /// The trees of layers, for looking up.
    static func lower(
        _ layers: [StoredImage.Layer], _ store: borrowing ImageStore
    ) throws(StepError) -> LowerLayers {
        LowerLayers(topFirst: try roots(layers, store))
    }

    private static func roots(
        _ layers: [StoredImage.Layer], _ store: borrowing ImageStore
    ) throws(StepError) -> [DirectoryHandle] {
        var handles: [DirectoryHandle] = []
        for layer in layers.reversed() { handles.append(DirectoryHandle(try store.openLayer(layer.chainID))) }
        return handles
    }
}
