package import JSONCoding

/// A program to run in a container: the container's own or that of `exec`.
/// - SeeAlso: runtime-spec config.md §Process, §Linux Process
package struct ProcessSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// A pseudo terminal is its stdin, stdout and stderr.
    package var terminal: Bool
    /// Size of the terminal; without a terminal it has no effect.
    package var consoleSize: ConsoleSize?
    /// User, groups and umask.
    package var user: UserSpec
    /// The whole argument vector, the program first.
    package var args: [String]
    /// The exact environment, as `NAME=value`.
    package var env: [String]
    /// Absolute path of the working directory.
    package var cwd: String
    /// Capability sets; absent means none.
    package var capabilities: CapabilitiesSpec?
    /// Resource limits, each kind at most once.
    package var rlimits: [RlimitSpec]
    /// Sets no_new_privs, see prctl(2) PR_SET_NO_NEW_PRIVS.
    package var noNewPrivileges: Bool
    /// AppArmor profile in force after exec.
    package var apparmorProfile: String?
    /// Value for /proc/self/oom_score_adj; nil leaves it untouched.
    package var oomScoreAdj: Int?
    /// Scheduling policy.
    package var scheduler: SchedulerSpec?
    /// SELinux label in force after exec.
    package var selinuxLabel: String?
    /// I/O priority.
    package var ioPriority: IOPrioritySpec?
    /// CPUs of an exec'd process; not used for the container's own program.
    package var execCPUAffinity: CPUAffinitySpec?

    /// The values named; everything else as if absent from the document.
    package init(
        terminal: Bool = false, consoleSize: ConsoleSize? = nil, user: UserSpec = UserSpec(),
        args: [String] = [], env: [String] = [], cwd: String = "", capabilities: CapabilitiesSpec? = nil,
        rlimits: [RlimitSpec] = [], noNewPrivileges: Bool = false, apparmorProfile: String? = nil,
        oomScoreAdj: Int? = nil, scheduler: SchedulerSpec? = nil, selinuxLabel: String? = nil,
        ioPriority: IOPrioritySpec? = nil, execCPUAffinity: CPUAffinitySpec? = nil
    ) {
        self.terminal = terminal
        self.consoleSize = consoleSize
        self.user = user
        self.args = args
        self.env = env
        self.cwd = cwd
        self.capabilities = capabilities
        self.rlimits = rlimits
        self.noNewPrivileges = noNewPrivileges
        self.apparmorProfile = apparmorProfile
        self.oomScoreAdj = oomScoreAdj
        self.scheduler = scheduler
        self.selinuxLabel = selinuxLabel
        self.ioPriority = ioPriority
        self.execCPUAffinity = execCPUAffinity
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "terminal": terminal = try reader.read()
            case "consoleSize": consoleSize = try reader.read()
            case "user": user = try reader.read()
            case "args": args = try reader.read()
            case "env": env = try reader.read()
            case "cwd": cwd = try reader.read()
            case "capabilities": capabilities = try reader.read()
            case "rlimits": rlimits = try reader.read()
            case "noNewPrivileges": noNewPrivileges = try reader.read()
            case "apparmorProfile": apparmorProfile = try reader.text()
            case "oomScoreAdj": oomScoreAdj = try reader.read()
            case "scheduler": scheduler = try reader.read()
            case "selinuxLabel": selinuxLabel = try reader.text()
            case "ioPriority": ioPriority = try reader.read()
            case "execCPUAffinity": execCPUAffinity = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.fieldIfTrue("terminal", terminal)
            writer.field("consoleSize", consoleSize)
            writer.field("user", user)
            writer.fieldUnlessEmpty("args", args)
            writer.fieldUnlessEmpty("env", env)
            writer.field("cwd", cwd)
            writer.field("capabilities", capabilities)
            writer.fieldUnlessEmpty("rlimits", rlimits)
            writer.fieldIfTrue("noNewPrivileges", noNewPrivileges)
            writer.field("apparmorProfile", apparmorProfile)
            writer.field("oomScoreAdj", oomScoreAdj)
            writer.field("scheduler", scheduler)
            writer.field("selinuxLabel", selinuxLabel)
            writer.field("ioPriority", ioPriority)
            writer.field("execCPUAffinity", execCPUAffinity)
        }
    }
}

extension ProcessSpec {
    /// Size of a terminal in characters.
    package struct ConsoleSize: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Rows.
        package var height: UInt32
        /// Columns.
        package var width: UInt32

        /// The values named; everything else as if absent from the document.
        package init(height: UInt32 = 0, width: UInt32 = 0) {
            self.height = height
            self.width = width
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "height": height = try reader.read()
                case "width": width = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("height", height)
                writer.field("width", width)
            }
        }
    }
}
