internal import JSONCoding
package import LinuxSystem
package import RuntimeSpec

/// Limits as a person asks for them: those of a runtime configuration, and those whose form depends on the host.
package struct LimitRequest: Sendable, Equatable {
    /// What is said the same way for every host.
    package var resources = ResourcesSpec()
    /// Weight 1…10000 as cpu.weight has it, 100 being the default; v1 has shares instead.
    package var cpuWeight: UInt64?
    /// Lines for the schemata of the container's resctrl group.
    package var schemata: [String] = []

    /// Nothing asked.
    package init() {}

    /// As a runtime configuration, for a host whose cpu controller is v2's or v1's.
    package func resources(hasUnifiedCPU: Bool) -> ResourcesSpec {
        guard let cpuWeight else { return resources }
        var result = resources
        if hasUnifiedCPU {
            result.unified["cpu.weight"] = "\(cpuWeight)"
        } else {
            // v1 shares are proportional: 1024 is what weight 100 is.
            result.changeCPU { $0.shares = min(max(cpuWeight * 1024 / 100, 2), 262_144) }
        }
        return result
    }

    /// Refuses options that contradict each other.
    /// - Throws: a `StepError` that names both.
    package func check() throws(StepError) {
        let cpu = resources.cpu ?? ResourcesSpec.CPU()
        let hasShares = (cpu.shares ?? 0) != 0
        if cpuWeight != nil, hasShares {
            throw StepError(
                "read --cpu-weight", refused: "--cpu-shares says the same in another unit", code: .usage)
        }
        if let memory = resources.memory, let limit = memory.limit, limit > 0,
            let reservation = memory.reservation, reservation > limit
        {
            throw StepError("read --memory-reservation", refused: "it is above --memory", code: .usage)
        }
        if cpu.idle == 1, cpuWeight != nil || hasShares {
            throw StepError("read --cpu-idle", refused: "an idle group has no weight", code: .usage)
        }
    }
}

extension ResourcesSpec {
    /// Changes the limits of CPU time, which come to be with that.
    package mutating func changeCPU(_ change: (inout CPU) -> Void) {
        var value = cpu ?? CPU()
        change(&value)
        cpu = value
    }

    /// Changes the limits of memory, which come to be with that.
    package mutating func changeMemory(_ change: (inout Memory) -> Void) {
        var value = memory ?? Memory()
        change(&value)
        memory = value
    }

    /// Changes the limits of block devices, which come to be with that.
    package mutating func changeBlockIO(_ change: (inout BlockIO) -> Void) {
        var value = blockIO ?? BlockIO()
        change(&value)
        blockIO = value
    }
}
