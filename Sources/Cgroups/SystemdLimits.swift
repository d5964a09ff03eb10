internal import JSONCoding
import MessageBus
package import RuntimeSpec

/// Limits as properties of a unit, so that systemd knows them, shows them and does not undo them when it writes the
/// cgroup's files again (at `daemon-reload`, for example). The files are written by us too, exactly; what systemd has
/// no property for is in the files alone.
/// - SeeAlso: systemd.resource-control(5)
package struct SystemdLimits {
    private static let unlimited = UInt64.max
    private let host: CgroupHost
    /// Of systemd: properties came one by one.
    private let version: Int
    private var properties: [SystemdProperty] = []

    /// The properties for what `resources` names.
    /// - Throws: if a text of `unified` has not the form that systemd's property needs.
    package static func properties(
        for resources: ResourcesSpec, on host: CgroupHost, version: Int
    ) throws(SpecError) -> [SystemdProperty] {
        var limits = SystemdLimits(host: host, version: version)
        limits.addMemory(resources.memory)
        limits.addCPU(resources.cpu)
        if let limit = resources.pids?.limit {
            limits.setNumber("TasksMax", limit < 0 ? nil : UInt64(max(limit, 1)))
        }
        if let weight = resources.blockIO?.weight, weight != 0 {
            if limits.isUnified(.io) {
                limits.setNumber("IOWeight", Conversions.ioWeight(UInt64(weight)))
            } else {
                limits.setNumber("BlockIOWeight", UInt64(weight))
            }
        }
        try limits.addUnified(resources)
        return limits.properties
    }

    private init(host: CgroupHost, version: Int) {
        self.host = host
        self.version = version
    }

    private func isUnified(_ controller: Controller) -> Bool {
        guard case .legacy = host.home(of: controller) else { return true }
        return false
    }

    /// A number; nil is without limit.
    private mutating func setNumber(_ name: String, _ number: UInt64?) {
        properties.set(name, .uint64(number ?? Self.unlimited))
    }

    private mutating func setSigned(_ name: String, _ number: Int64?) {
        guard let number, number != 0 else { return }
        setNumber(name, number < 0 ? nil : UInt64(number))
    }

    private mutating func addMemory(_ memory: ResourcesSpec.Memory?) {
        guard let memory else { return }
        guard isUnified(.memory) else { return setSigned("MemoryLimit", memory.limit) }
        setSigned("MemoryMax", memory.limit)
        setSigned("MemoryLow", memory.reservation)
        let limit = memory.limit ?? 0
        if let swap = memory.swap, swap > 0, limit > 0 {
            setNumber("MemorySwapMax", UInt64(max(swap - limit, 0)))
        } else if (memory.swap ?? 0) < 0 || limit < 0 && (memory.swap ?? 0) == 0 {
            setNumber("MemorySwapMax", nil)
        }
    }

    private mutating func addCPU(_ cpu: ResourcesSpec.CPU?) {
        guard let cpu else { return }
        let isIdle = cpu.idle == 1 && version >= 252
        if isUnified(.cpu) {
            if let shares = cpu.shares, shares != 0, !isIdle {
                setNumber("CPUWeight", Conversions.cpuWeight(shares: shares))
            }
            // systemd's word for a group that runs only when nothing else wants to.
            if isIdle { setNumber("CPUWeight", 0) }
        } else if let shares = cpu.shares, shares != 0 {
            setNumber("CPUShares", min(max(shares, 2), 262_144))
        }
        let period = cpu.period ?? 0
        if period != 0 { setPeriod(period) }
        if let quota = cpu.quota, quota != 0 {
            setQuota(quota, period: period != 0 ? period : 100_000)
        }
        setList("AllowedCPUs", cpu.cpus)
        setList("AllowedMemoryNodes", cpu.mems)
    }

    private mutating func setPeriod(_ period: UInt64) {
        if version >= 242 { setNumber("CPUQuotaPeriodUSec", period) }
    }

    /// Microseconds per second of one CPU, in whole percents: a part of one is lost when systemd reads its own files.
    private mutating func setQuota(_ quota: Int64, period: UInt64) {
        guard quota > 0 else { return setNumber("CPUQuotaPerSecUSec", nil) }
        let (product, overflow) = UInt64(quota).multipliedReportingOverflow(by: 1_000_000)
        let perSecond = overflow ? Self.unlimited / 2 : product / max(period, 1)
        setNumber("CPUQuotaPerSecUSec", (perSecond + 9_999) / 10_000 * 10_000)
    }

    private mutating func setList(_ name: String, _ list: String?) {
        guard let list, !list.isEmpty, version >= 244, isUnified(.cpuset), let bits = Self.bits(of: list)
        else { return }
        properties.set(name, .bytes(bits))
    }

    /// `0-1,8` as a bit for each number, the lowest first; nil if it is no list or reaches beyond any machine.
    static func bits(of list: String) -> [UInt8]? {
        guard CpusetController.isList(list) else { return nil }
        var bits: [UInt8] = []
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, last < 1 << 16 else { return nil }
            for number in first...last {
                while bits.count <= number / 8 { bits.append(0) }
                bits[number / 8] |= 1 << UInt8(number % 8)
            }
        }
        return bits
    }

    private mutating func addUnified(_ resources: ResourcesSpec) throws(SpecError) {
        let names = [
            "memory.max": "MemoryMax", "memory.high": "MemoryHigh", "memory.low": "MemoryLow",
            "memory.min": "MemoryMin", "memory.swap.max": "MemorySwapMax", "pids.max": "TasksMax",
            "cpu.weight": "CPUWeight",
        ]
        for (key, value) in resources.unified {
            let words = value.split(whereSeparator: \.isWhitespace).map(String.init)
            let first = words.first ?? ""
            switch key {
            case "cpu.max":
                guard words.count <= 2, let quota = Self.number(first) else { throw Self.refusal(key, value) }
                guard let period = words.count == 2 ? UInt64(words[1]) : 100_000 else {
                    throw Self.refusal(key, value)
                }
                if words.count == 2 { setPeriod(period) }
                setQuota(quota == Self.unlimited ? -1 : Int64(clamping: quota), period: period)
            case "cpu.idle": if first == "1", version >= 252 { setNumber("CPUWeight", 0) }
            case "cpuset.cpus": setList("AllowedCPUs", first)
            case "cpuset.mems": setList("AllowedMemoryNodes", first)
            default:
                guard let name = names[key] else { continue }
                if name == "CPUWeight", resources.unified["cpu.idle"] == "1" { continue }
                guard words.count == 1, let number = Self.number(first) else {
                    throw Self.refusal(key, value)
                }
                setNumber(name, name == "TasksMax" ? max(number, 1) : number)
            }
        }
    }

    private static func number(_ text: String) -> UInt64? { text == "max" ? unlimited : UInt64(text) }

    private static func refusal(_ key: String, _ value: String) -> SpecError {
        SpecError(
            field: "linux.resources.unified[\"\(key)\"]",
            reason: "has no form that systemd's property for it can hold",
            value: value)
    }
}
