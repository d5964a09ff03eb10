package import JSONCoding
package import RuntimeSpec

/// What the engine knows of a container from its making to its removal; it never changes but for the name.
///
/// Kept as `record.json` in the container's folder, beside `config.json` (the runtime configuration) and, after a
/// run, `exit.json` and `receipt.json`.
package struct ContainerRecord: Sendable, Equatable, JSONReadable, JSONWritable {
    /// Version of this file's form; readers refuse a higher one.
    package static let currentVersion = 1

    /// 64 hexadecimal digits; also the id in the runtime's state folder.
    package var id: String
    package var name: String
    /// As the user wrote it.
    package var image: String
    /// Digest of the image's manifest.
    package var imageDigest: String
    /// RFC 3339, UTC.
    package var created: String
    /// The program with its arguments.
    package var command: [String]
    package var hasTerminal = false
    package var keepsInputOpen = false
    package var wantsInit = false
    package var removesItself = false
    /// Number of the signal that asks the program to end.
    package var stopSignal: Int32 = 15
    /// Seconds between that signal and SIGKILL.
    package var stopTimeoutSeconds = 10
    package var labels = StringMap()
    /// How the network was chosen, for `inspect`.
    package var network = "none"
    /// Where a receipt is added after each run, an absolute path; nil for nowhere.
    package var receiptFile: String?
    /// What is to happen under pressure, as `PressureTrigger` reads it.
    package var pressureTriggers: [String] = []
    /// Mappings of its user namespace; empty without one.
    package var userMappings: [IDMappingSpec] = []
    package var groupMappings: [IDMappingSpec] = []
    /// Volumes made for this container alone; they go away with it.
    package var anonymousVolumes: [String] = []

    /// A record by its identity; the rest has defaults.
    package init(
        id: String, name: String, image: String, imageDigest: String, created: String, command: [String]
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.imageDigest = imageDigest
        self.created = created
        self.command = command
    }

    /// The first twelve digits of the id, for tables.
    package var shortID: String { String(id.prefix(12)) }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(id: "", name: "", image: "", imageDigest: "", created: "", command: [])
        var version = 0
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "version": version = try reader.integer()
            case "id": id = try reader.string()
            case "name": name = try reader.string()
            case "image": image = try reader.string()
            case "imageDigest": imageDigest = try reader.string()
            case "created": created = try reader.string()
            case "command": command = try reader.read()
            case "hasTerminal": hasTerminal = try reader.boolean()
            case "keepsInputOpen": keepsInputOpen = try reader.boolean()
            case "wantsInit": wantsInit = try reader.boolean()
            case "removesItself": removesItself = try reader.boolean()
            case "stopSignal": stopSignal = try reader.integer()
            case "stopTimeoutSeconds": stopTimeoutSeconds = try reader.integer()
            case "labels": labels = try reader.read()
            case "network": network = try reader.string()
            case "pressureTriggers": pressureTriggers = try reader.read()
            case "uidMappings": userMappings = try reader.read()
            case "gidMappings": groupMappings = try reader.read()
            case "receiptFile": receiptFile = try reader.string()
            case "anonymousVolumes": anonymousVolumes = try reader.read()
            default: break
            }
        }
        guard version == ContainerRecord.currentVersion else {
            throw reader.refusal(
                "is of version \(version); this skiff knows \(ContainerRecord.currentVersion)")
        }
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("version", ContainerRecord.currentVersion)
            writer.field("id", id)
            writer.field("name", name)
            writer.field("image", image)
            writer.field("imageDigest", imageDigest)
            writer.field("created", created)
            writer.field("command", command)
            writer.field("hasTerminal", hasTerminal)
            writer.field("keepsInputOpen", keepsInputOpen)
            writer.field("wantsInit", wantsInit)
            writer.field("removesItself", removesItself)
            writer.field("stopSignal", stopSignal)
            writer.field("stopTimeoutSeconds", stopTimeoutSeconds)
            writer.field("labels", labels)
            writer.field("network", network)
            writer.fieldUnlessEmpty("uidMappings", userMappings)
            writer.fieldUnlessEmpty("gidMappings", groupMappings)
            writer.field("receiptFile", receiptFile)
            writer.fieldUnlessEmpty("pressureTriggers", pressureTriggers)
            writer.field("anonymousVolumes", anonymousVolumes)
        }
    }
}

/// How the latest run of a container went; written when it is over.
package struct ExitRecord: Sendable, Equatable, JSONReadable, JSONWritable {
    /// What a shell would report: the program's code, or 128 + the signal; 125–127 when it never ran.
    package var exitCode: Int32
    /// Number of the signal that ended it, 0 for none.
    package var signal: Int32 = 0
    package var started: String
    package var finished: String
    package var wasOutOfMemory = false
    /// Why it could not be run, when it could not.
    package var error: String?

    /// A run by its outcome.
    package init(exitCode: Int32, signal: Int32 = 0, started: String, finished: String) {
        self.exitCode = exitCode
        self.signal = signal
        self.started = started
        self.finished = finished
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(exitCode: 0, started: "", finished: "")
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "exitCode": exitCode = try reader.integer()
            case "signal": signal = try reader.integer()
            case "started": started = try reader.string()
            case "finished": finished = try reader.string()
            case "wasOutOfMemory": wasOutOfMemory = try reader.boolean()
            case "error": error = try reader.string()
            default: break
            }
        }
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("exitCode", exitCode)
            writer.field("signal", signal)
            writer.field("started", started)
            writer.field("finished", finished)
            writer.field("wasOutOfMemory", wasOutOfMemory)
            writer.field("error", error)
        }
    }
}
