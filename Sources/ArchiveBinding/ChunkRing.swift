/// A ring of large buffers that one thread fills and two others read, each at its own pace: the digest and the tar.
/// It holds a fixed amount of memory; who is ahead waits.
@safe
package final class ChunkRing {
    /// One of those that read. Each must read to the end, or `abandon`.
    package enum Reader: Int, CaseIterable, Sendable {
        /// The one that hashes.
        case digest
        /// The one that unpacks.
        case archive
    }

    private static let chunkSize = 1 << 20
    private static let chunkCount = 6

    private let monitor = Monitor()
    /// All chunks, one after the other.
    private let memory: UnsafeMutableRawBufferPointer
    // All below only while the monitor is locked.
    private var lengths = [Int](repeating: 0, count: ChunkRing.chunkCount)
    private var filled = 0
    /// For each reader the number of the chunk that it has or wants next.
    private var positions = [Int](repeating: 0, count: Reader.allCases.count)
    /// Whether a reader holds the chunk of its position.
    private var holds = [Bool](repeating: false, count: Reader.allCases.count)
    private var isFinished = false
    private var failure: ArchiveError?

    /// A ring without content.
    package init() {
        // SAFETY: owned by this object and freed in deinit only.
        unsafe memory = .allocate(byteCount: Self.chunkCount * Self.chunkSize, alignment: 4096)
    }

    // SAFETY: allocated in init; no thread uses the ring any more when the last reference goes.
    deinit { unsafe memory.deallocate() }

    /// The first `length` bytes of a chunk.
    private func chunk(_ place: Int, _ length: Int = ChunkRing.chunkSize) -> UnsafeMutableRawBufferPointer {
        let start = place * Self.chunkSize
        // SAFETY: within the memory; who may use it when, the positions say.
        return unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + length)])
    }

    /// The filling thread: reads `source` to its end and hands everything on. Ends early when a reader that is not the
    /// digest gives up.
    package func fill(from source: Decompressor) {
        while let number = emptyChunk() {
            do throws(ArchiveError) {
                // SAFETY: the chunk is nobody's until it counts as filled.
                let count = try unsafe source.fill(chunk(number % Self.chunkCount))
                if count == 0 { return finish(nil) }
                monitor.whileLocked {
                    lengths[number % Self.chunkCount] = count
                    filled += 1
                    monitor.tell()
                }
            } catch {
                return finish(error)
            }
        }
        finish(nil)
    }

    /// Waits for a chunk that all readers are done with.
    /// - Returns: its number; nil when nobody wants more.
    private func emptyChunk() -> Int? {
        monitor.whileLocked {
            while filled - (positions.min() ?? 0) >= Self.chunkCount { monitor.wait() }
            return positions[Reader.archive.rawValue] == .max ? nil : filled
        }
    }

    private func finish(_ error: ArchiveError?) {
        monitor.whileLocked {
            isFinished = true
            failure = error
            monitor.tell()
        }
    }

    /// The next piece for a reader, empty at the end; valid until its next call.
    /// - Throws: what the filling thread met, after all that was good before it.
    func next(_ reader: Reader) throws(ArchiveError) -> UnsafeRawBufferPointer {
        let number = reader.rawValue
        let (place, length, error): (Int, Int, ArchiveError?) = monitor.whileLocked {
            if holds[number] {
                positions[number] += 1
                monitor.tell()
            }
            while positions[number] >= filled, !isFinished { monitor.wait() }
            holds[number] = positions[number] < filled
            let place = positions[number] % Self.chunkCount
            return holds[number] ? (place, lengths[place], nil) : (0, 0, failure)
        }
        if let error { throw error }
        // SAFETY: the chunk stays as it is until this reader asks for the next one.
        return unsafe UnsafeRawBufferPointer(chunk(place, length))
    }

    /// A reader that wants no more, whether it is at the end or not.
    package func abandon(_ reader: Reader) {
        monitor.whileLocked {
            positions[reader.rawValue] = .max
            holds[reader.rawValue] = false
            monitor.tell()
        }
    }
}
