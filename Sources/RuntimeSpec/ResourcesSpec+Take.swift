internal import JSONCoding

extension ResourcesSpec {
    /// Takes over what an update gives: there 0 and an empty text mean that a field is not given. Devices, huge pages,
    /// network classes and RDMA are replaced as a whole when they are given.
    package mutating func take(_ update: ResourcesSpec) {
        if let given = update.memory { memory = Self.merged(memory ?? Memory(), given) }
        if let given = update.cpu { takeCPU(given) }
        if let limit = update.pids?.limit, limit != 0 { pids = PIDs(limit: limit) }
        if let given = update.blockIO { blockIO = Self.merged(blockIO ?? BlockIO(), given) }
        if !update.devices.isEmpty { devices = update.devices }
        if !update.hugepageLimits.isEmpty { hugepageLimits = update.hugepageLimits }
        if let given = update.network { network = given }
        if !update.rdma.isEmpty { rdma = update.rdma }
        for (key, value) in update.unified {
            // The same limit in the other form would stand against it at the next start.
            if key == "cpu.weight" { cpu?.shares = nil }
            unified[key] = value
        }
    }

    /// Memory and swap together are one number here and two in the kernel: a new limit of memory leaves that of swap.
    private static func merged(_ old: Memory, _ given: Memory) -> Memory {
        var result = old
        if let limit = given.limit, limit != 0 {
            if let swap = old.swap, swap > 0, let before = old.limit, before > 0 {
                result.swap = limit < 0 ? -1 : limit + max(swap - before, 0)
            }
            result.limit = limit
        }
        if let swap = given.swap, swap != 0 { result.swap = swap }
        if let reservation = given.reservation, reservation != 0 { result.reservation = reservation }
        result.swappiness = given.swappiness ?? old.swappiness
        result.disableOOMKiller = given.disableOOMKiller ?? old.disableOOMKiller
        return result
    }

    private mutating func takeCPU(_ given: CPU) {
        var result = cpu ?? CPU()
        if let shares = given.shares, shares != 0 {
            result.shares = shares
            unified["cpu.weight"] = nil
        }
        if let quota = given.quota, quota != 0 { result.quota = quota }
        if let period = given.period, period != 0 { result.period = period }
        if let runtime = given.realtimeRuntime, runtime != 0 { result.realtimeRuntime = runtime }
        if let period = given.realtimePeriod, period != 0 { result.realtimePeriod = period }
        if let cpus = given.cpus, !cpus.isEmpty { result.cpus = cpus }
        if let mems = given.mems, !mems.isEmpty { result.mems = mems }
        result.burst = given.burst ?? result.burst
        result.idle = given.idle ?? result.idle
        if result.idle == 1 {
            result.shares = nil
            unified["cpu.weight"] = nil
        }
        cpu = result
    }

    private static func merged(_ old: BlockIO, _ given: BlockIO) -> BlockIO {
        var result = old
        if let weight = given.weight, weight != 0 { result.weight = weight }
        for device in given.weightDevice {
            result.weightDevice.removeAll { $0.major == device.major && $0.minor == device.minor }
            result.weightDevice.append(device)
        }
        let throttles: [WritableKeyPath<BlockIO, [ThrottleDevice]>] = [
            \.throttleReadBpsDevice, \.throttleWriteBpsDevice, \.throttleReadIOPSDevice,
            \.throttleWriteIOPSDevice,
        ]
        for path in throttles {
            for device in given[keyPath: path] {
                result[keyPath: path].removeAll { $0.major == device.major && $0.minor == device.minor }
                result[keyPath: path].append(device)
            }
        }
        return result
    }
}
