package import JSONCoding

/// A device node in the container.
/// - SeeAlso: runtime-spec config-linux.md §Devices
package struct DeviceSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// What kind of node.
    package var kind: Kind
    /// Absolute path in the container.
    package var path: String
    /// Major number; not for a FIFO.
    package var major: Int64?
    /// Minor number; not for a FIFO.
    package var minor: Int64?
    /// Permission bits.
    package var fileMode: UInt32?
    /// Owner in the container.
    package var uid: UInt32?
    /// Group in the container.
    package var gid: UInt32?

    /// The values named; everything else as if absent from the document.
    package init(
        kind: Kind, path: String = "", major: Int64? = nil, minor: Int64? = nil, fileMode: UInt32? = nil,
        uid: UInt32? = nil, gid: UInt32? = nil
    ) {
        self.kind = kind
        self.path = path
        self.major = major
        self.minor = minor
        self.fileMode = fileMode
        self.uid = uid
        self.gid = gid
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(kind: .character)
        var hasKind = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "type":
                kind = try reader.read()
                hasKind = true
            case "path": path = try reader.read()
            case "major": major = try reader.read()
            case "minor": minor = try reader.read()
            case "fileMode": fileMode = try reader.read()
            case "uid": uid = try reader.read()
            case "gid": gid = try reader.read()
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
            writer.field("major", major)
            writer.field("minor", minor)
            writer.field("fileMode", fileMode)
            writer.field("uid", uid)
            writer.field("gid", gid)
        }
    }
}

extension DeviceSpec {
    /// Kinds of nodes, by the letters of mknod(1).
    package enum Kind: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "device type"

        case character = "c"
        /// The same as `character` to the kernel.
        case unbufferedCharacter = "u"
        case block = "b"
        case fifo = "p"
    }
}
