internal import CCompression

/// Reads gzip or zstd from any other stream: all members and frames that follow each other, and those zstd frames that
/// hold no content. What stands after them is refused, but for zeros, with which tapes are filled up.
///
/// gzip by ISA-L's igzip where it was found when skiff was built, four times as fast as zlib; zstd by libzstd.
/// - SeeAlso: RFC 1952 §2.2 (members), RFC 8878 §3.1 (frames, skippable frames)
@safe
final class Inflater {
    /// A compression that is known by its first bytes.
    enum Kind {
        case gzip
        case zstd

        /// That of a stream that begins with these bytes; nil for others.
        init?(_ start: UnsafeRawBufferPointer) {
            // SAFETY: only as many bytes are looked at as there are.
            let bytes = unsafe Array(start.prefix(4))
            if bytes.starts(with: [0x1F, 0x8B]) {
                self = .gzip
            } else if bytes.count == 4, bytes[1...].elementsEqual([0x2A, 0x4D, 0x18]), bytes[0] & 0xF0 == 0x50
            {
                self = .zstd
            } else if bytes.elementsEqual([0x28, 0xB5, 0x2F, 0xFD]) {
                self = .zstd
            } else {
                return nil
            }
        }
    }

    /// Which library reads gzip.
    // SAFETY: a constant string.
    package static var gzipLibrary: String { unsafe String(cString: cc_gzip_library()) }

    private let kind: Kind
    private let state: OpaquePointer
    private let source: ByteStream
    private var input: UnsafeRawBufferPointer
    private var isBetween = false
    private var isAtEnd = false

    /// Goes on with `start`, the first piece of `source`, which is still valid there.
    init(_ kind: Kind, _ start: UnsafeRawBufferPointer, of source: ByteStream) throws(ArchiveError) {
        // SAFETY: a new object, owned by this one and released in deinit.
        guard let state = unsafe cc_new(Int32(kind == .gzip ? CC_GZIP : CC_ZSTD)) else {
            throw .format("out of memory")
        }
        self.kind = kind
        unsafe self.state = state
        self.source = source
        unsafe input = start
    }

    // SAFETY: made in init and released nowhere else.
    deinit { unsafe cc_free(state) }

    /// Fills a buffer from its beginning, wholly unless the stream ends.
    /// - Returns: how many bytes there are; 0 at the end only.
    func fill(_ output: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        var made = 0
        while made < output.count, !isAtEnd {
            if unsafe input.isEmpty {
                // SAFETY: a piece stays valid until the next call of `next`, which is here.
                unsafe input = try source.next()
                if unsafe input.isEmpty {
                    guard isBetween else { throw .format("truncated \(kind) input") }
                    isAtEnd = true
                    break
                }
            }
            if isBetween, try skipPadding() { continue }
            // SAFETY: the part of the caller's buffer that is empty so far.
            made += try unsafe step(UnsafeMutableRawBufferPointer(rebasing: output[made...]))
        }
        return made
    }

    private func step(_ output: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        var taken = 0
        var made = 0
        // SAFETY: both buffers are used during the call only, within their lengths.
        let result = unsafe cc_step(
            state, input.baseAddress, input.count, &taken, output.baseAddress, output.count, &made)
        unsafe input = UnsafeRawBufferPointer(rebasing: input[taken...])
        isBetween = result == Int32(CC_END)
        switch result {
        case Int32(CC_MORE), Int32(CC_END): return made
        case Int32(CC_CHECKSUM): throw .format("\(kind): the content is not what its checksum says")
        case Int32(CC_TOO_LARGE): throw .refused("zstd: a frame wants a window of more than 64 MB")
        case Int32(CC_NO_MEMORY): throw .format("out of memory")
        default: throw .format("damaged \(kind) data")
        }
    }

    /// Between members: zeros up to the end may follow, or another member.
    private func skipPadding() throws(ArchiveError) -> Bool {
        // SAFETY: the input is not empty and valid until the next piece is asked for.
        let first = unsafe input[0]
        let begins = kind == .gzip ? first == 0x1F : first == 0x28 || first & 0xF0 == 0x50
        if begins { return false }
        while true {
            guard unsafe input.allSatisfy({ $0 == 0 }) else {
                throw .refused("bytes that are no \(kind) follow its end")
            }
            unsafe input = try source.next()
            if unsafe input.isEmpty {
                isAtEnd = true
                return true
            }
        }
    }
}
