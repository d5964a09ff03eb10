package import JSONCoding
package import RuntimeSpec

/// What a person asks of a new container, as the options of `skiff run` and `skiff create` say it.
///
/// Absent means: as the image has it, or the default. Units are bytes, microseconds and seconds as named.
package struct RunOptions: Sendable, Equatable {
    /// Name of the container; nil for a made-up one.
    package var name: String?
    /// Arguments that replace the image's Cmd.
    package var arguments: [String] = []
    /// Replaces the image's Entrypoint; an empty text removes it.
    package var entrypoint: String?
    /// `NAME=value`, in order; later ones win, also over the image's.
    package var environment: [String] = []
    /// Working directory; nil for the image's.
    package var workingDirectory: String?
    /// `user`, `uid`, `user:group` …; nil for the image's.
    package var user: String?
    /// Additional groups by name or number.
    package var additionalGroups: [String] = []
    /// Volumes and binds in the order given.
    package var binds: [BindOption] = []
    /// Paths of memory-backed directories with their mount options.
    package var temporary: [(path: String, options: [String])] = []
    package var isReadOnly = false
    package var hostname: String?
    package var labels = StringMap()
    package var annotations = StringMap()

    /// Limits.
    package var limits = LimitRequest()
    /// Rules that allow devices, beside those that `devices` names.
    package var deviceRules: [ResourcesSpec.DeviceRule] = []
    /// Cgroup below which the container's is made; nil for skiff's own.
    package var cgroupParent: String?
    /// Whether the container sees the host's cgroups instead of its own as the root.
    package var sharesCgroupNamespace = false
    package var sharedMemoryBytes: Int64?
    package var oomScoreAdjustment: Int?

    /// What the process may do, as a difference from the default.
    package var addedCapabilities: [String] = []
    package var droppedCapabilities: [String] = []
    package var isPrivileged = false
    package var noNewPrivileges = false
    package var seccomp = SeccompChoice.standard
    /// `nofile=1024:2048` and the like.
    package var resourceLimits: [(name: String, soft: UInt64, hard: UInt64)] = []
    package var devices: [DeviceOption] = []
    package var sysctls = StringMap()
    package var network = NetworkChoice.isolated
    package var userNamespace = UserNamespaceChoice.host

    /// `-t` and `-i`.
    package var wantsTerminal = false
    package var keepsInputOpen = false
    /// An own first process that reaps and forwards signals.
    package var wantsInit = false
    package var stopSignal: String?
    package var stopTimeoutSeconds: Int?
    package var removesItself = false
    /// What is to happen under pressure, as `PressureTrigger` reads it.
    package var pressureTriggers: [String] = []
    /// Where a receipt is added after each run, an absolute path.
    package var receiptFile: String?

    /// Nothing asked.
    package init() {}

    /// Which system calls are filtered.
    package enum SeccompChoice: Sendable, Equatable {
        /// The built-in profile.
        case standard
        case unconfined
        /// A profile file of the host, in Docker's or the runtime-spec's form.
        case file(String)
    }

    /// Which network a container sees.
    package enum NetworkChoice: String, Sendable, Equatable {
        /// A network namespace of its own with only the loopback interface.
        case isolated = "none"
        /// The host's.
        case host
    }

    /// A host path or a named volume inside a container.
    package struct BindOption: Sendable, Equatable {
        package var source: String
        package var destination: String
        /// Mount options such as `ro`, `rbind`, `rslave`.
        package var options: [String]
        /// A name without slashes: a volume of the store instead of a host path.
        package var isVolume: Bool

        /// A bind by its parts.
        package init(source: String, destination: String, options: [String], isVolume: Bool) {
            self.source = source
            self.destination = destination
            self.options = options
            self.isVolume = isVolume
        }
    }

    /// A device of the host inside a container.
    package struct DeviceOption: Sendable, Equatable {
        package var source: String
        package var destination: String
        /// Some of `rwm`.
        package var access: String

        /// A device by its parts.
        package init(source: String, destination: String, access: String) {
            self.source = source
            self.destination = destination
            self.access = access
        }
    }

    /// Whether both ask the same.
    package static func == (left: RunOptions, right: RunOptions) -> Bool {
        "\(left)" == "\(right)"
    }
}
