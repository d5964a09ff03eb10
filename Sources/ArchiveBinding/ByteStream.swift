package import LinuxSystem

/// Bytes that come one piece after the other, from a part of a file, a pipe, or out of a decompressor.
///
/// Everybody who needs to see the bytes (a digest, a counter) is told of each piece exactly once, so what is
/// hashed is what is interpreted.
@safe
package final class ByteStream {
    /// Where the bytes come from.
    package enum Source {
        /// `length` bytes of a file from `offset` on, by pread(2): the file's own offset is not touched.
        case range(BorrowedFD, offset: Int64, length: Int64)
        /// Everything that read(2) gives until the end.
        case sequential(BorrowedFD)
        /// What a decompressor makes of another stream.
        case decompressed(Decompressor)
        /// What another thread puts into a ring.
        case ring(ChunkRing, ChunkRing.Reader)
    }

    private var source: Source
    private let observer: ((Span<UInt8>) -> Void)?
    private let buffer: UnsafeMutableRawBufferPointer
    private static let bufferSize = 1 << 18
    private let limit: Int64
    /// How many bytes were given out so far.
    package private(set) var count: Int64 = 0

    /// A stream from `source`; `observer` sees each piece before anybody else. More than `limit` bytes are an
    /// error. The descriptor must stay open as long as this object lives.
    package init(_ source: Source, limit: Int64 = .max, observer: ((Span<UInt8>) -> Void)? = nil) {
        self.source = source
        self.limit = limit
        self.observer = observer
        let size =
            switch source {
            case .range, .sequential: Self.bufferSize
            case .decompressed, .ring: 0
            }
        // SAFETY: owned by this object and freed in deinit only.
        unsafe buffer = .allocate(byteCount: size, alignment: 4096)
    }

    // SAFETY: allocated in init; no piece may be used after the stream.
    deinit { unsafe buffer.deallocate() }

    /// The next piece, empty at the end; valid until the next call.
    func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        // SAFETY: a piece is part of the buffer, or of the decompressor's, and is not moved before the next
        // call.
        let piece = try unsafe nextPiece()
        if unsafe piece.isEmpty { return unsafe piece }
        count += Int64(piece.count)
        if count > limit { throw .tooLarge(limit: limit) }
        if let observer {
            // SAFETY: the piece stays where it is until the next call, the span lives for this call only.
            unsafe piece.withMemoryRebound(to: UInt8.self) { bytes in unsafe observer(bytes.span) }
        }
        return unsafe piece
    }

    private func nextPiece() throws(ArchiveError) -> UnsafeRawBufferPointer {
        // SAFETY: what is handed out is the part of the buffer that the read has just filled.
        switch source {
        case .range(let file, let offset, let length):
            if length == 0 { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer.prefix(Int(min(length, Int64(Self.bufferSize)))))
            let read = try Self.input { () throws(SyscallError) in
                unsafe try file.read(into: part, at: offset)
            }
            if read == 0 { throw .format("the file ends \(length) bytes too early") }
            source = .range(file, offset: offset + Int64(read), length: length - Int64(read))
            // SAFETY: as above.
            return unsafe UnsafeRawBufferPointer(rebasing: part.prefix(read))
        case .sequential(let file):
            // A pipe gives little at a time: the buffer is filled as long as there is more.
            var filled = 0
            while filled < Self.bufferSize {
                // SAFETY: as above.
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let read = try Self.input { () throws(SyscallError) in unsafe try file.read(into: rest) }
                if read == 0 { break }
                filled += read
            }
            // SAFETY: as above.
            return unsafe UnsafeRawBufferPointer(rebasing: buffer.prefix(filled))
        case .decompressed(let decompressor):
            return try unsafe decompressor.next()
        case .ring(let ring, let reader):
            return try unsafe ring.next(reader)
        }
    }

    /// Leaves bytes out without reading them, where that can be done: in a file, when nobody has to see them.
    /// - Returns: how many; 0 where they have to be read.
    func skip(_ wanted: Int64) -> Int64 {
        guard case .range(let file, let offset, let length) = source, observer == nil else { return 0 }
        let skipped = min(max(wanted, 0), length, limit - count)
        source = .range(file, offset: offset + skipped, length: length - skipped)
        count += skipped
        return skipped
    }

    /// Reads on to the end, so that the observer has seen everything.
    package func drain() throws(ArchiveError) {
        // SAFETY: only the length of the pieces is looked at.
        while try unsafe !next().isEmpty {}
    }

    /// Reads to the end and writes everything to a file.
    package func copy(to file: BorrowedFD) throws(ArchiveError) {
        while true {
            // SAFETY: written before the next call.
            let piece = try unsafe next()
            if unsafe piece.isEmpty { return }
            try Self.output { () throws(SyscallError) in unsafe try file.writeAll(piece) }
        }
    }

    /// Reads to the end into memory; meant for small documents under a limit.
    package func readAll() throws(ArchiveError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            // SAFETY: copied before the next call.
            let piece = try unsafe next()
            if unsafe piece.isEmpty { return all }
            unsafe all.append(contentsOf: piece)
        }
    }

    private static func input<Result>(
        _ body: () throws(SyscallError) -> Result
    ) throws(ArchiveError) -> Result {
        do throws(SyscallError) { return try body() } catch { throw .input(error) }
    }

    static func output<Result>(_ body: () throws(SyscallError) -> Result) throws(ArchiveError) -> Result {
        do throws(SyscallError) { return try body() } catch { throw .output(error) }
    }
}
