package import LinuxSystem

/// The account of a container that has ended: what it used, how it ended, and where each number comes from.
package struct UsageReceipt: Sendable, Equatable {
    /// Whether the kernel killed a process for want of memory, and at whose limit.
    package enum OutOfMemory: String, Sendable {
        /// No process was killed.
        case none
        /// At the container's own limit.
        case ownLimit = "own-limit"
        /// At the limit of a cgroup above, or of the whole machine.
        case outerLimit = "outer-limit"
        /// The host does not count it.
        case unknown
    }

    /// The container's id.
    package var id: String
    /// The container's name, if it has one.
    package var name: String?
    /// The image's reference, if it has one.
    package var image: String?
    /// When the container's program started.
    package var started: FileTime
    /// When it ended.
    package var finished: FileTime
    /// Time between, by the clock that never jumps, in microseconds.
    package var wallMicroseconds: UInt64
    /// How the main process ended; nil if nobody saw it.
    package var exit: ProcessExit?
    /// The verdict on memory.
    package var outOfMemory: OutOfMemory
    /// All figures, in the order of `FigureKind`.
    package private(set) var figures: [FigureKind: Figure]
    /// Reads and writes by block device.
    package var devices: [BlockDeviceUsage]

    /// Puts an account together.
    /// - Parameters:
    ///   - statistics: taken after the last process was gone and before the cgroup was removed.
    ///   - usage: of the main process and its waited-for children, from the wait; nil if somebody else waited.
    package init(
        id: String, name: String?, image: String? = nil, statistics: CgroupStatistics, usage: ResourceUsage?,
        started: FileTime, finished: FileTime, wallMicroseconds: UInt64, exit: ProcessExit?
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.started = started
        self.finished = finished
        self.wallMicroseconds = wallMicroseconds
        self.exit = exit
        devices = statistics.devices
        outOfMemory = Self.verdict(statistics)
        figures = [:]
        for kind in FigureKind.allCases {
            figures[kind] = kind.isOfInit ? Self.figure(kind, usage) : statistics[kind]
        }
    }

    init(id: String) {
        self.init(
            id: id, name: nil, statistics: CgroupStatistics(), usage: nil, started: FileTime(seconds: 0),
            finished: FileTime(seconds: 0), wallMicroseconds: 0, exit: nil)
    }

    /// A figure of the account.
    package subscript(kind: FigureKind) -> Figure {
        get { figures[kind] ?? .unavailable("the receipt does not hold it") }
        set { figures[kind] = newValue }
    }

    /// A kill without an event at the own limit came from a limit above. v1 has no count of such events, and its count
    /// of hits stays 0 in some kernels; there a peak within 64 pages of the limit (what a CPU takes in advance) tells.
    private static func verdict(_ statistics: CgroupStatistics) -> OutOfMemory {
        guard let kills = statistics[.memoryOOMKills].number else { return .unknown }
        if kills == 0 { return .none }
        if let events = statistics[.memoryOOMEvents].number { return events == 0 ? .outerLimit : .ownLimit }
        if let hits = statistics[.memoryLimitHits].number, hits > 0 { return .ownLimit }
        switch (statistics[.memoryLimit], statistics[.memoryPeak].number) {
        case (.value(let limit, _), let peak?): return peak + 64 * 4096 >= limit ? .ownLimit : .outerLimit
        case (.unlimited, _): return .outerLimit
        default: return .unknown
        }
    }

    private static func figure(_ kind: FigureKind, _ usage: ResourceUsage?) -> Figure {
        guard let usage else { return .unavailable("the main process was not waited for by skiff") }
        let (number, field): (UInt64, String) =
            switch kind {
            case .initUser: (usage.userMicroseconds, "ru_utime")
            case .initSystem: (usage.systemMicroseconds, "ru_stime")
            case .initPeakResident: (usage.maximumResidentBytes, "ru_maxrss")
            case .initMinorFaults: (usage.minorFaults, "ru_minflt")
            case .initReadBytes: (usage.inputBlocks * 512, "ru_inblock")
            case .initWriteBytes: (usage.outputBlocks * 512, "ru_oublock")
            default: (usage.majorFaults, "ru_majflt")
            }
        return .value(number, source: "rusage \(field)")
    }
}
