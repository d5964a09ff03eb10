import CommandGrammar
import ContainerRuntime
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff update [--resources FILE] [OPTIONS] ID`
    static var update: Command {
        let verb = CommandVerb(
            "update", .runtime, "Change the limits of a container",
            details: "Only what is given changes; in a resources document 0 means not given.",
            operands: .container,
            options: [
                CommandOption(
                    "resources", "r", value: "FILE",
                    "Limits as linux.resources of config.json; - reads them from standard input")
            ] + LimitOption.allCases.map(\.option))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.container()
            let resources = try resources(invocation.arguments)
            try command { () throws(StepError) in try container.update(resources) }
            return 0
        }
    }

    private static func resources(_ arguments: ParsedArguments) throws(CommandError) -> ResourcesSpec {
        var resources = ResourcesSpec()
        if let file = arguments.value("resources") { resources = try read(file) }
        for limit in LimitOption.allCases {
            guard let text = arguments.value(limit.rawValue), !text.isEmpty else { continue }
            guard limit.set(text, in: &resources) else {
                throw CommandError.usage("--\(limit.rawValue) cannot be '\(text)'")
            }
        }
        return resources
    }

    private static func read(_ file: String) throws(CommandError) -> ResourcesSpec {
        let bytes = try command { () throws(StepError) in
            try during("read the resources in \(file)") { () throws(SyscallError) in
                file == "-"
                    ? try BorrowedFD.standardInput.readAll(limit: 1 << 20)
                    : try readFile(Path(file), limit: 1 << 20)
            }
        }
        do throws(JSONError) {
            return try ResourcesSpec(json: bytes)
        } catch {
            throw CommandError(StepError("read the resources in \(file)", SpecError(error)))
        }
    }
}

/// A limit as an option of `update`.
enum LimitOption: String, CaseIterable {
    case memory, memoryReservation = "memory-reservation", memorySwap = "memory-swap"
    case cpuPeriod = "cpu-period", cpuQuota = "cpu-quota", cpuBurst = "cpu-burst", cpuShare = "cpu-share"
    case cpuIdle = "cpu-idle", cpusetCPUs = "cpuset-cpus", cpusetMems = "cpuset-mems"
    case pidsLimit = "pids-limit", blockIOWeight = "blkio-weight"

    /// As the command line table has it.
    var option: CommandOption { CommandOption(rawValue, value: "N", summary) }

    private var summary: String {
        switch self {
        case .memory: "Memory limit in bytes; -1 for none"
        case .memoryReservation: "Memory that is kept for the container, in bytes"
        case .memorySwap: "Limit of memory and swap together, in bytes; -1 for none"
        case .cpuPeriod: "Period of the CPU quota in microseconds"
        case .cpuQuota: "CPU time per period in microseconds; -1 for no limit"
        case .cpuBurst: "CPU time that may be saved up, in microseconds"
        case .cpuShare: "CPU weight as shares from 2 to 262144"
        case .cpuIdle: "1: runs only when nothing else wants to"
        case .cpusetCPUs: "Processors, as 0-3,7"
        case .cpusetMems: "Memory nodes, as 0-1"
        case .pidsLimit: "Number of processes; -1 for no limit"
        case .blockIOWeight: "Block I/O weight from 10 to 1000"
        }
    }

    /// Puts the value into the resources; false if it is none.
    func set(_ text: String, in resources: inout ResourcesSpec) -> Bool {
        var memory = resources.memory ?? ResourcesSpec.Memory()
        var cpu = resources.cpu ?? ResourcesSpec.CPU()
        switch self {
        case .memory: memory.limit = Int64(text)
        case .memoryReservation: memory.reservation = Int64(text)
        case .memorySwap: memory.swap = Int64(text)
        case .cpuPeriod: cpu.period = UInt64(text)
        case .cpuQuota: cpu.quota = Int64(text)
        case .cpuBurst: cpu.burst = UInt64(text)
        case .cpuShare: cpu.shares = UInt64(text)
        case .cpuIdle: cpu.idle = Int64(text)
        case .cpusetCPUs: cpu.cpus = text
        case .cpusetMems: cpu.mems = text
        case .pidsLimit: resources.pids = ResourcesSpec.PIDs(limit: Int64(text))
        case .blockIOWeight:
            var block = resources.blockIO ?? ResourcesSpec.BlockIO()
            block.weight = UInt16(text)
            resources.blockIO = block
        }
        if memory != ResourcesSpec.Memory() { resources.memory = memory }
        if cpu != ResourcesSpec.CPU() { resources.cpu = cpu }
        switch self {
        case .cpusetCPUs, .cpusetMems: return true
        case .blockIOWeight: return UInt16(text) != nil
        case .cpuPeriod, .cpuBurst, .cpuShare: return UInt64(text) != nil
        default: return Int64(text) != nil
        }
    }
}
