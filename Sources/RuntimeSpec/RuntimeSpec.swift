package import JSONCoding

/// The configuration of one container: `config.json` of a bundle, as far as it concerns Linux.
/// - SeeAlso: runtime-spec config.md
package struct RuntimeSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Version of the runtime specification the document follows, such as `1.2.0`.
    package var ociVersion: String
    /// The program to run; may be absent until start.
    package var process: ProcessSpec?
    /// The root file system; required on Linux.
    package var root: RootSpec?
    /// Host name in the container's UTS namespace.
    package var hostname: String?
    /// NIS domain name in the container's UTS namespace.
    package var domainname: String?
    /// What is mounted below the root, in this order.
    package var mounts: [MountSpec]
    /// Programs to run at points of the life cycle.
    package var hooks: HooksSpec?
    /// Free data by name; kept, shown in the state, and given to hooks.
    package var annotations: StringMap
    /// Everything that only Linux has.
    package var linux: LinuxSpec?

    /// The values named; everything else as if absent from the document.
    package init(
        ociVersion: String = "", process: ProcessSpec? = nil, root: RootSpec? = nil, hostname: String? = nil,
        domainname: String? = nil, mounts: [MountSpec] = [], hooks: HooksSpec? = nil,
        annotations: StringMap = [:], linux: LinuxSpec? = nil
    ) {
        self.ociVersion = ociVersion
        self.process = process
        self.root = root
        self.hostname = hostname
        self.domainname = domainname
        self.mounts = mounts
        self.hooks = hooks
        self.annotations = annotations
        self.linux = linux
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "ociVersion": ociVersion = try reader.read()
            case "process": process = try reader.read()
            case "root": root = try reader.read()
            case "hostname": hostname = try reader.text()
            case "domainname": domainname = try reader.text()
            case "mounts": mounts = try reader.read()
            case "hooks": hooks = try reader.read()
            case "annotations": annotations = try reader.read()
            case "linux": linux = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("ociVersion", ociVersion)
            writer.field("process", process)
            writer.field("root", root)
            writer.field("hostname", hostname)
            writer.field("domainname", domainname)
            writer.fieldUnlessEmpty("mounts", mounts)
            writer.field("hooks", hooks)
            writer.fieldUnlessEmpty("annotations", annotations)
            writer.field("linux", linux)
        }
    }
}

/// The root file system of a container.
/// - SeeAlso: runtime-spec config.md §Root
package struct RootSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Directory, absolute or relative to the bundle.
    package var path: String
    /// The root is mounted read-only.
    package var readonly: Bool

    /// The values named; everything else as if absent from the document.
    package init(path: String = "", readonly: Bool = false) {
        self.path = path
        self.readonly = readonly
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "path": path = try reader.read()
            case "readonly": readonly = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("path", path)
            writer.fieldIfTrue("readonly", readonly)
        }
    }
}
