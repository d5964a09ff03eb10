internal import ArchiveBinding
internal import DigestBinding
package import ImageSpec
package import ImageStore
internal import JSONCoding
package import LinuxSystem

/// Makes images from what a container has written (`commit`), or from a file system in an archive (`import`).
package struct ImageMaker {
    /// What the new image says about itself.
    package struct Request: Sendable {
        /// Its names; none for an image that is only known by its id.
        package var names: [ImageReference] = []
        /// Changes of how it is run.
        package var changes: [ConfigChange] = []
        /// Who made it; nil keeps what the image below says.
        package var author: String?
        /// A remark for its history.
        package var message: String?
        /// The command that made it, for its history.
        package var createdBy = ""

        /// Nothing said.
        package init() {}
    }

    private let request: Request

    /// A maker of one image.
    package init(_ request: Request) { self.request = request }

    /// Makes an image of a container's image and what the container has written.
    /// - Parameters:
    ///   - container: the name of its snapshot.
    ///   - mountPoints: absolute paths. Where the image has none, skiff has made empty files and directories for them, which are no
    ///     part of the new layer.
    ///   - ids: how owners on the disk become those that the container sees.
    /// - Returns: the new image's id.
    package func commit(
        _ container: String, mountPoints: [Path], ids: IDShift, into store: borrowing ImageStore
    ) throws(StepError) -> Digest {
        let staged = try store.beginLoad()
        let snapshot = try store.snapshot(named: container)
        let image = try store.image(of: snapshot.lease.manifest)
        let step: Step = "archive what \(container.prefix(12)) has written"
        let lower = try LayerInstaller.lower(image.layers, store)
        let upper = try snapshot.openUpper()
        let empty = try Self.missing(mountPoints, in: lower, step)
        let (descriptor, blob) = try SavableImage.archived(
            upper.borrowed, .layer, ids: ids, emptyToSkip: empty, lower: lower, staged, step)
        let installer = LayerInstaller(below: image.layers)
        let made = try installer.install(blob, descriptor.digest, isCanonical: true, store, staged)
        guard
            case .manifest(let original) = try decode(
                store.manifestBytes(of: image), "image \(image.manifestDigest)", as: ImageDocument.self)
        else { throw StepError(step, refused: "the image's manifest is an index", code: .imageDamaged) }
        let below = original.layers.map {
            Descriptor(mediaType: $0.mediaType.inLayout, digest: $0.digest, size: $0.size)
        }
        var isKept = true
        for layer in below where try !store.hasBlob(layer.digest) { isKept = false }
        if isKept {
            try keep(made, store, staged)
        }
        var config = try ConfigEditor(image.configBytes)
        try change(&config, image.config, image.layers.map(\.diffID) + [made.layer.diffID])
        return try add(config.bytes(), image.layers + [made.layer], below + [made.descriptor], store, staged)
    }

    /// Makes an image of one layer.
    /// - Parameter source: a tar archive, also compressed; nil for standard input.
    /// - Returns: the new image's id.
    package func importArchive(_ source: Path?, into store: borrowing ImageStore) throws(StepError) -> Digest
    {
        let staged = try store.beginLoad()
        let (blob, digest) = try Self.plain(source, staged)
        let made = try LayerInstaller(below: []).install(blob, digest, isCanonical: false, store, staged)
        var config = ConfigEditor()
        config.set("created", Self.json(""))
        if request.author != nil { config.set("author", Self.json("")) }
        config.set("architecture", Self.json(Platform.host.architecture))
        config.set("os", Self.json(Platform.host.os))
        let current = ImageConfig(platform: .host)
        try change(&config, current, [made.layer.diffID])
        return try add(config.bytes(), [made.layer], [made.descriptor], store, staged)
    }

    // MARK: Parts

    /// Mount points, with the directories above them, that the layers below do not have; relative paths.
    private static func missing(
        _ mountPoints: [Path], in lower: LowerLayers, _ step: Step
    ) throws(StepError) -> Set<Path> {
        var found: Set<Path> = []
        for point in mountPoints {
            let names = point.components
            for count in names.indices.map({ $0 + 1 }) {
                let path = EntryPath(names: Array(names[..<count]))
                let isThere = try during(step) { () throws(SyscallError) in try lower.find(path) != nil }
                if !isThere { found.insert(path.path) }
            }
        }
        return found
    }

    private static func plain(
        _ source: Path?, _ staged: borrowing Staging
    ) throws(StepError) -> (Blob, Digest) {
        let name = source?.string ?? "standard input"
        let step: Step = "read \(name)"
        let input = try during(step) { () throws(SyscallError) in
            if let source { return DirectoryHandle(try open(source, .readOnly)) }
            return DirectoryHandle(try BorrowedFD.standardInput.duplicate())
        }
        let kind = try during(step) { () throws(SyscallError) in try input.borrowed.status().kind }
        if kind == .directory {
            throw StepError(step, refused: "it is a directory", hint: "tar -C \(name) -c . | skiff import -")
        }
        let file = try SavableImage.spool(staged, step)
        let digest = RunningDigest(.sha256)
        do throws(ArchiveError) {
            let plain = ByteStream(
                .decompressed(try Decompressor(ByteStream(.sequential(input.borrowed)), .archive)),
                limit: UnpackLimits().bytes
            ) { digest.update($0) }
            try plain.copy(to: file.borrowed)
            _ = input.borrowed
            if plain.count == 0 { throw ArchiveError.format("it is empty") }
            return (Blob(file: file, offset: 0, size: plain.count), Digest(.sha256, bytes: digest.finish()))
        } catch {
            throw StepError(step, refused: "\(error)", hint: "is it a tar archive?", code: .imageDamaged)
        }
    }

    private func keep(
        _ made: LayerInstaller.Installed, _ store: borrowing ImageStore, _ staged: borrowing Staging
    ) throws(StepError) {
        let directory = staged.directory
        try during("keep a layer's blob") { () throws(SyscallError) in
            let file = try open("blob", [.writeOnly, .create, .exclusive], mode: 0o600, in: directory)
            try made.blob.file.borrowed.seek(to: 0)
            var left = made.blob.size
            while left > 0 {
                let copied = try made.blob.file.borrowed.copy(max: Int(min(left, 1 << 30)), to: file.borrowed)
                if copied == 0 { throw SyscallError(.read, on: "blob", .EIO) }
                left -= Int64(copied)
            }
            try file.close()
        }
        try store.addBlob(made.descriptor.digest, from: "blob", in: staged)
    }

    private func change(
        _ config: inout ConfigEditor, _ current: ImageConfig, _ diffIDs: [Digest]
    ) throws(StepError) {
        let now = Clock.timestamp(Clock.wall(), fraction: 0)
        config.set("created", Self.json(now))
        if let author = request.author { config.set("author", Self.json(author)) }
        var inner = ConfigEditor()
        if let bytes = config.value("config"), bytes != Array("null".utf8) { inner = try ConfigEditor(bytes) }
        for change in request.changes {
            let step: Step = "change the image's configuration"
            do throws(JSONError) {
                change.apply(to: &inner, try ContainerConfig(json: inner.bytes()))
            } catch {
                throw StepError(step, refused: "\(error)")
            }
        }
        config.set("config", inner.bytes())
        config.setLayers(diffIDs)
        var writer = JSONWriter()
        let old = Self.elements(config.value("history"))
        writer.array { writer in
            for element in old { writer.element { (writer: inout JSONWriter) in writer.raw(element) } }
            writer.element { (writer: inout JSONWriter) in
                writer.object { writer in
                    writer.field("created", now)
                    writer.field("created_by", request.createdBy)
                    writer.field("author", request.author)
                    writer.field("comment", request.message)
                }
            }
        }
        config.set("history", writer.finish())
    }

    private func add(
        _ configBytes: [UInt8], _ layers: [StoredImage.Layer], _ descriptors: [Descriptor],
        _ store: borrowing ImageStore, _ staged: borrowing Staging
    ) throws(StepError) -> Digest {
        let id = Digest.of(configBytes)
        let manifest = Manifest(
            config: Descriptor(mediaType: .config, digest: id, size: Int64(configBytes.count)),
            layers: descriptors
        ).json()
        let image: StoredImage
        do throws(JSONError) {
            image = try StoredImage(
                manifestDigest: Digest.of(manifest), configDigest: id, layers: layers,
                configBytes: configBytes)
        } catch {
            throw StepError("make the image", refused: "\(error)", code: .internalError)
        }
        let missing = try store.add(image, manifest: manifest, names: request.names, staged: staged)
        if !missing.isEmpty {
            throw StepError("make the image", refused: "a layer below has gone", code: .imageDamaged)
        }
        return id
    }

    private static func elements(_ array: [UInt8]?) -> [[UInt8]] {
        var found: [[UInt8]] = []
        guard let array else { return [] }
        do throws(JSONError) {
            var reader = try JSONReader(array)
            try reader.array { (reader) throws(JSONError) in found.append(try reader.rawValue()) }
        } catch {
            // It was read once when the image was loaded; what is no list holds no history.
            return []
        }
        return found
    }

    private static func json(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.string(text)
        return writer.finish()
    }
}

extension MediaType {
    /// Docker's types of layers in OCI's words, for manifests that are OCI's.
    var inLayout: MediaType {
        guard rawValue.hasPrefix("application/vnd.docker.") else { return self }
        let ending = rawValue.hasSuffix("gzip") ? "+gzip" : rawValue.hasSuffix("zstd") ? "+zstd" : ""
        return MediaType(rawValue: MediaType.layer.rawValue + ending)
    }
}
