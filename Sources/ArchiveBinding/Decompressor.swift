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

    private let handle: LibarchiveHandle
    private var isAtEnd = false
    /// Whether the stream was compressed, rather than handed through.
    package let isCompressed: Bool

    /// Starts to read; nothing but the first bytes is looked at.
    /// - SeeAlso: libarchive_formats(5), archive_read_filter(3)
    package init(_ stream: ByteStream, _ filters: Filters) throws(ArchiveError) {
        // SAFETY: plain switches on a reader that was just made. No external programs are ever run: Debian's
        // libarchive has these filters built in, and a missing one shows as an unknown format.
        handle = try unsafe LibarchiveHandle(reading: stream) { archive in
            unsafe archive_read_support_format_raw(archive)
            unsafe archive_read_support_format_empty(archive)
            unsafe archive_read_support_filter_gzip(archive)
            unsafe archive_read_support_filter_zstd(archive)
            if filters == .archive {
                unsafe archive_read_support_filter_xz(archive)
                unsafe archive_read_support_filter_bzip2(archive)
            }
        }
        // SAFETY: the handle keeps the archive open.
        isCompressed = unsafe archive_filter_code(handle.archive, 0) != ARCHIVE_FILTER_NONE
        var entry: OpaquePointer?
        // SAFETY: the raw format has one entry, the stream itself; the empty format has none.
        switch unsafe archive_read_next_header(handle.archive, &entry) {
        case ARCHIVE_OK: break
        case ARCHIVE_EOF: isAtEnd = true
        default: throw handle.failure()
        }
    }

    func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        // SAFETY: a block stays valid until the next call, which is what is promised to the caller.
        while !isAtEnd {
            guard let block = try unsafe handle.nextBlock() else { break }
            if unsafe !block.bytes.isEmpty { return unsafe block.bytes }
        }
        isAtEnd = true
        return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    }
}
