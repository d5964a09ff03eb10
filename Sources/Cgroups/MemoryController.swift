internal import LinuxSystem
package import RuntimeSpec

/// Memory and swap.
/// - SeeAlso: cgroup-v2.rst §Memory, cgroup-v1/memory.rst
package enum MemoryController {
    /// The files that say what `resources.memory` asks for (RES-1 … RES-5). 0 is unset, -1 is without limit.
    /// - Throws: if memory and swap contradict each other, or a field has no meaning in this version.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        guard let memory = resources.memory else { return [] }
        return switch version {
        case .unified: try unified(memory)
        case .legacy: try legacy(memory)
        }
    }

    private static let field = "linux.resources.memory"

    /// The limit of memory and swap together, checked against the limit of memory; nil is unset.
    private static func swapTotal(_ memory: ResourcesSpec.Memory) throws(SpecError) -> Int64? {
        let limit = memory.limit ?? 0
        guard let swap = memory.swap, swap != 0 else { return limit < 0 ? -1 : nil }
        if swap < 0 { return -1 }
        if limit <= 0 {
            throw SpecError(
                field: "\(field).swap", reason: "memory and swap cannot be limited without a memory limit",
                value: "\(swap)")
        }
        if swap < limit {
            throw SpecError(
                field: "\(field).swap",
                reason: "memory and swap together must not be below the memory limit \(limit)",
                value: "\(swap)")
        }
        return swap
    }

    /// The largest number is how some engines write "not set".
    private static func swappiness(_ memory: ResourcesSpec.Memory) -> UInt64? {
        memory.swappiness == .max ? nil : memory.swappiness
    }

    private static func unified(_ memory: ResourcesSpec.Memory) throws(SpecError) -> [CgroupWrite] {
        if let swappiness = swappiness(memory) {
            throw SpecError(
                field: "\(field).swappiness", reason: "does not exist in cgroup v2", value: "\(swappiness)",
                kind: .unsupported)
        }
        if memory.disableOOMKiller == true {
            throw SpecError(
                field: "\(field).disableOOMKiller", reason: "does not exist in cgroup v2", value: "true",
                kind: .unsupported)
        }
        var writes: [CgroupWrite] = []
        if let swap = try swapTotal(memory) {
            let limit = memory.limit ?? 0
            let text = swap < 0 ? "max" : String(swap - limit)
            // A kernel without swap has no such file; then there is no swap to keep from either.
            writes.append(CgroupWrite("memory.swap.max", text, for: "memory.swap", ifMissing: .skip))
        }
        if let limit = memory.limit, limit != 0 {
            writes.append(CgroupWrite("memory.max", limit < 0 ? "max" : String(limit), for: "memory.limit"))
        }
        if let reservation = memory.reservation, reservation != 0 {
            let text = reservation < 0 ? "max" : String(reservation)
            writes.append(CgroupWrite("memory.low", text, for: "memory.reservation"))
        }
        return writes
    }

    private static func legacy(_ memory: ResourcesSpec.Memory) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        func add(_ file: String, _ value: Int64?, _ name: String, _ missing: CgroupWrite.IfMissing = .refuse)
        {
            guard let value, value != 0 else { return }
            writes.append(
                CgroupWrite(file, "\(max(value, -1))", for: name, ifMissing: missing, orderDepends: true))
        }
        let swap = try swapTotal(memory)
        add("memory.limit_in_bytes", memory.limit, "memory.limit")
        add(
            "memory.memsw.limit_in_bytes", swap, "memory.swap",
            swap == memory.limit || swap == -1 ? .skip : .refuse)
        add("memory.soft_limit_in_bytes", memory.reservation, "memory.reservation")
        add("memory.kmem.tcp.limit_in_bytes", memory.kernelTCP, "memory.kernelTCP", .skip)
        if let swappiness = swappiness(memory) {
            guard swappiness <= 100 else {
                throw SpecError(
                    field: "\(field).swappiness", reason: "must be 0 to 100", value: "\(swappiness)")
            }
            writes.append(CgroupWrite("memory.swappiness", "\(swappiness)", for: "memory.swappiness"))
        }
        if memory.disableOOMKiller == true {
            writes.append(CgroupWrite("memory.oom_control", "1", for: "memory.disableOOMKiller"))
        }
        return writes
    }

    static func record(
        _ files: CgroupFiles, _ version: CgroupVersion, into statistics: inout CgroupStatistics,
        detailed: Bool
    ) {
        switch version {
        case .unified: recordUnified(files, into: &statistics, detailed)
        case .legacy: recordLegacy(files, into: &statistics, detailed)
        }
    }

    /// What is in use, and the limit.
    static func recordBriefly(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        let isUnified = files.version == .unified
        let current = isUnified ? "memory.current" : "memory.usage_in_bytes"
        statistics.readSingle(current, from: files, as: .memoryCurrent)
        let limit = isUnified ? "memory.max" : "memory.limit_in_bytes"
        statistics.readSingle(limit, from: files, as: .memoryLimit)
    }

    private static func recordUnified(
        _ files: CgroupFiles, into statistics: inout CgroupStatistics, _ detailed: Bool
    ) {
        statistics.readSingle("memory.current", from: files, as: .memoryCurrent)
        statistics.readSingle("memory.peak", from: files, as: .memoryPeak)
        statistics.readSingle("memory.max", from: files, as: .memoryLimit)
        statistics.readSingle("memory.swap.current", from: files, as: .memorySwap)
        statistics.readSingle("memory.swap.peak", from: files, as: .memorySwapPeak)
        let bytes = statistics.readKeyed(
            "memory.stat", from: files,
            [
                ("anon", .memoryAnonymous), ("file", .memoryFile), ("shmem", .memoryShared),
                ("kernel", .memoryKernel),
                ("sock", .memorySockets), ("pgfault", .pageFaults), ("pgmajfault", .majorPageFaults),
            ])
        if detailed { statistics.keep(memoryStatistics: bytes) }
        statistics.readKeyed(
            "memory.events", from: files,
            [("max", .memoryLimitHits), ("oom", .memoryOOMEvents), ("oom_kill", .memoryOOMKills)])
    }

    private static func recordLegacy(
        _ files: CgroupFiles, into statistics: inout CgroupStatistics, _ detailed: Bool
    ) {
        statistics.readSingle("memory.usage_in_bytes", from: files, as: .memoryCurrent)
        statistics.readSingle("memory.max_usage_in_bytes", from: files, as: .memoryPeak)
        statistics.readSingle("memory.limit_in_bytes", from: files, as: .memoryLimit)
        recordLegacyLimitHits(files, into: &statistics)
        statistics.readSingle("memory.kmem.usage_in_bytes", from: files, as: .memoryKernel)
        let bytes = statistics.readKeyed(
            "memory.stat", from: files,
            [
                ("total_rss", .memoryAnonymous), ("total_cache", .memoryFile), ("total_shmem", .memoryShared),
                ("total_swap", .memorySwap), ("total_pgfault", .pageFaults),
                ("total_pgmajfault", .majorPageFaults),
            ])
        if detailed { statistics.keep(memoryStatistics: bytes) }
        statistics.readKeyed("memory.oom_control", from: files, [("oom_kill", .memoryOOMKills)])
        statistics[.memorySwapPeak] = .unavailable("cgroup v1 keeps no peak of swap alone")
        statistics[.memorySockets] = .unavailable("cgroup v1 does not tell socket buffers apart")
        statistics[.memoryOOMEvents] = .unavailable("cgroup v1 counts out-of-memory kills only")
    }

    /// With equal limits for memory and for memory with swap, the second counter takes the hits. Newer kernels leave
    /// both at 0 although the limit was hit, which the peak gives away (64 pages are what a CPU takes in advance).
    private static func recordLegacyLimitHits(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        statistics.readSingle("memory.memsw.failcnt", from: files, as: .memoryLimitHits)
        let withSwap = statistics[.memoryLimitHits].number
        statistics.readSingle("memory.failcnt", from: files, as: .memoryLimitHits)
        if let alone = statistics[.memoryLimitHits].number, let withSwap {
            statistics[.memoryLimitHits] = .value(
                alone + withSwap, source: "memory.failcnt + memory.memsw.failcnt")
        }
        let peak = statistics[.memoryPeak].number ?? 0
        if let limit = statistics[.memoryLimit].number, isReached(limit, peak),
            statistics[.memoryLimitHits].number == 0
        {
            statistics[.memoryLimitHits] = .unavailable("this kernel does not count them in memory.failcnt")
        }
    }

    /// Whether a limit was reached: 64 pages are what a CPU takes in advance.
    static func isReached(_ limit: UInt64, _ peak: UInt64) -> Bool { peak + 64 * 4096 >= limit }

    /// v1: the nearest cgroup above whose peak is at its limit.
    static func fullCgroup(above files: CgroupFiles, path: String) -> String? {
        let names = Path(path).components
        for level in 1..<max(files.depth, 1) {
            let place = String(repeating: "../", count: level)
            guard let limit = files.reportNumber("\(place)memory.limit_in_bytes"),
                let peak = files.reportNumber("\(place)memory.max_usage_in_bytes"), isReached(limit, peak)
            else { continue }
            return Path.joining(Array(names.dropLast(level)), absolute: true).string
        }
        return nil
    }
}
