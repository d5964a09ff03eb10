package import JSONCoding

/// Who the program runs as; all ids are those of the container's user namespace.
/// - SeeAlso: runtime-spec config.md §User
package struct UserSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// User id.
    package var uid: UInt32
    /// Group id.
    package var gid: UInt32
    /// File mode creation mask; nil leaves the inherited one.
    package var umask: UInt32?
    /// Exactly the supplementary groups.
    package var additionalGids: [UInt32]

    /// The values named; everything else as if absent from the document.
    package init(uid: UInt32 = 0, gid: UInt32 = 0, umask: UInt32? = nil, additionalGids: [UInt32] = []) {
        self.uid = uid
        self.gid = gid
        self.umask = umask
        self.additionalGids = additionalGids
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "uid": uid = try reader.read()
            case "gid": gid = try reader.read()
            case "umask": umask = try reader.read()
            case "additionalGids": additionalGids = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("uid", uid)
            writer.field("gid", gid)
            writer.field("umask", umask)
            writer.fieldUnlessEmpty("additionalGids", additionalGids)
        }
    }
}
