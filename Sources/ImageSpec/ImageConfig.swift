package import JSONCoding

/// An image configuration: for what machine, how to run it, and which layers make it.
/// - SeeAlso: image-spec config.md
package struct ImageConfig: Sendable, Equatable, JSONReadable {
    /// What the image is for.
    package var platform: Platform
    /// When it was made, RFC 3339.
    package var created: String?
    /// Who made it.
    package var author: String?
    /// How a container of it is run.
    package var config: ContainerConfig
    /// Digests of the layers' uncompressed tar archives, base first.
    package var diffIDs: [Digest]
    /// How it was made, base first; includes steps that made no layer.
    package var history: [History]

    /// One step of how an image was made.
    package struct History: Sendable, Equatable, JSONReadable {
        /// When, RFC 3339.
        package var created: String?
        /// The command.
        package var createdBy: String?
        /// A remark.
        package var comment: String?
        /// Whether the step made no layer.
        package var isEmptyLayer = false

        /// A step of which nothing is known.
        package init() {}

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "created": created = try reader.read()
                case "created_by": createdBy = try reader.read()
                case "comment": comment = try reader.read()
                case "empty_layer": isEmptyLayer = try reader.read()
                default: break
                }
            }
        }
    }

    /// A configuration of the values named.
    package init(
        platform: Platform, created: String? = nil, author: String? = nil,
        config: ContainerConfig = ContainerConfig(), diffIDs: [Digest] = [], history: [History] = []
    ) {
        self.platform = platform
        self.created = created
        self.author = author
        self.config = config
        self.diffIDs = diffIDs
        self.history = history
    }

    /// Reads the object; names that are not known are ignored, `null` is as good as absent. The machine and
    /// the layers must be there, and the layers must be layers.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(platform: Platform(os: "", architecture: ""))
        var hasRootfs = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "os": platform.os = try reader.read()
            case "architecture": platform.architecture = try reader.read()
            case "variant":
                let text: String = try reader.read()
                platform.variant = text.isEmpty ? nil : text
            case "os.version": platform.osVersion = try reader.read()
            case "os.features": platform.osFeatures = try reader.read()
            case "created": created = try reader.read()
            case "author": author = try reader.read()
            case "config": config = try reader.read()
            case "history": history = try reader.read()
            case "rootfs":
                hasRootfs = true
                try readRootfs(&reader)
            default: break
            }
        }
        guard hasRootfs else { throw reader.refusal("an image configuration needs a rootfs") }
        guard !platform.os.isEmpty else { throw reader.refusal("an image configuration needs an os") }
        guard !platform.architecture.isEmpty else {
            throw reader.refusal("an image configuration needs an architecture")
        }
    }

    private mutating func readRootfs(_ reader: inout JSONReader) throws(JSONError) {
        var type: String?
        var digests: [Digest] = []
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "type":
                let text: String = try reader.read()
                if text != "layers" { throw reader.refusal("unknown type \"\(text)\" (known: layers)") }
                type = text
            case "diff_ids": digests = try reader.read()
            default: break
            }
        }
        if type == nil { throw reader.refusal("a rootfs needs a type") }
        diffIDs = digests
    }
}
