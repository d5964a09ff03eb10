package import JSONCoding

/// One resource limit.
/// - SeeAlso: runtime-spec config.md §POSIX process, getrlimit(2)
package struct RlimitSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Which limit.
    package var type: Kind
    /// The limit in force.
    package var soft: UInt64
    /// The ceiling for the soft limit.
    package var hard: UInt64

    /// The values named; everything else as if absent from the document.
    package init(type: Kind, soft: UInt64 = 0, hard: UInt64 = 0) {
        self.type = type
        self.soft = soft
        self.hard = hard
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(type: .coreSize)
        var hasType = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "type":
                type = try reader.read()
                hasType = true
            case "soft": soft = try reader.read()
            case "hard": hard = try reader.read()
            default: break
            }
        }
        if !hasType { throw reader.refusal("\"type\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("type", type)
            writer.field("soft", soft)
            writer.field("hard", hard)
        }
    }
}

extension RlimitSpec {
    /// The limits of getrlimit(2).
    package enum Kind: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "resource limit"

        case addressSpace = "RLIMIT_AS"
        case coreSize = "RLIMIT_CORE"
        case cpuTime = "RLIMIT_CPU"
        case dataSize = "RLIMIT_DATA"
        case fileSize = "RLIMIT_FSIZE"
        case locks = "RLIMIT_LOCKS"
        case lockedMemory = "RLIMIT_MEMLOCK"
        case messageQueues = "RLIMIT_MSGQUEUE"
        case nice = "RLIMIT_NICE"
        case openFiles = "RLIMIT_NOFILE"
        case processes = "RLIMIT_NPROC"
        case residentSet = "RLIMIT_RSS"
        case realtimePriority = "RLIMIT_RTPRIO"
        case realtimeTime = "RLIMIT_RTTIME"
        case pendingSignals = "RLIMIT_SIGPENDING"
        case stackSize = "RLIMIT_STACK"
    }
}
