package import LinuxSystem

/// Why bytes of an archive could not be read or copied.
package enum ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    /// libarchive's own words about the bytes that it was given, for example `truncated gzip input`.
    case format(String)
    /// The archive's file could not be read.
    case input(SyscallError)
    /// The file that an entry's data goes to could not be written.
    case output(SyscallError)
    /// More bytes came out than the limit allows.
    case tooLarge(limit: Int64)
    /// Something that is never taken from an archive, in our words.
    case refused(String)

    /// One clause in lower case.
    package var description: String {
        switch self {
        case .format(let message): message
        case .input(let error), .output(let error): "\(error)"
        case .tooLarge(let limit): "more than \(limit) bytes"
        case .refused(let reason): reason
        }
    }
}
