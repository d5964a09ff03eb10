package import ImageSpec
package import ImageStore
internal import JSONCoding
package import LinuxSystem

/// Loads images from files into the store: verified as a whole first, visible after.
package struct ImageLoader {
    /// What to load, and how.
    package struct Request: Sendable {
        /// The file or directory; nil for standard input.
        package var path: Path?
        /// How the image lies in it.
        package var format: ImageSource.Format
        /// Which image of the file: a tag, a reference, or `@NUMBER` of a docker-archive; nil for all.
        package var selector: String?
        /// Names to give instead of those that the file has.
        package var names: [ImageReference]
        /// The machine that the image must run on.
        package var platform: Platform
        /// Whether a file with several images is an error.
        package var wantsOne: Bool
        /// Whether the layers' blobs are kept as they came, to be saved unchanged.
        package var keepsBlobs = false
        /// Bounds of each layer.
        package var limits: UnpackLimits

        /// A request of the values named.
        package init(
            path: Path?, format: ImageSource.Format = .detected, selector: String? = nil,
            names: [ImageReference] = [], platform: Platform = .host, wantsOne: Bool = false,
            limits: UnpackLimits = UnpackLimits()
        ) {
            self.path = path
            self.format = format
            self.selector = selector
            self.names = names
            self.platform = platform
            self.wantsOne = wantsOne
            self.limits = limits
        }
    }

    /// An image that is in the store now.
    package struct Loaded: Sendable, Equatable {
        /// Its names; the first is the one to print.
        package let names: [ImageReference]
        /// Digest of its manifest.
        package let manifestDigest: Digest
        /// Digest of its configuration.
        package let configDigest: Digest
        /// How many layers were unpacked now; the others were there.
        package let unpacked: Int
        /// How many layers it has.
        package let layers: Int
    }

    private let request: Request
    private let interruption: Interruption?
    private let progress: (LoadEvent) -> Void

    /// A loader that tells `progress` of each layer.
    /// - Parameter interruption: stops it in good order.
    package init(
        _ request: Request, interruption: Interruption? = nil,
        progress: @escaping (LoadEvent) -> Void = { _ in }
    ) {
        self.request = request
        self.interruption = interruption
        self.progress = progress
    }

    /// Loads. On failure nothing that was loaded is ever used, and it is removed. A process that is killed leaves the
    /// layers that were finished; the next load goes on from there.
    package func load(into store: borrowing ImageStore) throws(StepError) -> [Loaded] {
        do throws(StepError) {
            return try loadAll(into: store)
        } catch {
            bestEffort("the first error counts") { () throws(StepError) in try store.removeUnused() }
            throw error
        }
    }

    private func loadAll(into store: borrowing ImageStore) throws(StepError) -> [Loaded] {
        let spool = try store.openTemporary()
        let contents = try openContents(spool.borrowed)
        let images = try find(in: contents)
        if images.count > 1, request.wantsOne || !request.names.isEmpty {
            let names = images.map { $0.names.first?.description ?? "\($0.manifestDigest)" }
            throw StepError(
                "load \(contents.name)", refused: "it holds several images: \(names.joined(separator: ", "))",
                hint: "name one of them after a colon: \(contents.name):TAG")
        }
        try interruption?.begin()
        let staging = try store.beginLoad()
        var loaded: [Loaded] = []
        for image in images { loaded.append(try load(image, contents.name, store, staging)) }
        return loaded
    }

    private func openContents(_ staging: BorrowedFD) throws(StepError) -> ImageContents {
        if let path = request.path { return try ImageContents.open(path, staging: staging) }
        let input = try during("read standard input") { () throws(SyscallError) in
            try BorrowedFD.standardInput.duplicate()
        }
        return try ImageContents.archive(DirectoryHandle(input), name: "standard input", staging: staging)
    }

    private func find(in contents: ImageContents) throws(StepError) -> [LoadableImage] {
        let layout = LayoutReader(contents: contents, platform: request.platform)
        let docker = DockerArchiveReader(contents: contents, platform: request.platform)
        let isDocker = try DockerArchiveReader.isDockerArchive(contents)
        switch request.format {
        case .dockerArchive: return try docker.images(selector: request.selector)
        case .detected where isDocker:
            // Docker's newest archives are layouts, too.
            guard try LayoutReader.isLayout(contents) else {
                return try docker.images(selector: request.selector)
            }
            fallthrough
        case .layout, .archive, .detected:
            guard try LayoutReader.isLayout(contents) else {
                throw StepError(
                    "load \(contents.name)",
                    refused:
                        "it is neither an OCI layout (no oci-layout file) nor a docker-archive (no manifest.json)"
                )
            }
            let images = try layout.images(selector: request.selector)
            if isDocker { try docker.checkAgreement(with: images) }
            return images
        }
    }

    // MARK: One image

    private func load(
        _ image: LoadableImage, _ file: String, _ store: borrowing ImageStore, _ staging: borrowing Staging
    ) throws(StepError) -> Loaded {
        var names = request.names.isEmpty ? image.names : request.names
        if names.isEmpty, let name = ImageNaming.fallback(for: file) { names = [name] }
        if names.isEmpty {
            throw StepError("load \(file)", refused: "it has no name", hint: "give one with --name")
        }
        let stored = try record(of: image)
        var unpacked = 0
        // Another process may remove a layer before the image uses it only if it began before this load did.
        for _ in 0..<3 {
            var queue = LayerQueue(image, stored, request.limits, interruption, progress)
            try queue.run(store, staging)
            unpacked += queue.unpacked
            if request.keepsBlobs { try BlobKeeper.keep(image, store, staging) }
            let missing = try store.add(stored, manifest: image.manifest, names: names, staged: staging)
            if missing.isEmpty {
                return Loaded(
                    names: names, manifestDigest: image.manifestDigest, configDigest: image.configDigest,
                    unpacked: unpacked, layers: image.layers.count)
            }
        }
        throw StepError("load \(file)", refused: "its layers vanish from the store while it is loaded")
    }

    private func record(of image: LoadableImage) throws(StepError) -> StoredImage {
        do throws(JSONError) {
            return try StoredImage(
                manifestDigest: image.manifestDigest, configDigest: image.configDigest,
                layers: image.layers.map {
                    StoredImage.Layer(diffID: $0.diffID, chainID: $0.chainID, size: $0.blob.size)
                }, configBytes: image.configBytes)
        } catch {
            throw StepError("read configuration \(image.configDigest)", refused: "\(error)")
        }
    }
}
