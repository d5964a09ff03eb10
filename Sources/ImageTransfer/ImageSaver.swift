internal import ArchiveBinding
internal import ImageSpec
package import ImageStore
internal import JSONCoding
package import LinuxSystem

/// Writes images of the store into files that other tools read. The same images give the same bytes whenever they are saved.
package struct ImageSaver {
    /// How the images lie in the file.
    package enum Format: String, Sendable, CaseIterable {
        /// An OCI layout in a tar archive.
        case ociArchive = "oci-archive"
        /// What `docker save` wrote before version 25, and podman writes.
        case dockerArchive = "docker-archive"
        /// An OCI layout as a directory.
        case ociDirectory = "oci-dir"
    }

    private let format: Format

    /// A saver of a format.
    package init(_ format: Format) { self.format = format }

    /// Saves images.
    /// - Parameters:
    ///   - texts: names or ids. An image gets those names that it is asked for by.
    ///   - target: the file or directory, which must not be there yet; nil for standard output.
    /// - Throws: when an image is not there, or something cannot be written; then nothing is left at the target.
    package func save(_ texts: [String], to target: Path?, from store: borrowing ImageStore) throws(StepError)
    {
        if format == .ociDirectory, target == nil {
            throw StepError(
                "save", refused: "a directory needs a name", hint: "give one with --output", code: .usage)
        }
        // It counts as a load: nobody removes a layer meanwhile.
        let staged = try store.beginLoad()
        var images: [SavableImage] = []
        for (image, names) in try find(texts, store) {
            let blobs: SavableImage.Blobs = format == .dockerArchive ? .uncompressed : .original
            images.append(try SavableImage(image, names, blobs, store, staged))
        }
        let members = format == .dockerArchive ? Self.dockerArchive(images) : Self.layout(images)
        guard let target else { return try Self.archive(members, to: .standardOutput, "standard output") }
        try Self.write(members, to: target, isDirectory: format == .ociDirectory)
    }

    private func find(
        _ texts: [String], _ store: borrowing ImageStore
    ) throws(StepError) -> [(image: StoredImage, names: [ImageReference])] {
        var found: [(image: StoredImage, names: [ImageReference])] = []
        for text in texts {
            guard let (reference, image) = try store.resolve(text) else {
                throw StepError("save \(text)", refused: "no such image", code: .imageNotFound, operand: text)
            }
            let names = try store.names(text) ? [reference.withoutDigest] : []
            if let index = found.firstIndex(where: { $0.image.manifestDigest == image.manifestDigest }) {
                found[index].names += names.filter { !found[index].names.contains($0) }
            } else {
                found.append((image, names))
            }
        }
        return found
    }

    // MARK: Members

    /// A file of the archive, in the order in which they are written.
    private enum Content {
        case bytes([UInt8])
        case blob(Blob)
        case directory
    }

    private typealias Member = (path: String, content: Content)

    private static func layout(_ images: [SavableImage]) -> [Member] {
        var descriptors: [Descriptor] = []
        var blobs: [String: Content] = [:]
        for image in images {
            let digest = image.manifestDigest
            blobs[digest.place] = .bytes(image.manifest)
            blobs[image.config.digest.place] = .bytes(image.configBytes)
            for (descriptor, blob) in image.layers { blobs[descriptor.digest.place] = .blob(blob) }
            let size = Int64(image.manifest.count)
            var unnamed = Descriptor(mediaType: image.mediaType, digest: digest, size: size)
            if image.names.isEmpty { descriptors.append(unnamed) }
            for name in image.names {
                unnamed.annotations = StringMap([(key: Descriptor.referenceName, value: name.description)])
                descriptors.append(unnamed)
            }
        }
        let algorithms = Set(blobs.keys.map { String($0.prefix { $0 != "/" }) }).sorted()
        return [
            ("oci-layout", .bytes(Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))),
            ("index.json", .bytes(Index(manifests: descriptors).json())), ("blobs", .directory),
        ] + algorithms.map { ("blobs/\($0)", .directory) }
            + blobs.sorted { $0.key < $1.key }.map { ("blobs/\($0.key)", $0.value) }
    }

    private static func dockerArchive(_ images: [SavableImage]) -> [Member] {
        var files: [String: Content] = [:]
        var writer = JSONWriter()
        writer.array { writer in
            for image in images {
                writer.element { (writer: inout JSONWriter) in
                    writer.object { writer in
                        writer.field("Config", "\(image.config.digest.hex).json")
                        writer.field("RepoTags", image.names.map(\.description))
                        writer.field("Layers", image.layers.map { "\($0.descriptor.digest.hex).tar" })
                    }
                }
            }
        }
        for image in images {
            files["\(image.config.digest.hex).json"] = .bytes(image.configBytes)
            for (descriptor, blob) in image.layers { files["\(descriptor.digest.hex).tar"] = .blob(blob) }
        }
        return [("manifest.json", .bytes(writer.finish()))]
            + files.sorted { $0.key < $1.key }.map { ($0, $1) }
    }

    // MARK: Writing

    private static func write(_ members: [Member], to target: Path, isDirectory: Bool) throws(StepError) {
        if isDirectory {
            return try NewFile.make(target) { (draft) throws(StepError) in
                try writeDirectory(members, draft, "write \(target)")
            }
        }
        try NewFile.write(target) { (file) throws(StepError) in
            try archive(members, to: file, target.string)
        }
    }

    private static func writeDirectory(_ members: [Member], _ root: Path, _ step: Step) throws(StepError) {
        try during(step) { () throws(SyscallError) in
            try makeDirectory(root, mode: 0o755)
            let directory = try open(root, [.readOnly, .directory, .noFollow])
            for (path, content) in members {
                if case .directory = content {
                    try makeDirectory(Path(path), in: directory.borrowed, mode: 0o755)
                    continue
                }
                let file = try open(
                    Path(path), [.writeOnly, .create, .exclusive, .noFollow], mode: 0o644,
                    in: directory.borrowed)
                switch content {
                case .bytes(let bytes): try file.borrowed.writeAll(bytes)
                case .blob(let blob):
                    var left = blob.size
                    try blob.file.borrowed.seek(to: blob.offset)
                    while left > 0 {
                        let copied = try blob.file.borrowed.copy(
                            max: Int(min(left, 1 << 30)), to: file.borrowed)
                        if copied == 0 { throw SyscallError(.read, on: path, .EIO) }
                        left -= Int64(copied)
                    }
                case .directory: break
                }
                try file.close()
            }
        }
    }

    private static func archive(_ members: [Member], to file: BorrowedFD, _ name: String) throws(StepError) {
        try during("write \(name)") { () throws(SyscallError) in
            let output = TarOutput(file, hashes: false)
            for (path, content) in members {
                var member = TarMember(path: Array(path.utf8), kind: .regular)
                switch content {
                case .bytes(let bytes): try output.add(member, data: bytes)
                case .blob(let blob):
                    member.size = blob.size
                    try output.begin(member)
                    try blob.file.borrowed.seek(to: blob.offset)
                    try output.copyData(of: blob.file.borrowed, size: blob.size)
                case .directory:
                    member.kind = .directory
                    member.mode = 0o755
                    try output.begin(member)
                }
            }
            try output.finish()
        }
    }
}

extension Digest {
    /// Where a layout has the blob, below `blobs`.
    fileprivate var place: String { "\(algorithm.rawValue)/\(hex)" }
}
