package import JSONCoding

/// The state of a container as `state` prints it and hooks get it.
/// - SeeAlso: runtime-spec runtime.md §State
package struct ContainerState: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Version of the runtime specification.
    package var ociVersion: String
    /// The container's id.
    package var id: String
    /// Where in its life the container is.
    package var status: Status
    /// Process id of the container's program; only while it exists.
    package var pid: Int?
    /// Absolute path of the bundle.
    package var bundle: String
    /// Annotations of the configuration.
    package var annotations: StringMap

    /// The values named; everything else as if absent from the document.
    package init(
        ociVersion: String = "", id: String = "", status: Status, pid: Int? = nil, bundle: String = "",
        annotations: StringMap = [:]
    ) {
        self.ociVersion = ociVersion
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(status: .creating)
        var hasStatus = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "ociVersion": ociVersion = try reader.read()
            case "id": id = try reader.read()
            case "status":
                status = try reader.read()
                hasStatus = true
            case "pid": pid = try reader.read()
            case "bundle": bundle = try reader.read()
            case "annotations": annotations = try reader.read()
            default: break
            }
        }
        if !hasStatus { throw reader.refusal("\"status\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("ociVersion", ociVersion)
            writer.field("id", id)
            writer.field("status", status)
            writer.field("pid", pid)
            writer.field("bundle", bundle)
            writer.fieldUnlessEmpty("annotations", annotations)
        }
    }
}

extension ContainerState {
    /// Where in its life a container is.
    package enum Status: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "container status"

        /// Create has not finished.
        case creating
        /// Waiting for start.
        case created
        /// The program runs.
        case running
        /// The program has ended.
        case stopped
        /// All tasks are frozen; not in the specification, but engines know it.
        case paused
    }
}
