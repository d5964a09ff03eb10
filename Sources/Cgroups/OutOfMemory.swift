/// Whether the kernel killed a process of a container for want of memory, and at whose limit.
package struct OutOfMemory: Sendable, Equatable {
    /// Whose limit it was.
    package enum Verdict: String, Sendable {
        /// No process was killed.
        case none
        /// That of a cgroup that the container made below its own.
        case innerLimit = "inner-limit"
        /// The container's own.
        case ownLimit = "own-limit"
        /// That of a cgroup above, or of the whole machine.
        case outerLimit = "outer-limit"
        /// The host does not count it.
        case unknown
    }

    /// Whose limit it was.
    package var verdict: Verdict
    /// The cgroup above whose limit it was; nil with `outerLimit` if it was the machine's memory, or nobody knows.
    package var outerCgroup: String?

    /// A verdict by its parts.
    package init(_ verdict: Verdict, outerCgroup: String? = nil) {
        self.verdict = verdict
        self.outerCgroup = outerCgroup
    }

    /// The kernel counts a kill (`oom_kill`) in the cgroup of the killed process and all above it, but the event (`oom`)
    /// where the limit was, and above. So a kill without an event in the container's cgroup came from above, and the
    /// cgroup above that has an event of its own (`memory.events.local`) is the one.
    ///
    /// v1 has no count of such events, and its count of hits stays 0 in some kernels; there a peak within 64 pages of
    /// the limit (what a CPU takes in advance) tells.
    init(_ statistics: CgroupStatistics) {
        guard let kills = statistics[.memoryOOMKills].number else {
            self.init(.unknown)
            return
        }
        if kills == 0 {
            self.init(.none)
        } else if let events = statistics[.memoryOOMEvents].number {
            self.init(unified: events, statistics.memoryEvents)
        } else {
            self.init(legacy: statistics)
        }
    }

    private init(unified events: UInt64, _ cgroups: [MemoryEvents]) {
        if events > 0 {
            let own = cgroups.first?.local
            self.init(own?["oom"] == 0 ? .innerLimit : .ownLimit)
        } else {
            let cause = cgroups.dropFirst().first { ($0.local["oom"] ?? 0) > 0 }
            self.init(.outerLimit, outerCgroup: cause?.cgroup)
        }
    }

    private init(legacy statistics: CgroupStatistics) {
        if let hits = statistics[.memoryLimitHits].number, hits > 0 {
            self.init(.ownLimit)
            return
        }
        switch (statistics[.memoryLimit], statistics[.memoryPeak].number) {
        case (.value(let limit, _), let peak?) where MemoryController.isReached(limit, peak):
            self.init(.ownLimit)
        case (.value, _?), (.unlimited, _):
            self.init(.outerLimit, outerCgroup: statistics.fullLegacyCgroup)
        default: self.init(.unknown)
        }
    }
}
