package import JSONCoding

/// Scheduling policy and its parameters; a number that is nil counts as 0.
/// - SeeAlso: sched_setattr(2), runtime-spec config.md §Linux Process
package struct SchedulerSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// The policy.
    package var policy: Policy
    /// Nice value, for OTHER and BATCH.
    package var nice: Int32?
    /// Static priority, for FIFO and RR.
    package var priority: Int32?
    /// Flags of sched_setattr(2).
    package var flags: [Flag]
    /// Nanoseconds per period, for DEADLINE.
    package var runtime: UInt64?
    /// Nanoseconds until the deadline, for DEADLINE.
    package var deadline: UInt64?
    /// Nanoseconds between activations, for DEADLINE.
    package var period: UInt64?

    /// The values named; everything else as if absent from the document.
    package init(
        policy: Policy, nice: Int32? = nil, priority: Int32? = nil, flags: [Flag] = [],
        runtime: UInt64? = nil, deadline: UInt64? = nil, period: UInt64? = nil
    ) {
        self.policy = policy
        self.nice = nice
        self.priority = priority
        self.flags = flags
        self.runtime = runtime
        self.deadline = deadline
        self.period = period
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(policy: .other)
        var hasPolicy = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "policy":
                policy = try reader.read()
                hasPolicy = true
            case "nice": nice = try reader.read()
            case "priority": priority = try reader.read()
            case "flags": flags = try reader.read()
            case "runtime": runtime = try reader.read()
            case "deadline": deadline = try reader.read()
            case "period": period = try reader.read()
            default: break
            }
        }
        if !hasPolicy { throw reader.refusal("\"policy\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("policy", policy)
            writer.field("nice", nice)
            writer.field("priority", priority)
            writer.fieldUnlessEmpty("flags", flags)
            writer.field("runtime", runtime)
            writer.field("deadline", deadline)
            writer.field("period", period)
        }
    }
}

extension SchedulerSpec {
    /// The scheduling policies of sched(7).
    package enum Policy: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "scheduling policy"

        case other = "SCHED_OTHER"
        case fifo = "SCHED_FIFO"
        case roundRobin = "SCHED_RR"
        case batch = "SCHED_BATCH"
        /// Reserved by the kernel, which refuses it.
        case iso = "SCHED_ISO"
        case idle = "SCHED_IDLE"
        case deadline = "SCHED_DEADLINE"
    }

    /// Flags of sched_setattr(2).
    package enum Flag: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "scheduling flag"

        case resetOnFork = "SCHED_FLAG_RESET_ON_FORK"
        case reclaim = "SCHED_FLAG_RECLAIM"
        case deadlineOverrun = "SCHED_FLAG_DL_OVERRUN"
        case keepPolicy = "SCHED_FLAG_KEEP_POLICY"
        case keepParameters = "SCHED_FLAG_KEEP_PARAMS"
        case utilizationClampMinimum = "SCHED_FLAG_UTIL_CLAMP_MIN"
        case utilizationClampMaximum = "SCHED_FLAG_UTIL_CLAMP_MAX"
    }
}

/// I/O priority of the process group.
/// - SeeAlso: ioprio_set(2)
package struct IOPrioritySpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Scheduling class.
    package var schedulingClass: Class
    /// Level within the class, 0 (first) to 7.
    package var priority: Int

    /// The values named; everything else as if absent from the document.
    package init(schedulingClass: Class, priority: Int = 0) {
        self.schedulingClass = schedulingClass
        self.priority = priority
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(schedulingClass: .bestEffort)
        var hasSchedulingClass = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "class":
                schedulingClass = try reader.read()
                hasSchedulingClass = true
            case "priority": priority = try reader.read()
            default: break
            }
        }
        if !hasSchedulingClass { throw reader.refusal("\"class\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("class", schedulingClass)
            writer.field("priority", priority)
        }
    }
}

extension IOPrioritySpec {
    /// The I/O scheduling classes.
    package enum Class: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "I/O priority class"

        case realtime = "IOPRIO_CLASS_RT"
        case bestEffort = "IOPRIO_CLASS_BE"
        case idle = "IOPRIO_CLASS_IDLE"
    }
}

/// CPUs of an exec'd process, as lists such as `0-3,7`.
/// - SeeAlso: runtime-spec config.md §Linux Process
package struct CPUAffinitySpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// CPUs while the runtime still prepares, before the cgroup is joined.
    package var initial: String?
    /// CPUs after the cgroup is joined.
    package var final: String?

    /// The values named; everything else as if absent from the document.
    package init(initial: String? = nil, final: String? = nil) {
        self.initial = initial
        self.final = final
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "initial": initial = try reader.text()
            case "final": final = try reader.text()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("initial", initial)
            writer.field("final", final)
        }
    }
}
