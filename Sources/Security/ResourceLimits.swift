package import LinuxSystem
package import RuntimeSpec

/// One resource limit to set.
/// - SeeAlso: getrlimit(2), runtime-spec config.md §POSIX process
package struct ResourceLimitPlan: Equatable, Sendable {
    /// The name in the specification, `RLIMIT_NOFILE`.
    package let name: String
    /// The kernel's number.
    package let resource: Int32
    /// Soft and hard limit.
    package let limit: ResourceLimit

    /// The limits of `specs`, each type at most once and soft not above hard.
    package static func plans(_ specs: [RlimitSpec]) throws(SpecError) -> [ResourceLimitPlan] {
        var plans: [ResourceLimitPlan] = []
        for (index, spec) in specs.enumerated() {
            let name = spec.type.rawValue
            if plans.contains(where: { $0.name == name }) {
                throw SpecError(
                    field: "process.rlimits[\(index)].type", reason: "is given twice", value: name)
            }
            guard spec.soft <= spec.hard else {
                throw SpecError(
                    field: "process.rlimits[\(index)].soft", reason: "is above the hard limit \(spec.hard)",
                    value: "\(spec.soft)")
            }
            plans.append(
                ResourceLimitPlan(
                    name: name, resource: number(of: spec.type),
                    limit: ResourceLimit(soft: spec.soft, hard: spec.hard)))
        }
        return plans
    }

    /// Sets the limit on the calling process. Where the kernel does not let this user raise the hard limit, the
    /// limit comes as near as it can and a warning says so: the program gets no more than was asked for.
    package func apply() throws(StepError) -> String? {
        do throws(SyscallError) {
            try setResourceLimit(resource, to: limit)
            return nil
        } catch {
            guard error.errno == .EPERM else { throw StepError("set \(name)", error) }
        }
        return try during("set \(name)") { () throws(SyscallError) in
            let current = try resourceLimit(resource)
            guard limit.hard > current.hard else {
                throw SyscallError(.prlimit, on: "\(limit.soft):\(limit.hard)", .EPERM)
            }
            let reduced = ResourceLimit(soft: min(limit.soft, current.hard), hard: current.hard)
            try setResourceLimit(resource, to: reduced)
            return "\(name) stays at \(reduced.soft):\(reduced.hard) instead of \(limit.soft):\(limit.hard): "
                + "raising the hard limit is not permitted"
        }
    }

    /// The numbers of asm-generic/resource.h, which all architectures of Swift on Linux share.
    private static func number(of kind: RlimitSpec.Kind) -> Int32 {
        switch kind {
        case .cpuTime: 0
        case .fileSize: 1
        case .dataSize: 2
        case .stackSize: 3
        case .coreSize: 4
        case .residentSet: 5
        case .processes: 6
        case .openFiles: 7
        case .lockedMemory: 8
        case .addressSpace: 9
        case .locks: 10
        case .pendingSignals: 11
        case .messageQueues: 12
        case .nice: 13
        case .realtimePriority: 14
        case .realtimeTime: 15
        }
    }
}
