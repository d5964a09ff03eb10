package import Cgroups
package import ContainerInit
import LinuxSystem

/// Whether a memory limit is what kept a container from starting. The kernel tells init nothing: it kills it, or
/// refuses it memory in the middle of some call. The cgroup's figures know.
package struct MemoryShortage: Equatable {
    /// What skiff's own part of the start takes at most, in bytes; the program's comes on top.
    static let ownNeed: UInt64 = 512 << 10

    /// Bytes; nil if the container itself has no limit, so that one above it or the host's memory was used up.
    let limit: UInt64?
    /// The most that was in use, if the kernel tells.
    let peak: UInt64?
    /// Whether the kernel has killed for it.
    let hasKilled: Bool

    /// Nil unless the limit was hit.
    init?(_ statistics: CgroupStatistics) {
        limit = Self.limit(statistics[.memoryLimit])
        peak = statistics[.memoryPeak].number
        hasKilled = (statistics[.memoryOOMKills].number ?? 0) > 0
        let hits = statistics[.memoryLimitHits]
        // Kernels that keep no count at all say so; the peak is at the limit then.
        let isHit = hits.number.map { $0 > 0 } ?? (limit != nil)
        guard hasKilled || (limit != nil && isHit) else { return nil }
    }

    /// A limit near the greatest number is none: cgroup v1 has no other word for it.
    private static func limit(_ figure: Figure) -> UInt64? {
        figure.number.flatMap { $0 < UInt64(Int64.max) - (1 << 20) ? $0 : nil }
    }

    /// The failure with the figures, if memory may be its cause: init was killed, or a call of its got ENOMEM.
    package static func explaining(
        _ failure: LaunchFailure, _ statistics: @autoclosure () -> CgroupStatistics
    ) -> LaunchFailure {
        let error = failure.error
        guard error.code == .initDied || error.errno == .ENOMEM,
            let shortage = MemoryShortage(statistics())
        else { return failure }
        return LaunchFailure(shortage.explain(error), exitCode: failure.exitCode)
    }

    private func explain(_ error: StepError) -> StepError {
        let event = hasKilled ? "the kernel killed init for it" : "\(error.step) got no memory"
        let usage = peak.map { " with a peak of \($0) bytes in use" } ?? ""
        guard let limit else {
            return StepError(
                "start init", refused: "the host, or a cgroup above, is out of memory: \(event)\(usage)",
                code: .hostExhausted)
        }
        return StepError(
            "start init", refused: "the memory limit of \(limit) bytes is too low: \(event)\(usage)",
            hint:
                "skiff's own part of the start takes up to \(Self.ownNeed) bytes, the program's comes on top",
            code: .memoryTooLow, operand: "linux.resources.memory.limit")
    }
}
