package import ImageSpec
internal import JSONCoding
package import LinuxSystem

extension ImageStore {
    /// All names with their images, sorted by name.
    package func images() throws(StepError) -> [(named: NamedImage, image: StoredImage)] {
        let held = try sharedLock()
        defer { _ = held.borrowed }
        var result: [(named: NamedImage, image: StoredImage)] = []
        for named in try ImageNames.read(root.borrowed).names {
            result.append((named, try record(of: named.manifest)))
        }
        return result
    }

    /// Every image, also those without a name, with its names, sorted by the first of them; those without come last.
    package func allImages() throws(StepError) -> [ListedImage] {
        let held = try sharedLock()
        defer { _ = held.borrowed }
        return try listedImages()
    }

    /// As ``allImages()``; the caller holds a lock.
    func listedImages() throws(StepError) -> [ListedImage] {
        let names = try ImageNames.read(root.borrowed).names
        let leases = try leases()
        var listed: [ListedImage] = []
        for manifest in try manifests() {
            listed.append(
                ListedImage(
                    image: try record(of: manifest), names: names.filter { $0.manifest == manifest },
                    users: leases.filter { $0.manifest == manifest }.map(\.name).sorted()))
        }
        return listed.sorted {
            ($0.sortKey, $0.image.manifestDigest.hex) < ($1.sortKey, $1.image.manifestDigest.hex)
        }
    }

    /// The image that a person means: a name with or without the long form of other engines, `name@digest`,
    /// or the beginning (at least 6 digits) of an image id or manifest digest that only one image has.
    /// - Returns: the image and the name under which it was found; nil if there is none.
    /// - Throws: if the text is neither a name nor an id, or is the beginning of several ids.
    package func resolve(
        _ text: String
    ) throws(StepError) -> (reference: ImageReference, image: StoredImage)? {
        let names = try ImageNames.read(root.borrowed)
        if let named = try Self.find(text, in: names) {
            return (named.name, try record(of: named.manifest))
        }
        guard let digits = Self.idDigits(text) else { return nil }
        let found = try images(withIDPrefix: digits, of: text)
        guard let image = found.first else { return nil }
        let own = names.names.first { named in found.contains { $0.manifestDigest == named.manifest } }
        guard let named = own else { return (Self.nameOfUntagged(image), image) }
        return (named.name, try record(of: named.manifest))
    }

    /// All manifests of the one image whose id begins so. A configuration that came with several manifests (the same
    /// layers compressed in two ways) is one image.
    func images(withIDPrefix digits: String, of text: String) throws(StepError) -> [StoredImage] {
        var found: [StoredImage] = []
        for manifest in try manifests() {
            let image = try record(of: manifest)
            if image.configDigest.hex.hasPrefix(digits) || manifest.hex.hasPrefix(digits) {
                found.append(image)
            }
        }
        guard let first = found.first else { return [] }
        let others = found.filter {
            $0.configDigest != first.configDigest || $0.layers.last?.chainID != first.layers.last?.chainID
        }
        if !others.isEmpty {
            throw StepError(
                "find image \(text)", refused: "the ids of \(others.count + 1) images begin so",
                code: .imageNotFound, operand: text)
        }
        return found
    }

    /// What stands for the name of an image that has none: `sha256@sha256:…`, which no image can be given.
    static func nameOfUntagged(_ image: StoredImage) -> ImageReference {
        ImageReference(untagged: image.manifestDigest)
    }

    /// The manifests of all images that are complete, sorted.
    func manifests() throws(StepError) -> [Digest] {
        try entries("images").compactMap { Digest(fileName: $0) }.sorted { $0.hex < $1.hex }
    }

    /// The name in the list that a person means. A digest in the reference must be the image's; then the tag
    /// need not be there.
    static func find(_ text: String, in names: ImageNames) throws(StepError) -> NamedImage? {
        if idDigits(text) != nil, text.hasPrefix("sha256:") { return nil }
        let wanted: ImageReference
        do throws(ReferenceError) {
            wanted = try ImageReference(text)
        } catch {
            throw StepError("find image \(text)", refused: error.reason, code: .imageNotFound, operand: text)
        }
        for alternative in wanted.alternatives {
            let match = names.names.first { named in
                guard named.name.name == alternative.name else { return false }
                if let tag = alternative.tag, named.name.tag != tag { return false }
                return alternative.digest == nil || alternative.digest == named.manifest
            }
            if let match { return match }
        }
        return nil
    }

    /// The digits of a text that may be the beginning of an id, with or without `sha256:`.
    static func idDigits(_ text: String) -> String? {
        let digits = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text
        guard (6...128).contains(digits.utf8.count) else { return nil }
        return digits.allSatisfy { $0.isHexDigit && !$0.isUppercase } ? digits : nil
    }

    /// The image of a manifest, which a lease or a name has.
    package func image(of manifest: Digest) throws(StepError) -> StoredImage { try record(of: manifest) }

    /// The image of a manifest.
    package func record(of manifest: Digest) throws(StepError) -> StoredImage {
        let step: Step = "read image \(manifest)"
        let bytes = try during(step, hint: "load the image again") { () throws(SyscallError) in
            try readFile("images/\(manifest.fileName)/record.json", in: root.borrowed, sizeHint: 16384)
        }
        return try parse(bytes, step)
    }

    /// The manifest of an image, byte for byte as it was loaded.
    package func manifestBytes(of image: StoredImage) throws(StepError) -> [UInt8] {
        try during("read image \(image.manifestDigest)") { () throws(SyscallError) in
            try readFile("images/\(image.manifestDigest.fileName)/manifest.json", in: root.borrowed)
        }
    }

    /// Makes an image visible under names; its layers must be there already. A name is taken from the image
    /// that had it before.
    /// - Parameters:
    ///   - staged: the load that brought it; holds off garbage collection until this is done.
    ///   - manifest: the manifest's bytes, already verified against its digest.
    /// - Returns: the layers that are missing; then nothing was done.
    package func add(
        _ image: StoredImage, manifest: [UInt8], names: [ImageReference], staged: borrowing Staging
    ) throws(StepError) -> [StoredImage.Layer] {
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        var missing: [StoredImage.Layer] = []
        for layer in image.layers where try !hasLayer(layer.chainID) { missing.append(layer) }
        if !missing.isEmpty { return missing }
        let step: Step = "store image \(image.manifestDigest)"
        let name = image.manifestDigest.fileName
        try during(step) { () throws(SyscallError) in
            if try statusIfPresent(of: "images/\(name)/record.json", in: root.borrowed) != nil { return }
            try removeTree("images/\(name)", in: root.borrowed)
            let directory = try staged.makeDirectory(name)
            try replaceFile("manifest.json", in: directory.borrowed, manifest, durable: true)
            try replaceFile("config.json", in: directory.borrowed, image.configBytes, durable: true)
            try replaceFile("record.json", in: directory.borrowed, image.json(), durable: true)
            try rename(name, in: staged.directory, to: "images/\(name)", in: root.borrowed)
        }
        var all = try ImageNames.read(root.borrowed)
        let now = Clock.timestamp(Clock.wall(), fraction: 0)
        for name in names {
            all.set(NamedImage(name: name.withoutDigest, manifest: image.manifestDigest, loaded: now))
        }
        try all.write(root.borrowed)
        return []
    }
}
