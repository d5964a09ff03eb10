internal import DigestBinding
internal import ImageSpec
internal import LinuxSystem

/// Where a tar archive goes: a file or a pipe, in large pieces, with the digest of all that went there.
final class TarOutput {
    private let file: BorrowedFD
    private let digest: RunningDigest?
    private var buffer: [UInt8] = []
    /// How many bytes were written.
    private(set) var count: Int64 = 0

    private static let pieceBytes = 1 << 16

    /// An archive into `file`, which the caller keeps open.
    init(_ file: BorrowedFD, hashes: Bool) {
        self.file = file
        digest = hashes ? RunningDigest(.sha256) : nil
        buffer.reserveCapacity(Self.pieceBytes * 2)
    }

    /// Writes the header of a member; its data must follow.
    func begin(_ member: TarMember) throws(SyscallError) { try write(member.header()) }

    /// Writes a member with its data.
    func add(_ member: TarMember, data: [UInt8]) throws(SyscallError) {
        var member = member
        member.size = Int64(data.count)
        try begin(member)
        try write(data)
        try write(padding(after: member.size))
    }

    /// Writes a member's data from where a file stands: `size` bytes, zeros if the file has become shorter.
    func addData(of source: BorrowedFD, size: Int64) throws(SyscallError) {
        var left = size
        while left > 0 {
            let piece = try source.read(max: Int(min(left, Int64(Self.pieceBytes))))
            if piece.isEmpty {
                try write([UInt8](repeating: 0, count: Int(min(left, Int64(Self.pieceBytes)))))
                left -= min(left, Int64(Self.pieceBytes))
            } else {
                try write(piece)
                left -= Int64(piece.count)
            }
        }
        try write(padding(after: size))
    }

    /// Copies a member's data from where a file stands, by the kernel; the digest does not see it.
    func copyData(of source: BorrowedFD, size: Int64) throws(SyscallError) {
        precondition(digest == nil, "what is hashed must be read")
        try flush()
        var left = size
        while left > 0 {
            let copied = try source.copy(max: Int(min(left, 1 << 30)), to: file)
            if copied == 0 { throw SyscallError(.read, on: source.operand, .EIO) }
            left -= Int64(copied)
        }
        count += size
        try write(padding(after: size))
    }

    /// Ends the archive.
    func finish() throws(SyscallError) {
        try write([UInt8](repeating: 0, count: 1024))
        try flush()
    }

    /// The digest of the whole archive, after `finish()`.
    func finishedDigest() -> Digest {
        guard let digest else { preconditionFailure("the archive was not hashed") }
        return Digest(.sha256, bytes: digest.finish())
    }

    private func write(_ bytes: [UInt8]) throws(SyscallError) {
        count += Int64(bytes.count)
        digest?.update(bytes)
        buffer += bytes
        if buffer.count >= Self.pieceBytes { try flush() }
    }

    private func flush() throws(SyscallError) {
        if buffer.isEmpty { return }
        try file.writeAll(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
