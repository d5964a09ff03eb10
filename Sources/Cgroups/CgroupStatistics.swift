internal import LinuxSystem

/// What a cgroup has used and uses, as figures that name their source.
package struct CgroupStatistics: Sendable, Equatable {
    private var figures: [FigureKind: Figure] = [:]
    /// Reads and writes by block device; empty if there were none or they are not known (see the io figures).
    package private(set) var devices: [BlockDeviceUsage] = []
    /// Pressure with its averages, by the resource's name: `cpu`, `memory`, `io`; for live displays.
    package private(set) var pressure: [String: Pressure] = [:]

    /// memory.stat by kind; only in a detailed reading.
    package private(set) var memoryStatistics: [String: UInt64] = [:]
    /// memory.events of the cgroup and of those above it; only in a detailed reading of v2.
    package private(set) var memoryEvents: [MemoryEvents] = []
    /// v1: the nearest cgroup above that has reached its limit; only in a detailed reading after a kill.
    package private(set) var fullLegacyCgroup: String?

    /// The two lines of a pressure file.
    package struct Pressure: Sendable, Equatable {
        /// Some task was stalled.
        package var some: PressureLine?
        /// All tasks were stalled.
        package var full: PressureLine?
    }

    /// Nothing is known.
    package init() {}

    /// A figure; one that nobody set is unavailable.
    package subscript(kind: FigureKind) -> Figure {
        get { figures[kind] ?? .unavailable("this host does not account for it") }
        set { figures[kind] = newValue }
    }

    /// Reads a file for some figures; all of them become unavailable if that fails.
    mutating func read(_ file: String, from files: CgroupFiles, for kinds: [FigureKind]) -> [UInt8]? {
        do throws(SyscallError) {
            return try files.read(file)
        } catch {
            let reason =
                switch error.errno {
                case .ENOENT: "this kernel or cgroup has no \(file)"
                case .EOPNOTSUPP: "\(file) is switched off"
                case .ENODEV: "the cgroup is gone"
                default: "\(file): \(error.errno.text)"
                }
            for kind in kinds { self[kind] = .unavailable(reason) }
            return nil
        }
    }

    /// Reads a file with one number.
    mutating func readSingle(
        _ file: String, from files: CgroupFiles, as kind: FigureKind, dividedBy divisor: UInt64 = 1
    ) {
        guard let bytes = read(file, from: files, for: [kind]) else { return }
        switch KernelText.single(bytes) {
        case .number(let number): self[kind] = .value(number / divisor, source: files.source(file))
        case .unlimited: self[kind] = .unlimited(source: files.source(file))
        case nil: self[kind] = .unavailable("\(file) holds no number")
        }
    }

    /// Reads a file of lines `KEY VALUE`, once, for several figures; hands back what was read.
    @discardableResult
    mutating func readKeyed(
        _ file: String, from files: CgroupFiles, _ keys: [(String, FigureKind)], dividedBy divisor: UInt64 = 1
    ) -> [UInt8]? {
        guard let bytes = read(file, from: files, for: keys.map(\.1)) else { return nil }
        for (key, kind) in keys { self[kind] = .unavailable("\(file) has no \(key)") }
        KernelText.flatKeyed(bytes) { key, value in
            for (wanted, kind) in keys where wanted == key {
                self[kind] = .value(value / divisor, source: files.source(file, key))
            }
        }
        return bytes
    }

    /// Reads a pressure file.
    mutating func readPressure(
        _ resource: String, from files: CgroupFiles, some: FigureKind, full: FigureKind
    ) {
        let file = "\(resource).pressure"
        guard let bytes = read(file, from: files, for: [some, full]) else { return }
        let lines = KernelText.pressure(bytes)
        pressure[resource] = Pressure(some: lines.some, full: lines.full)
        for (kind, line, name) in [(some, lines.some, "some"), (full, lines.full, "full")] {
            self[kind] =
                line.map { .value($0.total, source: files.source(file, name)) }
                ?? .unavailable("\(file) has no line \(name)")
        }
    }

    /// Takes the block devices and their sums, with the files that count bytes and operations.
    mutating func setDevices(_ devices: [BlockDeviceUsage], bytes: String, operations: String) {
        self.devices = devices
        func sum(_ part: KeyPath<BlockDeviceUsage, UInt64?>, _ source: String) -> Figure {
            .value(devices.reduce(0) { $0 &+ ($1[keyPath: part] ?? 0) }, source: source)
        }
        self[.ioReadBytes] = sum(\.readBytes, bytes)
        self[.ioWriteBytes] = sum(\.writeBytes, bytes)
        self[.ioReadOperations] = sum(\.readOperations, operations)
        self[.ioWriteOperations] = sum(\.writeOperations, operations)
    }

    /// The few figures of a table of running containers, each from one small file.
    package static func brief(from trees: [CgroupFiles]) -> CgroupStatistics {
        var statistics = CgroupStatistics()
        let unified = trees.first { $0.tree == .unified }
        func tree(_ controller: Controller) -> CgroupFiles? {
            trees.first { $0.tree != .unified && $0.controllers.contains(controller) } ?? unified
        }
        if let unified {
            CPUController.recordTime(unified, into: &statistics)
        } else {
            tree(.cpuacct).map { CPUController.recordLegacyTime($0, into: &statistics) }
        }
        tree(.memory).map { MemoryController.recordBriefly($0, into: &statistics) }
        tree(.pids).map { statistics.readSingle("pids.current", from: $0, as: .processesCurrent) }
        tree(.io).map { IOController.recordBriefly($0, $0.version, into: &statistics) }
        return statistics
    }

    /// Keeps all of a memory.stat.
    mutating func keep(memoryStatistics bytes: [UInt8]?) {
        if let bytes { memoryStatistics = KernelText.table(bytes) }
    }

    /// Finds the names of the disks.
    package mutating func nameDevices() {
        for index in devices.indices { devices[index].name = devices[index].findName() }
    }

    /// Adds what only the account of a container needs: events of the cgroups above, less those from before its start,
    /// and names of disks.
    mutating func addDetails(_ cgroup: borrowing Cgroup, since before: [MemoryEvents]) {
        nameDevices()
        guard let files = cgroup.tree(of: .memory) else { return }
        switch files.version {
        case .unified:
            memoryEvents = MemoryEvents.read(files, path: cgroup.path).map { now in
                before.first { $0.cgroup == now.cgroup }.map { now.since($0) } ?? now
            }
        case .legacy:
            guard let kills = self[.memoryOOMKills].number, kills > 0 else { return }
            fullLegacyCgroup = MemoryController.fullCgroup(above: files, path: cgroup.path)
        }
    }

    /// Reads everything, each file once. Files that are missing make figures unavailable; nothing here fails.
    package static func read(from trees: [CgroupFiles], detailed: Bool = false) -> CgroupStatistics {
        var statistics = CgroupStatistics()
        let unified = trees.first { $0.tree == .unified }
        func tree(_ controller: Controller) -> CgroupFiles? {
            trees.first { $0.tree != .unified && $0.controllers.contains(controller) } ?? unified
        }
        if let unified {
            CPUController.recordTime(unified, into: &statistics)
            for (resource, some, full) in FigureKind.pressureFigures {
                statistics.readPressure(resource, from: unified, some: some, full: full)
            }
        } else {
            tree(.cpuacct).map { CPUController.recordLegacyTime($0, into: &statistics) }
            for (_, some, full) in FigureKind.pressureFigures {
                statistics[some] = .unavailable("pressure is kept for cgroup v2 only")
                statistics[full] = statistics[some]
            }
        }
        tree(.cpu).map { CPUController.recordThrottling($0, $0.version, into: &statistics) }
        tree(.memory).map { MemoryController.record($0, $0.version, into: &statistics, detailed: detailed) }
        tree(.pids).map { PidsController.record($0, into: &statistics) }
        tree(.io).map { IOController.record($0, $0.version, into: &statistics) }
        return statistics
    }
}

extension FigureKind {
    static let ioFigures: [FigureKind] = [.ioReadBytes, .ioWriteBytes, .ioReadOperations, .ioWriteOperations]
    static let pressureFigures: [(String, FigureKind, FigureKind)] = [
        ("cpu", .pressureCPUSome, .pressureCPUFull), ("memory", .pressureMemorySome, .pressureMemoryFull),
        ("io", .pressureIOSome, .pressureIOFull),
    ]
}
