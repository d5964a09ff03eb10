package import LinuxSystem
package import RuntimeSpec

/// How the program is scheduled, by CPU and by disk.
/// - SeeAlso: sched_setattr(2), ioprio_set(2), runtime-spec config.md §Linux Process
package struct SchedulingPlan: Equatable, Sendable {
    /// What sched_setattr(2) gets; nil leaves the inherited scheduling.
    package let attributes: SchedulingAttributes?
    /// I/O class and level as ioprio_set(2) numbers them; nil leaves the inherited ones.
    package let ioClass: Int32?
    /// The level within the class, 0 the highest to 7.
    package let ioLevel: Int32

    /// The scheduling of `process`.
    package init(_ process: ProcessSpec) throws(SpecError) {
        attributes = process.scheduler.map(Self.attributes)
        guard let priority = process.ioPriority else {
            ioClass = nil
            ioLevel = 0
            return
        }
        guard (0...7).contains(priority.priority) else {
            throw SpecError(
                field: "process.ioPriority.priority", reason: "must be 0 to 7", value: "\(priority.priority)")
        }
        ioLevel = Int32(priority.priority)
        ioClass =
            switch priority.schedulingClass {
            case .realtime: 1
            case .bestEffort: 2
            case .idle: 3
            }
    }

    /// Applies what is planned to the caller, and the I/O priority to its whole process group: the caller must have
    /// left the runtime's group before.
    package func apply() throws(StepError) {
        if let attributes {
            try during("set the scheduler") { () throws(SyscallError) in try setScheduling(attributes) }
        }
        if let ioClass {
            try during("set the I/O priority") { () throws(SyscallError) in
                try setIOPriority(class: ioClass, level: ioLevel)
            }
        }
    }

    private static func attributes(_ spec: SchedulerSpec) -> SchedulingAttributes {
        let policy: UInt32 =
            switch spec.policy {
            case .other: 0
            case .fifo: 1
            case .roundRobin: 2
            case .batch: 3
            case .iso: 4
            case .idle: 5
            case .deadline: 6
            }
        var flags: UInt64 = 0
        for flag in spec.flags { flags |= bit(flag) }
        var attributes = SchedulingAttributes()
        attributes.policy = policy
        attributes.flags = flags
        attributes.nice = spec.nice ?? 0
        attributes.priority = UInt32(bitPattern: spec.priority ?? 0)
        attributes.runtime = spec.runtime ?? 0
        attributes.deadline = spec.deadline ?? 0
        attributes.period = spec.period ?? 0
        return attributes
    }

    private static func bit(_ flag: SchedulerSpec.Flag) -> UInt64 {
        switch flag {
        case .resetOnFork: 0x01
        case .reclaim: 0x02
        case .deadlineOverrun: 0x04
        case .keepPolicy: 0x08
        case .keepParameters: 0x10
        case .utilizationClampMinimum: 0x20
        case .utilizationClampMaximum: 0x40
        }
    }
}
