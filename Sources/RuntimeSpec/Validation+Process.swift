extension Validation {
    /// The process may be absent (PRC-1); if it is there, it must be complete.
    static func process(of spec: RuntimeSpec) throws(SpecError) {
        if let process = spec.process { try check(process, at: "process.") }
    }

    static func check(_ process: ProcessSpec, at prefix: String) throws(SpecError) {
        try requireAbsolute(process.cwd, "\(prefix)cwd")
        guard let program = process.args.first else {
            throw SpecError(field: "\(prefix)args", reason: "is required")
        }
        try requireNonEmpty(program, "\(prefix)args[0]")
        try require(process.user.umask, in: 0...0o777, "\(prefix)user.umask")
        try require(process.consoleSize?.height, in: 0...65535, "\(prefix)consoleSize.height")
        try require(process.consoleSize?.width, in: 0...65535, "\(prefix)consoleSize.width")
        try require(process.oomScoreAdj, in: -1000...1000, "\(prefix)oomScoreAdj")
        try require(process.ioPriority?.priority, in: 0...7, "\(prefix)ioPriority.priority")
        try requireNumberList(process.execCPUAffinity?.initial, "\(prefix)execCPUAffinity.initial")
        try requireNumberList(process.execCPUAffinity?.final, "\(prefix)execCPUAffinity.final")
        try check(process.rlimits, at: "\(prefix)rlimits")
        if let scheduler = process.scheduler { try check(scheduler, at: "\(prefix)scheduler") }
    }

    /// PRC-11.
    private static func check(_ rlimits: [RlimitSpec], at field: String) throws(SpecError) {
        for (index, limit) in rlimits.enumerated() {
            if rlimits[..<index].contains(where: { $0.type == limit.type }) {
                throw SpecError(
                    field: "\(field)[\(index)].type", reason: "occurs twice", value: limit.type.rawValue)
            }
            if limit.soft > limit.hard {
                throw SpecError(
                    field: "\(field)[\(index)].soft",
                    reason: "must not be above the hard limit \(limit.hard)",
                    value: "\(limit.soft)")
            }
        }
    }

    /// Which parameters go with which policy, after sched_setattr(2) (PRC-20).
    private static func check(_ scheduler: SchedulerSpec, at field: String) throws(SpecError) {
        try require(scheduler.nice, in: -20...19, "\(field).nice")
        let isFixed = scheduler.policy == .fifo || scheduler.policy == .roundRobin
        if isFixed {
            try require(scheduler.priority ?? 0, in: 1...99, "\(field).priority")
        } else if let priority = scheduler.priority, priority != 0 {
            throw SpecError(
                field: "\(field).priority", reason: "is only for SCHED_FIFO and SCHED_RR",
                value: "\(priority)")
        }
        let runtime = scheduler.runtime ?? 0
        let deadline = scheduler.deadline ?? 0
        let period = scheduler.period ?? 0
        if scheduler.policy != .deadline {
            guard runtime > 0 || deadline > 0 || period > 0 else { return }
            throw SpecError(
                field: field, reason: "runtime, deadline and period are only for SCHED_DEADLINE",
                value: scheduler.policy.rawValue)
        }
        guard runtime > 0, runtime <= deadline, period == 0 || deadline <= period else {
            throw SpecError(
                field: field, reason: "SCHED_DEADLINE needs 0 < runtime <= deadline <= period",
                value: "runtime \(runtime), deadline \(deadline), period \(period)")
        }
    }
}
