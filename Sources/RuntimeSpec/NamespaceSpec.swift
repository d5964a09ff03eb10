package import JSONCoding

/// The kinds of namespaces.
/// - SeeAlso: namespaces(7)
package enum NamespaceKind: String, JSONWord {
    /// What the words name, for errors.
    package static let subject = "namespace type"

    case pid
    case network
    case mount
    case ipc
    case uts
    case user
    case cgroup
    case time
}

/// One namespace of the container: a new one, or the one at `path`.
/// - SeeAlso: runtime-spec config-linux.md §Namespaces
package struct NamespaceSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Its kind.
    package var kind: NamespaceKind
    /// Namespace file to join; nil makes a new namespace.
    package var path: String?

    /// The values named; everything else as if absent from the document.
    package init(kind: NamespaceKind, path: String? = nil) {
        self.kind = kind
        self.path = path
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(kind: .mount)
        var hasKind = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "type":
                kind = try reader.read()
                hasKind = true
            case "path": path = try reader.text()
            default: break
            }
        }
        if !hasKind { throw reader.refusal("\"type\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("type", kind)
            writer.field("path", path)
        }
    }
}

/// A range of ids in the container and the ids on the host they stand for.
/// - SeeAlso: user_namespaces(7)
package struct IDMappingSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// First id in the container.
    package var containerID: UInt32
    /// First id outside.
    package var hostID: UInt32
    /// Number of ids.
    package var size: UInt32

    /// The values named; everything else as if absent from the document.
    package init(containerID: UInt32 = 0, hostID: UInt32 = 0, size: UInt32 = 0) {
        self.containerID = containerID
        self.hostID = hostID
        self.size = size
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "containerID": containerID = try reader.read()
            case "hostID": hostID = try reader.read()
            case "size": size = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("containerID", containerID)
            writer.field("hostID", hostID)
            writer.field("size", size)
        }
    }
}

/// How far the clocks of a new time namespace are ahead of the host's.
/// - SeeAlso: runtime-spec config-linux.md §Offset for Time Namespace, time_namespaces(7)
package struct TimeOffsetsSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Offset of CLOCK_MONOTONIC.
    package var monotonic: Offset?
    /// Offset of CLOCK_BOOTTIME.
    package var boottime: Offset?

    /// The values named; everything else as if absent from the document.
    package init(monotonic: Offset? = nil, boottime: Offset? = nil) {
        self.monotonic = monotonic
        self.boottime = boottime
    }

    /// Reads the object. Its names are clocks, so one that is not known is a wrong value (TIME-1).
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "monotonic": monotonic = try reader.read()
            case "boottime": boottime = try reader.read()
            default:
                throw reader.refusal("timeOffsets knows the clocks monotonic and boottime, not \"\(key)\"")
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("monotonic", monotonic)
            writer.field("boottime", boottime)
        }
    }
}

extension TimeOffsetsSpec {
    /// An offset; the nanoseconds are added, also to negative seconds.
    package struct Offset: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Whole seconds.
        package var seconds: Int64
        /// Nanoseconds, below one second.
        package var nanoseconds: UInt32

        /// The values named; everything else as if absent from the document.
        package init(seconds: Int64 = 0, nanoseconds: UInt32 = 0) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "secs": seconds = try reader.read()
                case "nanosecs": nanoseconds = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("secs", seconds)
                writer.field("nanosecs", nanoseconds)
            }
        }
    }
}
