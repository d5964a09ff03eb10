package import JSONCoding

/// How a container of an image is run, unless the command line says otherwise; with Docker's additions.
/// - SeeAlso: image-spec config.md §Properties
package struct ContainerConfig: Sendable, Equatable, JSONReadable {
    /// `user`, `uid`, `user:group`, `uid:gid` or a mixture; empty for root.
    package var user = ""
    /// Ports that the program serves: `80/tcp`, `53/udp`; the protocol may be missing.
    package var exposedPorts: [String] = []
    /// Environment as `NAME=value`, verbatim.
    package var environment: [String] = []
    /// The start of the argument list.
    package var entrypoint: [String] = []
    /// The arguments that the command line replaces.
    package var command: [String] = []
    /// Directories that hold data of a container.
    package var volumes: [String] = []
    /// The working directory; empty for `/`.
    package var workingDirectory = ""
    /// Free labels.
    package var labels = StringMap()
    /// The signal that asks the program to end: `SIGTERM`, `SIGRTMIN+3` or a number.
    package var stopSignal: String?
    /// Docker's grace time in seconds before a container is killed.
    package var stopTimeout: Int?
    /// Docker's program for the shell form of commands.
    package var shell: [String] = []
    /// Docker's triggers for images built on this one.
    package var onBuild: [String] = []
    /// Docker's check of whether the program works.
    package var healthcheck: Healthcheck?

    /// Docker's check of whether the program works; times in nanoseconds, 0 for the default.
    package struct Healthcheck: Sendable, Equatable, JSONReadable {
        /// `["NONE"]`, `["CMD", arg…]` or `["CMD-SHELL", text]`; empty to take the base image's.
        package var test: [String] = []
        /// Time between checks.
        package var interval: Int64 = 0
        /// How long one check may take.
        package var timeout: Int64 = 0
        /// Time at the start in which failures do not count.
        package var startPeriod: Int64 = 0
        /// Time between checks during the start.
        package var startInterval: Int64 = 0
        /// How many failures in a row mean unhealthy.
        package var retries = 0

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "Test": test = try reader.read()
                case "Interval": interval = try reader.read()
                case "Timeout": timeout = try reader.read()
                case "StartPeriod": startPeriod = try reader.read()
                case "StartInterval": startInterval = try reader.read()
                case "Retries": retries = try reader.read()
                default: break
                }
            }
        }
    }

    /// Nothing set.
    package init() {}

    /// Reads the object; names that are not known are ignored, `null` is as good as absent.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "User": user = try reader.read()
            case "ExposedPorts": exposedPorts = try Self.names(&reader)
            case "Env": environment = try reader.read()
            case "Entrypoint": entrypoint = try reader.read()
            case "Cmd": command = try reader.read()
            case "Volumes": volumes = try Self.names(&reader)
            case "WorkingDir": workingDirectory = try reader.read()
            case "Labels": labels = try reader.read()
            case "StopSignal":
                let text: String = try reader.read()
                stopSignal = text.isEmpty ? nil : text
            case "StopTimeout": stopTimeout = try reader.read()
            case "Shell": shell = try reader.read()
            case "OnBuild": onBuild = try reader.read()
            case "Healthcheck": healthcheck = try reader.read()
            default: break
            }
        }
    }

    /// Reads an object whose names are a set, Go's `map[string]struct{}`. The reader passes over members that
    /// are `null`, which no tool writes here.
    private static func names(_ reader: inout JSONReader) throws(JSONError) -> [String] {
        var names: [String] = []
        try reader.object { (key, reader) throws(JSONError) in
            names.append(key)
            try reader.skip()
        }
        return names.sorted()
    }
}
