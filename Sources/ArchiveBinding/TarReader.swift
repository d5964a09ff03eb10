internal import CArchive
package import LinuxSystem

/// Reads the members of a tar archive in order: ustar, PAX, GNU and old forms.
///
/// The archive must be plain tar; a ``Decompressor`` goes before it. In every disagreement between a PAX
/// record and the ustar header the PAX record wins, as POSIX says.
/// - SeeAlso: archive_read(3), tar(5), image-spec layer.md
@safe
package final class TarReader {
    private let handle: LibarchiveHandle
    private let witness: TarWitness?
    /// Pieces of a sparse file: each costs memory and a seek.
    private static let extentLimit: Int32 = 1 << 16

    /// Starts to read; an empty stream is an archive without members.
    /// - Parameter witness: someone who is shown all bytes of the stream, and with whom each member is compared.
    package init(_ stream: ByteStream, witness: TarWitness? = nil) throws(ArchiveError) {
        self.witness = witness
        // SAFETY: plain switches on a reader that was just made.
        handle = try unsafe LibarchiveHandle(reading: stream) { archive in
            unsafe archive_read_support_format_tar(archive)
            unsafe archive_read_support_format_empty(archive)
        }
    }

    /// The next member, nil after the last; what was not read of the current one's data is skipped.
    package func next() throws(ArchiveError) -> ArchiveEntry? {
        var entry: OpaquePointer?
        // SAFETY: the entry belongs to the archive and is valid until the next call; all of it is copied
        // below.
        let result = unsafe archive_read_next_header(handle.archive, &entry)
        switch result {
        case ARCHIVE_OK: break
        case ARCHIVE_EOF:
            try witness?.checkEnd()
            return nil
        // Names that are not ASCII "can't be converted" to the C locale's characters; libarchive then keeps
        // the raw bytes, which is what we want. Any other warning means a header that was read only in part.
        case ARCHIVE_WARN:
            let message = handle.message
            let text = Array(message.utf8)
            let isAboutName = text.indices.contains { text[$0...].starts(with: "t be converted".utf8) }
            guard isAboutName else { throw .format(message) }
        default: throw handle.failure()
        }
        // SAFETY: set by libarchive together with ARCHIVE_OK.
        guard let entry = unsafe entry else { throw .format("a member without a header") }
        // SAFETY: a plain number of the entry.
        if unsafe archive_entry_sparse_count(entry) > Self.extentLimit {
            throw .refused("a sparse file of more than \(Self.extentLimit) pieces")
        }
        let read = try unsafe Self.read(entry)
        try witness?.check(read)
        return read
    }

    /// Writes the current member's data to a file that is empty; holes stay holes.
    /// - Returns: the length of the data.
    package func copyData(to file: BorrowedFD) throws(ArchiveError) -> Int64 {
        var end: Int64 = 0
        // SAFETY: a block stays valid until the next one is asked for; it is written before that.
        while let (bytes, offset) = try unsafe handle.nextBlock() {
            if offset < end { throw .refused("data blocks that overlap") }
            let isNext = offset == end
            try ByteStream.output { () throws(SyscallError) in
                // SAFETY: the block of this turn.
                if isNext {
                    unsafe try file.writeAll(bytes)
                } else {
                    try file.seek(to: offset)
                    unsafe try file.writeAll(bytes)
                }
            }
            end = offset + Int64(bytes.count)
        }
        return end
    }

    /// Where the header of the current member begins in the archive's bytes; after the last member, where the
    /// end marker begins.
    // SAFETY: the handle keeps the archive open.
    package var headerOffset: Int64 { unsafe archive_read_header_position(handle.archive) }

    private static func read(_ entry: OpaquePointer) throws(ArchiveError) -> ArchiveEntry {
        // SAFETY: the strings belong to the entry and end with NUL; `bytes` copies them.
        guard let name = unsafe archive_entry_pathname(entry) else {
            throw .format("a member without a name")
        }
        let hardlink = unsafe archive_entry_hardlink(entry)
        let symlink = unsafe archive_entry_symlink(entry)
        let isHardlink = unsafe hardlink != nil
        // SAFETY: everything is copied out of the entry before the caller goes on to the next one.
        return unsafe ArchiveEntry(
            path: bytes(name), kind: isHardlink ? .hardlink : kind(entry),
            linkTarget: (hardlink ?? symlink).map { unsafe bytes($0) } ?? [],
            size: archive_entry_size(entry),
            permissions: UInt32(archive_entry_mode(entry)) & 0o7777,
            userID: archive_entry_uid(entry), groupID: archive_entry_gid(entry),
            modified: ArchiveEntry.Time(
                seconds: Int64(archive_entry_mtime(entry)),
                nanoseconds: Int64(archive_entry_mtime_nsec(entry))),
            extendedAttributes: extendedAttributes(entry),
            isSparse: archive_entry_sparse_count(entry) > 0)
    }

    private static func kind(_ entry: OpaquePointer) -> ArchiveEntry.Kind {
        // SAFETY: a plain number of the caller's valid entry.
        let type = unsafe Int32(bitPattern: UInt32(archive_entry_filetype(entry)))
        switch type & Int32(CARCHIVE_KIND_MASK) {
        case Int32(CARCHIVE_KIND_REGULAR): return .regular
        case Int32(CARCHIVE_KIND_DIRECTORY): return .directory
        case Int32(CARCHIVE_KIND_SYMLINK): return .symlink
        case Int32(CARCHIVE_KIND_FIFO): return .fifo
        case Int32(CARCHIVE_KIND_CHARACTER):
            // SAFETY: as above.
            return unsafe .characterDevice(
                major: UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry)),
                minor: UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry)))
        case Int32(CARCHIVE_KIND_BLOCK):
            // SAFETY: as above.
            return unsafe .blockDevice(
                major: UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry)),
                minor: UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry)))
        default: return .unknown(UInt32(bitPattern: type))
        }
    }

    private static func extendedAttributes(_ entry: OpaquePointer) -> [ArchiveEntry.ExtendedAttribute] {
        // SAFETY: moves the entry's own cursor.
        let count = unsafe archive_entry_xattr_reset(entry)
        var attributes: [ArchiveEntry.ExtendedAttribute] = []
        for _ in 0..<max(count, 0) {
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            // SAFETY: libarchive fills the three variables with memory of the entry, copied at once.
            guard unsafe archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK,
                let name = unsafe name
            else { break }
            let content = unsafe UnsafeRawBufferPointer(start: value, count: size)
            unsafe attributes.append(ArchiveEntry.ExtendedAttribute(name: bytes(name), value: Array(content)))
        }
        return attributes
    }

    /// A C string's bytes.
    private static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        var length = 0
        // SAFETY: NUL-terminated, so the walk ends in the string.
        while unsafe text[length] != 0 { length += 1 }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: length))
    }
}
