import CommandGrammar
import Engine
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension LimitOption {
    /// Reads these limits from a command line, in the order of `allCases`.
    /// - Throws: a `StepError` that names the option, its text and what it should have been.
    static func read(
        _ arguments: ParsedArguments, _ options: [LimitOption], into request: inout LimitRequest
    ) throws(StepError) {
        for option in options {
            for text in arguments.values(option.rawValue) where !text.isEmpty {
                try option.set(text, in: &request)
            }
        }
        if arguments.value("cpus") != nil,
            arguments.value("cpu-quota") != nil || arguments.value("cpu-period") != nil
        {
            throw StepError("read --cpus", refused: "it is a quota: without --cpu-quota and --cpu-period")
        }
        try request.check()
    }

    private func set(_ text: String, in request: inout LimitRequest) throws(StepError) {
        if try setMemory(text, in: &request.resources) { return }
        if try setCPU(text, in: &request) { return }
        if try setDevice(text, in: &request.resources) { return }
        switch self {
        case .pidsLimit:
            // Here, other than in a document, 0 is given and means what 1 means: nothing beside the first process.
            let limit = try number(text, in: Int64(-1)...4_194_304)
            request.resources.pids = ResourcesSpec.PIDs(limit: limit == 0 ? 1 : limit)
        case .cgroupConf:
            let (file, value) = try OptionText.pair(text, of: rawValue)
            request.resources.unified[file] = value
        default:
            guard !text.contains("\n"), self == .cacheSchema || text.hasPrefix("MB:") else {
                throw refusal(text, self == .cacheSchema ? "one line" : "one line that begins with MB:")
            }
            request.schemata.append(text)
        }
    }

    private func setMemory(_ text: String, in resources: inout ResourcesSpec) throws(StepError) -> Bool {
        switch self {
        case .memory, .memoryReservation, .memorySwap, .kernelMemory, .kernelMemoryTCP:
            let bytes = try OptionText.limit(text, of: rawValue)
            if isObsolete { break }
            resources.changeMemory {
                switch self {
                case .memory: $0.limit = bytes
                case .memoryReservation: $0.reservation = bytes
                default: $0.swap = bytes
                }
            }
        case .memoryHigh, .memoryMin:
            let bytes = try OptionText.limit(text, of: rawValue)
            let file = self == .memoryHigh ? "memory.high" : "memory.min"
            resources.unified[file] = bytes < 0 ? "max" : "\(bytes)"
        case .memorySwappiness:
            // docker's and podman's word for "as the host has it".
            if text == "-1" { break }
            let swappiness = try number(text, in: UInt64(0)...100)
            resources.changeMemory { $0.swappiness = swappiness }
        case .memoryOOMGroup: if text == "true" { resources.unified["memory.oom.group"] = "1" }
        case .oomKillDisable: if text == "true" { resources.changeMemory { $0.disableOOMKiller = true } }
        default: return false
        }
        return true
    }

    private func setCPU(_ text: String, in request: inout LimitRequest) throws(StepError) -> Bool {
        var cpu = request.resources.cpu ?? ResourcesSpec.CPU()
        switch self {
        case .cpus:
            // docker's word for no limit is 0.
            let quota = ["0", "0.0"].contains(text) ? 0 : try OptionText.cpuQuota(text, of: rawValue)
            cpu.quota = quota
            cpu.period = quota == 0 ? nil : 100_000
        case .cpuWeight: request.cpuWeight = try number(text, in: 1...10_000)
        case .cpuShares, .cpuShare: cpu.shares = text == "0" ? 0 : try number(text, in: 2...262_144)
        case .cpuPeriod: cpu.period = text == "0" ? 0 : try number(text, in: 1000...1_000_000)
        case .cpuQuota:
            cpu.quota = ["-1", "0"].contains(text) ? Int64(text) : try number(text, in: 1000 ... .max)
        case .cpuBurst: cpu.burst = try number(text, in: 0 ... .max)
        case .cpuIdle: cpu.idle = try number(text, in: 0...1)
        case .cpuUclampMin, .cpuUclampMax:
            let file = self == .cpuUclampMin ? "cpu.uclamp.min" : "cpu.uclamp.max"
            request.resources.unified[file] = try OptionText.percentage(text, of: rawValue)
        case .cpuRealtimePeriod: cpu.realtimePeriod = try number(text, in: 0 ... .max)
        case .cpuRealtimeRuntime: cpu.realtimeRuntime = try number(text, in: -1 ... .max)
        case .cpusetCPUs: cpu.cpus = text
        case .cpusetMems: cpu.mems = text
        default: return false
        }
        if cpu != ResourcesSpec.CPU() { request.resources.cpu = cpu }
        return true
    }

    private func setDevice(_ text: String, in resources: inout ResourcesSpec) throws(StepError) -> Bool {
        switch self {
        case .blockIOWeight:
            let weight = text == "0" ? 0 : try number(text, in: UInt16(10)...1000)
            resources.changeBlockIO { $0.weight = weight }
        case .blockIOWeightDevice:
            let (device, value) = try OptionText.blockDevice(text, of: rawValue)
            let weight = try number(value, in: UInt16(10)...1000)
            resources.changeBlockIO {
                $0.weightDevice.append(
                    .init(major: Int64(device.major), minor: Int64(device.minor), weight: weight))
            }
        case .deviceLatency:
            let (device, value) = try OptionText.blockDevice(text, of: rawValue)
            let target = value == "0" ? 0 : try OptionText.microseconds(value, of: rawValue)
            let line = "\(device.major):\(device.minor) target=\(target)"
            let others = resources.unified["io.latency"].map { $0 + "\n" } ?? ""
            resources.unified["io.latency"] = others + line
        case .deviceReadBps, .deviceWriteBps, .deviceReadIOPS, .deviceWriteIOPS:
            let (device, value) = try OptionText.blockDevice(text, of: rawValue)
            let isBytes = self == .deviceReadBps || self == .deviceWriteBps
            let rate =
                isBytes
                ? UInt64(try OptionText.bytes(value, of: rawValue)) : try number(value, in: 0 ... .max)
            let limit = ResourcesSpec.ThrottleDevice(
                major: Int64(device.major), minor: Int64(device.minor), rate: rate)
            resources.changeBlockIO { add(limit, to: &$0) }
        default: return false
        }
        return true
    }

    private func add(_ limit: ResourcesSpec.ThrottleDevice, to io: inout ResourcesSpec.BlockIO) {
        switch self {
        case .deviceReadBps: io.throttleReadBpsDevice.append(limit)
        case .deviceWriteBps: io.throttleWriteBpsDevice.append(limit)
        case .deviceReadIOPS: io.throttleReadIOPSDevice.append(limit)
        default: io.throttleWriteIOPSDevice.append(limit)
        }
    }

    private func number<Value: FixedWidthInteger & Sendable>(
        _ text: String, in range: ClosedRange<Value>
    ) throws(StepError) -> Value {
        try OptionText.integer(text, of: rawValue, in: range)
    }

    private func refusal(_ text: String, _ expected: String) -> StepError {
        StepError("read --\(rawValue)", refused: "'\(text)' is not \(expected)", code: .usage)
    }
}
