package import JSONCoding
package import LinuxSystem

/// The account of a container that has ended: what it used, how it ended, and where each number comes from.
package struct UsageReceipt: Sendable, Equatable {
    /// The container's id.
    package var id: String
    /// The container's name, if it has one.
    package var name: String?
    /// The image's reference, if it has one.
    package var image: String?
    /// The path of the bundle, for containers made from one.
    package var bundle: String?
    /// The labels of the container, or the annotations of a bundle's.
    package var labels = StringMap()
    /// Where its cgroup was, as /proc/PID/cgroup showed it; nil without one.
    package var cgroup: String?
    /// When the container's program started; nil if nobody noted it.
    package var started: FileTime?
    /// When it ended; of a bundle that `skiff delete` has accounted for: when that was.
    package var finished: FileTime
    /// Time between, by the clock that never jumps, in microseconds; nil if the start is not known.
    package var wallMicroseconds: UInt64?
    /// How the main process ended; nil if nobody saw it.
    package var exit: ProcessExit?
    /// The verdict on memory.
    package var outOfMemory: OutOfMemory
    /// memory.stat by kind.
    package var memoryStatistics: [String: UInt64]
    /// memory.events of the container's cgroup and of those above it.
    package var memoryEvents: [MemoryEvents]
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
        started: FileTime?, finished: FileTime, wallMicroseconds: UInt64?, exit: ProcessExit?
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.started = started
        self.finished = finished
        self.wallMicroseconds = wallMicroseconds
        self.exit = exit
        devices = statistics.devices
        memoryStatistics = statistics.memoryStatistics
        memoryEvents = statistics.memoryEvents
        outOfMemory = OutOfMemory(statistics)
        figures = [:]
        for kind in FigureKind.allCases {
            figures[kind] = kind.isOfInit ? Self.figure(kind, usage) : statistics[kind]
        }
    }

    init(id: String) {
        self.init(
            id: id, name: nil, statistics: CgroupStatistics(), usage: nil, started: nil,
            finished: FileTime(seconds: 0), wallMicroseconds: nil, exit: nil)
    }

    /// A figure of the account.
    package subscript(kind: FigureKind) -> Figure {
        get { figures[kind] ?? .unavailable("the receipt does not hold it") }
        set { figures[kind] = newValue }
    }

    private static func figure(_ kind: FigureKind, _ usage: ResourceUsage?) -> Figure {
        guard let usage else { return .unavailable(notWaitedFor) }
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
