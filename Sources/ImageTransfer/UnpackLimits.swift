/// How much one layer may hold. An image that needs more is refused, not cut.
package struct UnpackLimits: Sendable, Equatable {
    /// Members of the archive.
    package var entries = 8_000_000
    /// Bytes of the uncompressed archive, and of all files with their holes.
    package var bytes: Int64 = 1 << 40
    /// How many times longer than the blob its content may be, once it is beyond ``ratioFreeBytes``.
    package var ratio: Int64 = 200
    /// Up to here any ratio is allowed: small layers of zeros are common.
    package var ratioFreeBytes: Int64 = 1 << 30
    /// Bytes of a member's path.
    package var pathBytes = 4095
    /// Names in a member's path.
    package var depth = 512
    /// Bytes of all extended attributes of one member.
    package var attributeBytes = 1 << 17

    /// The usual limits.
    package init() {}

    /// Bytes that may come out of a blob of `size` bytes.
    func uncompressedBytes(of size: Int64) -> Int64 {
        let (product, overflows) = size.multipliedReportingOverflow(by: ratio)
        return min(bytes, max(ratioFreeBytes, overflows ? bytes : product))
    }
}
