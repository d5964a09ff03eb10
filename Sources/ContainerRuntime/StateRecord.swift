package import Cgroups
package import JSONCoding
import LinuxSystem
package import Rootfs
package import RuntimeSpec

/// What the runtime remembers of a container, in `state.json`: facts that never change after create. Whether the
/// container runs is never written down, it is asked of the kernel.
package struct StateRecord: Sendable, Equatable, JSONReadable, JSONWritable {
    /// The form of the file; a reader refuses what is newer.
    package static let currentVersion = 1

    /// Form of the file.
    package var version = StateRecord.currentVersion
    /// Version of the specification that the configuration follows.
    package var ociVersion = ""
    /// The container's name.
    package var id = ""
    /// Absolute path of the bundle; empty for containers made without one.
    package var bundle = ""
    /// Absolute path of the root file system, for people and for engines.
    package var rootfs = ""
    /// When create finished, RFC 3339; empty while it is under way.
    package var created = ""
    /// Name or number of the user who made it.
    package var owner = ""
    /// Process id of init in the runtime's pid namespace; 0 as long as it is not known.
    package var pid: Int32 = 0
    /// Start time of that process in clock ticks since boot: with the pid it names one process for ever.
    package var startTime: UInt64 = 0
    /// Annotations of the configuration.
    package var annotations: StringMap = [:]
    /// The kinds of namespaces that differ from the runtime's, for exec.
    package var namespaces: [NamespaceKind] = []
    /// Where the container's cgroup is; nil when it has none.
    package var cgroup: CgroupRecord?
    /// Its group of the resctrl file system; nil without `linux.intelRdt`.
    package var resctrl: ResctrlGroup?
    /// The mount of its root, which `delete` takes off; nil where that ends with its mount namespace.
    package var attachedRoot: AttachedRoot?
    /// Whether `start` must run poststart hooks.
    package var hasPoststart = false
    /// Whether `delete` must run poststop hooks.
    package var hasPoststop = false
    /// Whether processes of the container keep the session keyring of whoever starts them.
    package var keepsKeyring = false

    /// Where the container's receipt is added at its end; nil for nowhere.
    package var receiptFile: String?
    /// Whether `account.json` is kept beside this.
    package var keepsAccount = false

    /// Whether create has finished.
    package var isComplete: Bool { !created.isEmpty }

    /// An empty record.
    package init() {}

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "version": version = try reader.read()
            case "ociVersion": ociVersion = try reader.read()
            case "id": id = try reader.read()
            case "bundle": bundle = try reader.read()
            case "rootfs": rootfs = try reader.read()
            case "created": created = try reader.read()
            case "owner": owner = try reader.read()
            case "pid": pid = try reader.read()
            case "startTime": startTime = try reader.read()
            case "annotations": annotations = try reader.read()
            case "namespaces": namespaces = try reader.read()
            case "cgroup": cgroup = try reader.read()
            case "resctrl": resctrl = try reader.read()
            case "attachedRoot": attachedRoot = try reader.read()
            case "poststart": hasPoststart = try reader.read()
            case "poststop": hasPoststop = try reader.read()
            case "noNewKeyring": keepsKeyring = try reader.read()
            case "receipt": receiptFile = try reader.string()
            case "account": keepsAccount = try reader.boolean()
            default: break
            }
        }
        if version > Self.currentVersion {
            throw reader.refusal("the state was written by a newer skiff (version \(version))")
        }
    }

    /// The last line of a state file that was written whole: all of it if it has no line end.
    static func lastLine(of bytes: [UInt8]) -> [UInt8] {
        let newline = UInt8(ascii: "\n")
        guard let end = bytes.lastIndex(of: newline) else { return bytes }
        let before = bytes[..<end].lastIndex(of: newline)
        return Array(bytes[(before.map { $0 + 1 } ?? 0)..<end])
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("version", version)
            writer.field("ociVersion", ociVersion)
            writer.field("id", id)
            writer.field("bundle", bundle)
            writer.field("rootfs", rootfs)
            writer.field("created", created)
            writer.field("owner", owner)
            writer.field("pid", pid)
            writer.field("startTime", startTime)
            writer.fieldUnlessEmpty("annotations", annotations)
            writer.fieldUnlessEmpty("namespaces", namespaces)
            writer.field("cgroup", cgroup)
            writer.field("resctrl", resctrl)
            writer.field("attachedRoot", attachedRoot)
            writer.fieldIfTrue("poststart", hasPoststart)
            writer.fieldIfTrue("poststop", hasPoststop)
            writer.fieldIfTrue("noNewKeyring", keepsKeyring)
            writer.field("receipt", receiptFile)
            writer.fieldIfTrue("account", keepsAccount)
        }
    }
}

extension AttachedRoot: JSONReadable, JSONWritable {
    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(number: 0, unique: 0, device: 0, inode: 0, place: "", namespace: nil)
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "number": number = try reader.read()
            case "unique": unique = try reader.read()
            case "device": device = try reader.read()
            case "inode": inode = try reader.read()
            case "place": place = Path(try reader.read() as String)
            case "namespace": namespace = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("number", number)
            writer.field("unique", unique)
            writer.field("device", device)
            writer.field("inode", inode)
            writer.field("place", place.string)
            writer.field("namespace", namespace)
        }
    }
}
