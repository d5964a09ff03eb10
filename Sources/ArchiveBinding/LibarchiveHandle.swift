internal import CArchive

/// One `struct archive` for reading, fed from a `ByteStream`.
@safe
final class LibarchiveHandle {
    let archive: OpaquePointer
    private let feed: Feed

    /// What the C callback is given: the stream, and the error it met, which libarchive cannot carry.
    @safe private final class Feed {
        let stream: ByteStream
        var error: ArchiveError?
        /// A piece of the stream that was looked at already; empty once it is given out.
        var first: UnsafeRawBufferPointer

        init(_ stream: ByteStream, _ first: UnsafeRawBufferPointer) {
            self.stream = stream
            // SAFETY: given out once, before the stream is asked for more.
            unsafe self.first = first
        }

        func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
            // SAFETY: whoever gave the first piece has not asked for another one since.
            if unsafe first.isEmpty { return try unsafe stream.next() }
            defer { unsafe first = UnsafeRawBufferPointer(start: nil, count: 0) }
            return unsafe first
        }
    }

    /// A reader over `first`, the piece that `stream` gave last, and the rest of `stream`; `configure` switches formats
    /// and filters on.
    init(
        reading stream: ByteStream,
        // SAFETY: an empty buffer.
        startingWith first: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0),
        configure: (OpaquePointer) -> Void
    ) throws(ArchiveError) {
        // SAFETY: a new object of libarchive, owned by this one and released in deinit.
        guard let archive = unsafe archive_read_new() else { throw .format("out of memory") }
        unsafe self.archive = archive
        unsafe feed = Feed(stream, first)
        unsafe configure(archive)
        // SAFETY: the feed is an object of ours that lives as long as the archive; libarchive hands the
        // pointer back to the callback only.
        let context = unsafe Unmanaged.passUnretained(feed).toOpaque()
        let result = unsafe archive_read_open2(
            archive, context, nil,
            { _, context, piece in
                guard let context = unsafe context, let piece = unsafe piece else { return -1 }
                // SAFETY: the pointer made above.
                let feed = unsafe Unmanaged<Feed>.fromOpaque(context).takeUnretainedValue()
                do throws(ArchiveError) {
                    let bytes = try unsafe feed.next()
                    unsafe piece.pointee = bytes.baseAddress
                    return bytes.count
                } catch {
                    feed.error = error
                    return -1
                }
            },
            { _, context, wanted in
                // SAFETY: the pointer made above.
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<Feed>.fromOpaque(context).takeUnretainedValue().stream.skip(wanted)
            }, nil)
        if result != ARCHIVE_OK { throw failure() }
    }

    deinit {
        // SAFETY: made in init and released nowhere else. Its result tells nothing for a reader.
        unsafe _ = archive_read_free(archive)
    }

    /// libarchive's last message.
    var message: String {
        guard let text = unsafe archive_error_string(archive) else { return "unreadable archive" }
        // SAFETY: a NUL-terminated string of the archive object, copied here.
        let message = unsafe String(cString: text)
        // Its sentences begin with a capital letter; ours do not.
        return message.prefix(1).lowercased() + message.dropFirst()
    }

    /// The error behind a fatal result: the stream's own, else libarchive's message.
    func failure() -> ArchiveError { feed.error ?? .format(message) }

    /// The next piece of the current entry's data and its offset in the file; nil at the end.
    func nextBlock() throws(ArchiveError) -> (bytes: UnsafeRawBufferPointer, offset: Int64)? {
        var start: UnsafeRawPointer?
        var size = 0
        var offset: Int64 = 0
        // SAFETY: libarchive fills the three variables; the block stays valid until the next call on this
        // archive.
        let result = unsafe archive_read_data_block(archive, &start, &size, &offset)
        if result == ARCHIVE_EOF { return nil }
        if result != ARCHIVE_OK { throw failure() }
        return unsafe (UnsafeRawBufferPointer(start: start, count: size), offset)
    }
}
