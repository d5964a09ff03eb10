package import JSONCoding

/// Programs to run at points of the life cycle, each list in order.
/// - SeeAlso: runtime-spec config.md §POSIX-platform Hooks
package struct HooksSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// In create, after the namespaces exist; deprecated, runs before `createRuntime`.
    package var prestart: [HookSpec]
    /// In create, in the runtime's namespaces, before pivot_root.
    package var createRuntime: [HookSpec]
    /// In create, in the container's namespaces, before pivot_root.
    package var createContainer: [HookSpec]
    /// In start, in the container, before the program.
    package var startContainer: [HookSpec]
    /// In start, after the program was executed.
    package var poststart: [HookSpec]
    /// In delete.
    package var poststop: [HookSpec]

    /// The values named; everything else as if absent from the document.
    package init(
        prestart: [HookSpec] = [], createRuntime: [HookSpec] = [], createContainer: [HookSpec] = [],
        startContainer: [HookSpec] = [], poststart: [HookSpec] = [], poststop: [HookSpec] = []
    ) {
        self.prestart = prestart
        self.createRuntime = createRuntime
        self.createContainer = createContainer
        self.startContainer = startContainer
        self.poststart = poststart
        self.poststop = poststop
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "prestart": prestart = try reader.read()
            case "createRuntime": createRuntime = try reader.read()
            case "createContainer": createContainer = try reader.read()
            case "startContainer": startContainer = try reader.read()
            case "poststart": poststart = try reader.read()
            case "poststop": poststop = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.fieldUnlessEmpty("prestart", prestart)
            writer.fieldUnlessEmpty("createRuntime", createRuntime)
            writer.fieldUnlessEmpty("createContainer", createContainer)
            writer.fieldUnlessEmpty("startContainer", startContainer)
            writer.fieldUnlessEmpty("poststart", poststart)
            writer.fieldUnlessEmpty("poststop", poststop)
        }
    }
}

/// One program to run.
/// - SeeAlso: runtime-spec config.md §POSIX-platform Hooks
package struct HookSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Absolute path of the program.
    package var path: String
    /// The whole argument vector, `argv[0]` included.
    package var args: [String]
    /// The exact environment.
    package var env: [String]
    /// Seconds after which the hook is aborted; nil means never.
    package var timeout: Int?

    /// The values named; everything else as if absent from the document.
    package init(path: String = "", args: [String] = [], env: [String] = [], timeout: Int? = nil) {
        self.path = path
        self.args = args
        self.env = env
        self.timeout = timeout
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "path": path = try reader.read()
            case "args": args = try reader.read()
            case "env": env = try reader.read()
            case "timeout": timeout = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("path", path)
            writer.fieldUnlessEmpty("args", args)
            writer.fieldUnlessEmpty("env", env)
            writer.field("timeout", timeout)
        }
    }
}
