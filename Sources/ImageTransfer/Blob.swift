internal import ArchiveBinding
internal import DigestBinding
internal import ImageSpec
internal import LinuxSystem

/// A part of an open file: a member of an archive, or a whole file.
struct Blob {
    /// The file, held open by whoever refers to the blob.
    let file: DirectoryHandle
    let offset: Int64
    let size: Int64

    /// The bytes as a stream that tells `observer` of each piece.
    /// It only borrows the descriptor: whoever reads it holds the blob.
    func stream(_ observer: ((Span<UInt8>) -> Void)? = nil) -> ByteStream {
        ByteStream(.range(file.borrowed, offset: offset, length: size), observer: observer)
    }

    /// All bytes of a document, which may not be longer than `limit`.
    func readAll(_ name: String, limit: Int64 = 4 << 20) throws(StepError) -> [UInt8] {
        guard size <= limit else {
            throw StepError("read \(name)", refused: "it has \(size) bytes, a document has \(limit) at most")
        }
        do throws(ArchiveError) {
            return try withExtendedLifetime(file) { () throws(ArchiveError) in try stream().readAll() }
        } catch {
            throw StepError("read \(name)", refused: "\(error)")
        }
    }

    /// All bytes of the document that a descriptor names, once size and digest are found right.
    func read(_ descriptor: Descriptor, as what: String) throws(StepError) -> [UInt8] {
        let name = "\(what) \(descriptor.digest)"
        try checkSize(descriptor, name)
        let bytes = try readAll(name)
        let digest = Digest.of(bytes, descriptor.digest.algorithm)
        guard digest == descriptor.digest else {
            throw StepError("verify \(name)", refused: "its content has the digest \(digest)")
        }
        guard descriptor.embeddedDataEquals(bytes) else {
            throw StepError("verify \(name)", refused: "the data in its descriptor is not the blob")
        }
        return bytes
    }

    /// The size is compared before anything is hashed.
    func checkSize(_ descriptor: Descriptor, _ name: String) throws(StepError) {
        guard size == descriptor.size else {
            throw StepError(
                "verify \(name)", refused: "it has \(size) bytes, its descriptor says \(descriptor.size)")
        }
    }
}

extension Digest {
    /// The digest of bytes.
    static func of(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) -> Digest {
        Digest(algorithm, bytes: RunningDigest.of(bytes, by: algorithm.function))
    }

    /// The chain id of a layer over those below it.
    /// - SeeAlso: image-spec config.md §Layer ChainID
    static func chainID(of diffID: Digest, over parent: Digest?) -> Digest {
        guard let parent else { return diffID }
        return of(Array("\(parent) \(diffID)".utf8))
    }
}

extension Digest.Algorithm {
    var function: DigestFunction { self == .sha256 ? .sha256 : .sha512 }
}
