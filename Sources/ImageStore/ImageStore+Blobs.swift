package import ImageSpec
package import LinuxSystem

/// The blobs of layers as they came, for stores that are asked to keep them: `blobs/ALG-HEX`. What is kept is saved and pushed
/// again byte for byte; without it layers are made from their trees.
extension ImageStore {
    /// The open blob of a digest, nil if the store has not kept it.
    package func openBlob(_ digest: Digest) throws(StepError) -> OwnedFD? {
        do throws(SyscallError) {
            return try LinuxSystem.open(
                "blobs/\(digest.fileName)", [.readOnly, .noFollow], in: root.borrowed)
        } catch {
            if error.errno == .ENOENT { return nil }
            throw StepError("open blob \(digest)", error)
        }
    }

    /// Whether the store has kept a blob.
    package func hasBlob(_ digest: Digest) throws(StepError) -> Bool {
        try during("look for blob \(digest)") { () throws(SyscallError) in
            try statusIfPresent(of: "blobs/\(digest.fileName)", in: root.borrowed) != nil
        }
    }

    /// Makes a verified blob visible under its digest, in one step.
    /// - Parameter name: the file in `staged` that holds it.
    package func addBlob(
        _ digest: Digest, from name: Path, in staged: borrowing Staging
    ) throws(StepError) {
        try during("store blob \(digest)") { () throws(SyscallError) in
            try makeDirectoryIfMissing("blobs", in: root.borrowed, mode: 0o700)
            try rename(name, in: staged.directory, to: "blobs/\(digest.fileName)", in: root.borrowed)
        }
    }

    /// Removes blobs that no image's manifest names; the caller holds the exclusive lock and no load is under way.
    /// - Returns: bytes that they took.
    func collectBlobs() throws(StepError) -> Int64 {
        let blobs = try blobEntries()
        if blobs.isEmpty { return 0 }
        var wanted: Set<Digest> = []
        for manifest in try manifests() { wanted.formUnion(try blobDigests(of: manifest)) }
        var bytes: Int64 = 0
        for entry in blobs {
            if let digest = Digest(fileName: entry), wanted.contains(digest) { continue }
            bytes += try during("remove blobs/\(entry) from the image store") { () throws(SyscallError) in
                let size = try DiskUsage.of("blobs/\(entry)", in: root.borrowed)
                try unlink("blobs/\(entry)", in: root.borrowed)
                return size
            }
        }
        return bytes
    }

    /// Bytes on the disk of the blobs that are kept, by digest.
    package func blobUsage() throws(StepError) -> [Digest: Int64] {
        var result: [Digest: Int64] = [:]
        for entry in try blobEntries() {
            guard let digest = Digest(fileName: entry) else { continue }
            result[digest] = try during("measure blob \(digest)") { () throws(SyscallError) in
                try DiskUsage.of("blobs/\(entry)", in: root.borrowed)
            }
        }
        return result
    }

    /// The digests of an image's layers as its manifest has them.
    package func blobDigests(of manifest: Digest) throws(StepError) -> [Digest] {
        let step: Step = "read image \(manifest)"
        let bytes = try during(step) { () throws(SyscallError) in
            try readFile("images/\(manifest.fileName)/manifest.json", in: root.borrowed)
        }
        guard case .manifest(let document) = try parse(bytes, step) as ImageDocument else { return [] }
        return document.layers.map(\.digest)
    }

    private func blobEntries() throws(StepError) -> [Path] {
        let isThere = try during("look for the store's blobs") { () throws(SyscallError) in
            try statusIfPresent(of: "blobs", in: root.borrowed) != nil
        }
        return isThere ? try entries("blobs") : []
    }
}
