internal import CArchive

/// A compressed stream read plain: gzip with any number of members, zstd with any number of frames, or bytes
/// that are not compressed at all. Which of them it is, the first bytes say.
@safe
package final class Decompressor {
    /// The compressions to look for.
    package enum Filters: Sendable {
        /// Those of image layers: gzip and zstd.
        case layer
        /// Those that people put around a whole archive: also xz and bzip2.
        case archive
    }

    private enum Method {
        case none
        case inflate(Inflater)
        case library(LibarchiveHandle)
    }

    private let stream: ByteStream
    private let method: Method
    private var first: UnsafeRawBufferPointer
    private let buffer: UnsafeMutableRawBufferPointer
    private var isAtEnd = false
    /// Whether the stream was compressed, rather than handed through.
    package var isCompressed: Bool { if case .none = method { false } else { true } }

    /// Bytes that are made at a time when nobody gives a buffer.
    private static let bufferSize = 1 << 18

    /// Starts to read; nothing but the first piece is looked at.
    /// - SeeAlso: libarchive_formats(5), archive_read_filter(3)
    package init(_ stream: ByteStream, _ filters: Filters) throws(ArchiveError) {
        self.stream = stream
        // SAFETY: a piece of the stream, valid until the next is asked for; then it is used up.
        unsafe first = try stream.next()
        if let kind = unsafe Inflater.Kind(first) {
            method = .inflate(try unsafe Inflater(kind, first, of: stream))
        } else if filters == .archive, unsafe Self.isForLibrary(first) {
            method = .library(try unsafe Self.library(stream, first))
        } else {
            method = .none
        }
        let size = if case .inflate = method { Self.bufferSize } else { 0 }
        // SAFETY: owned by this object and freed in deinit only.
        unsafe buffer = .allocate(byteCount: size, alignment: 4096)
    }

    // SAFETY: allocated in init; no piece may be used after the decompressor.
    deinit { unsafe buffer.deallocate() }

    private static func isForLibrary(_ start: UnsafeRawBufferPointer) -> Bool {
        // SAFETY: the piece is valid here.
        let bytes = unsafe Array(start.prefix(6))
        return bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00])
            || bytes.starts(with: Array("BZh".utf8))
    }

    private static func library(
        _ stream: ByteStream, _ start: UnsafeRawBufferPointer
    ) throws(ArchiveError) -> LibarchiveHandle {
        // SAFETY: plain switches on a reader that was just made. No external programs are ever run: Debian's
        // libarchive has these filters built in, and a missing one shows as an unknown format.
        let handle = try unsafe LibarchiveHandle(reading: stream, startingWith: start) { archive in
            unsafe archive_read_support_format_raw(archive)
            unsafe archive_read_support_filter_xz(archive)
            unsafe archive_read_support_filter_bzip2(archive)
        }
        var entry: OpaquePointer?
        // SAFETY: the raw format has one entry, the stream itself.
        guard unsafe archive_read_next_header(handle.archive, &entry) == ARCHIVE_OK else {
            throw handle.failure()
        }
        return handle
    }

    /// The next piece, empty at the end; valid until the next call.
    func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        switch method {
        case .inflate(let inflater):
            // SAFETY: the part of the buffer that was just filled.
            let count = try unsafe inflater.fill(buffer)
            return unsafe UnsafeRawBufferPointer(rebasing: buffer.prefix(count))
        case .none:
            // SAFETY: pieces of the stream are handed through, with the same promise.
            if unsafe !first.isEmpty {
                defer { unsafe first = UnsafeRawBufferPointer(start: nil, count: 0) }
                return unsafe first
            }
            return try unsafe stream.next()
        case .library(let handle):
            // SAFETY: a block stays valid until the next call, which is what is promised to the caller.
            while !isAtEnd {
                guard let block = try unsafe handle.nextBlock() else { break }
                if unsafe !block.bytes.isEmpty { return unsafe block.bytes }
            }
            isAtEnd = true
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// Fills a buffer from its beginning, as far as the stream goes in one step.
    /// - Returns: how many bytes there are; 0 at the end only.
    func fill(_ output: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        // SAFETY: the caller's buffer; at most as many bytes are copied as there is room; the rest is kept for the next call, and the
        // piece stays valid until the next one is asked for.
        if case .inflate(let inflater) = method { return try unsafe inflater.fill(output) }
        var made = 0
        while made < output.count {
            if unsafe rest.isEmpty { unsafe rest = try next() }
            if unsafe rest.isEmpty { break }
            let count = unsafe min(rest.count, output.count - made)
            unsafe UnsafeMutableRawBufferPointer(rebasing: output[made...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            made += count
        }
        return made
    }

    // SAFETY: nothing; whoever sets it says more.
    private var rest = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
}
