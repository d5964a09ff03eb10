package import JSONCoding

/// A system call filter.
/// - SeeAlso: runtime-spec config-linux.md §Seccomp, seccomp(2)
package struct SeccompSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// What happens to calls that no rule matches.
    package var defaultAction: Action
    /// errno of the default action; nil means EPERM.
    package var defaultErrnoRet: UInt32?
    /// System call tables besides the native one.
    package var architectures: [Architecture]
    /// Flags of seccomp(2).
    package var flags: [Flag]
    /// Unix socket that receives the notification descriptor.
    package var listenerPath: String?
    /// Text passed to the listener.
    package var listenerMetadata: String?
    /// The rules.
    package var syscalls: [SyscallRule]

    /// The values named; everything else as if absent from the document.
    package init(
        defaultAction: Action, defaultErrnoRet: UInt32? = nil, architectures: [Architecture] = [],
        flags: [Flag] = [], listenerPath: String? = nil, listenerMetadata: String? = nil,
        syscalls: [SyscallRule] = []
    ) {
        self.defaultAction = defaultAction
        self.defaultErrnoRet = defaultErrnoRet
        self.architectures = architectures
        self.flags = flags
        self.listenerPath = listenerPath
        self.listenerMetadata = listenerMetadata
        self.syscalls = syscalls
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(defaultAction: .killThread)
        var hasDefaultAction = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "defaultAction":
                defaultAction = try reader.read()
                hasDefaultAction = true
            case "defaultErrnoRet": defaultErrnoRet = try reader.read()
            case "architectures": architectures = try reader.read()
            case "flags": flags = try reader.read()
            case "listenerPath": listenerPath = try reader.text()
            case "listenerMetadata": listenerMetadata = try reader.text()
            case "syscalls": syscalls = try reader.read()
            default: break
            }
        }
        if !hasDefaultAction { throw reader.refusal("\"defaultAction\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("defaultAction", defaultAction)
            writer.field("defaultErrnoRet", defaultErrnoRet)
            writer.fieldUnlessEmpty("architectures", architectures)
            writer.fieldUnlessEmpty("flags", flags)
            writer.field("listenerPath", listenerPath)
            writer.field("listenerMetadata", listenerMetadata)
            writer.fieldUnlessEmpty("syscalls", syscalls)
        }
    }
}

extension SeccompSpec {
    /// What happens to a system call.
    package enum Action: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "seccomp action"

        /// The same as `killThread`.
        case kill = "SCMP_ACT_KILL"
        case killProcess = "SCMP_ACT_KILL_PROCESS"
        case killThread = "SCMP_ACT_KILL_THREAD"
        case trap = "SCMP_ACT_TRAP"
        case errno = "SCMP_ACT_ERRNO"
        case trace = "SCMP_ACT_TRACE"
        case allow = "SCMP_ACT_ALLOW"
        case log = "SCMP_ACT_LOG"
        case notify = "SCMP_ACT_NOTIFY"
    }

    /// Flags of seccomp(2).
    package enum Flag: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "seccomp flag"

        case synchronizeThreads = "SECCOMP_FILTER_FLAG_TSYNC"
        case log = "SECCOMP_FILTER_FLAG_LOG"
        case allowSpeculation = "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
        case waitKillable = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
    }

    /// How an argument is compared.
    package enum Operator: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "seccomp operator"

        case notEqual = "SCMP_CMP_NE"
        case less = "SCMP_CMP_LT"
        case lessOrEqual = "SCMP_CMP_LE"
        case equal = "SCMP_CMP_EQ"
        case greaterOrEqual = "SCMP_CMP_GE"
        case greater = "SCMP_CMP_GT"
        case maskedEqual = "SCMP_CMP_MASKED_EQ"
    }

    /// What happens to some system calls, if all comparisons hold.
    package struct SyscallRule: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Names of the calls; unknown ones are passed over.
        package var names: [String]
        /// What happens.
        package var action: Action
        /// errno of the action; nil means EPERM.
        package var errnoRet: UInt32?
        /// Comparisons of arguments.
        package var args: [Argument]

        /// The values named; everything else as if absent from the document.
        package init(names: [String] = [], action: Action, errnoRet: UInt32? = nil, args: [Argument] = []) {
            self.names = names
            self.action = action
            self.errnoRet = errnoRet
            self.args = args
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init(action: .killThread)
            var hasAction = false
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "names": names = try reader.read()
                case "action":
                    action = try reader.read()
                    hasAction = true
                case "errnoRet": errnoRet = try reader.read()
                case "args": args = try reader.read()
                default: break
                }
            }
            if !hasAction { throw reader.refusal("\"action\" is required") }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.fieldUnlessEmpty("names", names)
                writer.field("action", action)
                writer.field("errnoRet", errnoRet)
                writer.fieldUnlessEmpty("args", args)
            }
        }
    }

    /// A comparison of one argument, as 64 bits without sign.
    package struct Argument: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Which argument, 0 to 5.
        package var index: UInt32
        /// What to compare with; the mask for `maskedEqual`.
        package var value: UInt64
        /// What the masked argument is compared with.
        package var valueTwo: UInt64?
        /// How to compare.
        package var op: Operator

        /// The values named; everything else as if absent from the document.
        package init(index: UInt32 = 0, value: UInt64 = 0, valueTwo: UInt64? = nil, op: Operator) {
            self.index = index
            self.value = value
            self.valueTwo = valueTwo
            self.op = op
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init(op: .equal)
            var hasOp = false
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "index": index = try reader.read()
                case "value": value = try reader.read()
                case "valueTwo": valueTwo = try reader.read()
                case "op":
                    op = try reader.read()
                    hasOp = true
                default: break
                }
            }
            if !hasOp { throw reader.refusal("\"op\" is required") }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("index", index)
                writer.field("value", value)
                writer.field("valueTwo", valueTwo)
                writer.field("op", op)
            }
        }
    }
}
