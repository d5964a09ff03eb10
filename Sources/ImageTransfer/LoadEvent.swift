package import ImageSpec

/// What a load tells while it goes on.
package struct LoadEvent: Sendable, Equatable {
    /// What became of the layer.
    package enum State: Sendable, Equatable {
        /// The store has it already.
        case present
        /// Another load is unpacking it; this one waits.
        case waiting
        /// Its unpacker was started.
        case started
        /// So many bytes of its blob are read.
        case read(Int64)
        /// It is unpacked, verified and on disk.
        case unpacked
    }

    /// Counted from 1.
    package let number: Int
    /// How many layers the image has.
    package let count: Int
    /// What it is known by.
    package let diffID: Digest
    /// Bytes of its blob.
    package let size: Int64
    /// What happened.
    package let state: State
}
