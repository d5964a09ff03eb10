internal import LinuxSystem
internal import RuntimeSpec

/// New limits as properties of a scope of systemd, with the old ones at hand.
struct ScopeUpdate: ~Copyable {
    private var systemd: SystemdConversation
    private let new: [SystemdProperty]
    private let old: [SystemdProperty]

    /// Reads the old values; nil if there is no scope or systemd has no property for what is given.
    static func begin(
        _ unit: CgroupRecord.Unit?, _ resources: ResourcesSpec, _ host: CgroupHost
    ) throws(StepError) -> ScopeUpdate? {
        guard let unit else { return nil }
        var systemd = try SystemdConversation.begin(unit)
        let new: [SystemdProperty]
        let version = try systemd.version()
        do throws(SpecError) {
            new = try SystemdLimits.properties(for: resources, on: host, version: version)
        } catch {
            throw StepError("update the systemd scope \(unit.name)", error)
        }
        if new.isEmpty { return nil }
        let old = try systemd.values(of: new.map(\.name))
        return ScopeUpdate(systemd: systemd, new: new, old: old)
    }

    private init(systemd: consuming SystemdConversation, new: [SystemdProperty], old: [SystemdProperty]) {
        self.systemd = systemd
        self.new = new
        self.old = old
    }

    /// Sets the new values.
    mutating func apply() throws(StepError) { try systemd.set(new) }

    /// Sets the old values again; what fails on the way is told.
    mutating func undo() -> String? {
        do throws(StepError) {
            try systemd.set(old)
            return nil
        } catch {
            return "not restored: \(error)"
        }
    }
}

extension Cgroup {
    /// Some values mean something only together with another: what is not given of such a pair stays as it is now.
    /// - Memory with swap: their sum is given, which the limit of memory bounds; v2's file wants the difference.
    /// - Quota and period as systemd has them: their quotient is a property.
    func completePairs(of resources: inout ResourcesSpec) {
        if let swap = resources.memory?.swap, swap > 0, (resources.memory?.limit ?? 0) == 0,
            let files = tree(of: .memory)
        {
            let file = files.version == .unified ? "memory.max" : "memory.limit_in_bytes"
            resources.memory?.limit = number(file, of: files).map { Int64(clamping: $0) }
        }
        guard record.unit != nil, let cpu = resources.cpu, let files = tree(of: .cpu) else { return }
        let quota = cpu.quota ?? 0
        let period = cpu.period ?? 0
        if (quota == 0) == (period == 0) { return }
        let present = presentQuota(of: files)
        if quota == 0 { resources.cpu?.quota = present.quota }
        if period == 0 { resources.cpu?.period = present.period }
    }

    private func presentQuota(of files: CgroupFiles) -> (quota: Int64?, period: UInt64?) {
        if files.version == .legacy {
            let quota = number("cpu.cfs_quota_us", of: files).map { Int64(clamping: $0) } ?? -1
            return (quota, number("cpu.cfs_period_us", of: files))
        }
        var words: [String] = []
        bestEffort("a file that is not there is reported by the write") { () throws(SyscallError) in
            words = try files.text("cpu.max").split(separator: " ").map(String.init)
        }
        guard words.count == 2 else { return (nil, nil) }
        return (Int64(words[0]) ?? -1, UInt64(words[1]))
    }

    private func number(_ file: String, of files: CgroupFiles) -> UInt64? {
        var number: UInt64?
        bestEffort("a file that is not there is reported by the write") { () throws(SyscallError) in
            if case .number(let found) = KernelText.single(try files.read(file)) { number = found }
        }
        return number
    }
}
