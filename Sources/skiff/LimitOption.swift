import CommandGrammar
import Engine
import LinuxSystem
import RuntimeSpec

/// A limit as an option of `update`, in the order of the help text.
enum LimitOption: String, CaseIterable {
    case memory, memoryReservation = "memory-reservation", memorySwap = "memory-swap"
    case kernelMemory = "kernel-memory", kernelMemoryTCP = "kernel-memory-tcp"
    case cpuPeriod = "cpu-period", cpuQuota = "cpu-quota", cpuBurst = "cpu-burst", cpuShare = "cpu-share"
    case cpuIdle = "cpu-idle", cpuRealtimePeriod = "cpu-rt-period", cpuRealtimeRuntime = "cpu-rt-runtime"
    case cpusetCPUs = "cpuset-cpus", cpusetMems = "cpuset-mems"
    case pidsLimit = "pids-limit", blockIOWeight = "blkio-weight"
    case cacheSchema = "l3-cache-schema", bandwidthSchema = "mem-bw-schema"

    /// As the command line table has it.
    var option: CommandOption {
        let isObsolete = self == .kernelMemory || self == .kernelMemoryTCP
        return CommandOption(rawValue, value: argument, summary, hidden: isObsolete)
    }

    private var argument: String {
        switch self {
        case .memory, .memoryReservation, .memorySwap, .kernelMemory, .kernelMemoryTCP: "BYTES"
        case .cpusetCPUs, .cpusetMems: "LIST"
        case .cacheSchema, .bandwidthSchema: "LINE"
        default: "N"
        }
    }

    private var summary: String {
        switch self {
        case .memory: "Memory limit in bytes, also 64m; -1 for none"
        case .memoryReservation: "Memory that is kept for the container, in bytes"
        case .memorySwap: "Limit of memory and swap together, in bytes; -1 for none"
        case .kernelMemory, .kernelMemoryTCP: "Accepted, without effect: no kernel has it any more"
        case .cpuPeriod: "Period of the CPU quota in microseconds"
        case .cpuQuota: "CPU time per period in microseconds; -1 for no limit"
        case .cpuBurst: "CPU time that may be saved up, in microseconds"
        case .cpuShare: "CPU weight as shares from 2 to 262144"
        case .cpuIdle: "1: runs only when nothing else wants to"
        case .cpuRealtimePeriod: "Period of realtime scheduling in microseconds (cgroup v1)"
        case .cpuRealtimeRuntime: "Realtime CPU time per period in microseconds (cgroup v1)"
        case .cpusetCPUs: "Processors, as 0-3,7"
        case .cpusetMems: "Memory nodes, as 0-1"
        case .pidsLimit: "Number of processes; -1 for no limit"
        case .blockIOWeight: "Block I/O weight from 10 to 1000"
        case .cacheSchema: "Line for the L3 cache of the container's resctrl group"
        case .bandwidthSchema: "Line for the memory bandwidth (MB:) of the container's resctrl group"
        }
    }

    /// Puts the value into the resources; what belongs to resctrl goes to `lines`.
    func set(
        _ text: String, in resources: inout ResourcesSpec, lines: inout [String]
    ) throws(CommandError) {
        switch self {
        case .memory, .memoryReservation, .memorySwap, .kernelMemory, .kernelMemoryTCP:
            let bytes = try bytes(text)
            var memory = resources.memory ?? ResourcesSpec.Memory()
            setMemory(bytes, in: &memory)
            if memory != ResourcesSpec.Memory() { resources.memory = memory }
        case .pidsLimit:
            // Here, other than in a document, 0 is given and means what 1 means: nothing beside the first process.
            let limit: Int64 = try number(text)
            resources.pids = ResourcesSpec.PIDs(limit: limit == 0 ? 1 : limit)
        case .blockIOWeight:
            var block = resources.blockIO ?? ResourcesSpec.BlockIO()
            block.weight = try number(text)
            resources.blockIO = block
        case .cacheSchema, .bandwidthSchema:
            guard !text.contains("\n"), self == .cacheSchema || text.hasPrefix("MB:") else {
                throw refusal(text, self == .cacheSchema ? "one line" : "one line that begins with MB:")
            }
            lines.append(text)
        default:
            var cpu = resources.cpu ?? ResourcesSpec.CPU()
            try setCPU(text, in: &cpu)
            resources.cpu = cpu
        }
    }

    private func setMemory(_ bytes: Int64, in memory: inout ResourcesSpec.Memory) {
        switch self {
        case .memory: memory.limit = bytes
        case .memoryReservation: memory.reservation = bytes
        case .memorySwap: memory.swap = bytes
        default: break
        }
    }

    private func setCPU(_ text: String, in cpu: inout ResourcesSpec.CPU) throws(CommandError) {
        switch self {
        case .cpuPeriod: cpu.period = try number(text)
        case .cpuQuota: cpu.quota = try number(text)
        case .cpuBurst: cpu.burst = try number(text)
        case .cpuShare: cpu.shares = try number(text)
        case .cpuIdle: cpu.idle = try number(text)
        case .cpuRealtimePeriod: cpu.realtimePeriod = try number(text)
        case .cpuRealtimeRuntime: cpu.realtimeRuntime = try number(text)
        case .cpusetCPUs: cpu.cpus = text
        case .cpusetMems: cpu.mems = text
        default: break
        }
    }

    private func number<Number: FixedWidthInteger>(_ text: String) throws(CommandError) -> Number {
        guard let number = Number(text) else { throw refusal(text, "a whole number") }
        return number
    }

    private func bytes(_ text: String) throws(CommandError) -> Int64 {
        if text == "-1" { return -1 }
        do throws(StepError) {
            return try OptionText.bytes(text, of: rawValue)
        } catch {
            throw refusal(text, "a number of bytes, also with k, m or g")
        }
    }

    private func refusal(_ text: String, _ expected: String) -> CommandError {
        CommandError.usage("--\(rawValue) is \(expected), not '\(text)'")
    }
}
