import JSONCoding

extension Validation {
    /// CG-3. The form of the systemd manager is judged where the manager is known.
    static func cgroupsPath(of spec: RuntimeSpec) throws(SpecError) {
        guard let path = spec.linux?.cgroupsPath else { return }
        try requireOneLine(path, "linux.cgroupsPath")
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains("..") || parts.contains(".") {
            throw SpecError(field: "linux.cgroupsPath", reason: "must not contain . or ..", value: path)
        }
        if parts.dropFirst().dropLast().contains("") {
            throw SpecError(field: "linux.cgroupsPath", reason: "must not contain //", value: path)
        }
    }

    /// RES-1, RES-2: swap counts memory and swap together. Zero is how some engines write "not set".
    static func memory(of spec: RuntimeSpec) throws(SpecError) {
        guard let memory = spec.linux?.resources?.memory else { return }
        let field = "linux.resources.memory"
        for (name, value) in [
            ("limit", memory.limit), ("reservation", memory.reservation), ("swap", memory.swap),
            ("kernel", memory.kernel), ("kernelTCP", memory.kernelTCP),
        ] {
            guard let value, value < -1 else { continue }
            throw SpecError(field: "\(field).\(name)", reason: "must be -1 or more", value: "\(value)")
        }
        // The largest number is how some engines write "not set".
        if memory.swappiness != .max { try require(memory.swappiness, in: 0...100, "\(field).swappiness") }
        guard let swap = memory.swap, swap > 0 else { return }
        let limit = memory.limit ?? 0
        if limit == 0 {
            throw SpecError(field: "\(field).swap", reason: "needs a memory limit", value: "\(swap)")
        }
        if limit < 0 || swap < limit {
            throw SpecError(
                field: "\(field).swap",
                reason: "counts memory and swap and must not be below the limit \(limit)", value: "\(swap)")
        }
    }

    /// RES-8 to RES-11. Shares outside of their range are clamped, as the kernel does.
    static func cpu(of spec: RuntimeSpec) throws(SpecError) {
        guard let cpu = spec.linux?.resources?.cpu else { return }
        let field = "linux.resources.cpu"
        if let quota = cpu.quota, quota < -1 {
            throw SpecError(field: "\(field).quota", reason: "must be -1 or more", value: "\(quota)")
        }
        if let burst = cpu.burst, burst > 0, let quota = cpu.quota, quota > 0, burst > UInt64(quota) {
            throw SpecError(
                field: "\(field).burst", reason: "must not be above the quota \(quota)", value: "\(burst)")
        }
        try require(cpu.idle, in: 0...1, "\(field).idle")
        try requireNumberList(cpu.cpus, "\(field).cpus")
        try requireNumberList(cpu.mems, "\(field).mems")
    }

    /// RES-13, RES-17 to RES-19.
    static func otherLimits(of spec: RuntimeSpec) throws(SpecError) {
        guard let resources = spec.linux?.resources else { return }
        let field = "linux.resources"
        if let limit = resources.pids?.limit, limit < -1 {
            throw SpecError(field: "\(field).pids.limit", reason: "must be -1 or more", value: "\(limit)")
        }
        for (index, page) in resources.hugepageLimits.enumerated() where !isPageSize(page.pageSize) {
            throw SpecError(
                field: "\(field).hugepageLimits[\(index)].pageSize",
                reason: "must be a size such as 2MB or 1GB",
                value: page.pageSize)
        }
        for (index, priority) in (resources.network?.priorities ?? []).enumerated() {
            try requireNonEmpty(priority.name, "\(field).network.priorities[\(index)].name")
            try requireOneLine(priority.name, "\(field).network.priorities[\(index)].name")
        }
        for (device, limit) in resources.rdma.sorted(by: { $0.key < $1.key }) {
            try requireNonEmpty(device, "\(field).rdma")
            try requireOneLine(device, "\(field).rdma")
            if limit.hcaHandles == nil, limit.hcaObjects == nil {
                throw SpecError(
                    field: "\(field).rdma[\"\(device)\"]", reason: "needs hcaHandles or hcaObjects")
            }
        }
    }

    private static func isPageSize(_ text: String) -> Bool {
        guard ["KB", "MB", "GB"].contains(text.suffix(2)) else { return false }
        let digits = text.utf8.dropLast(2)
        return !digits.isEmpty && digits.first != UInt8(ascii: "0")
            && digits.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// RES-14, RES-15. Zero is how some engines write "not set".
    static func blockIO(of spec: RuntimeSpec) throws(SpecError) {
        guard let blockIO = spec.linux?.resources?.blockIO else { return }
        let field = "linux.resources.blockIO"
        try requireWeight(blockIO.weight, "\(field).weight")
        try requireWeight(blockIO.leafWeight, "\(field).leafWeight")
        for (index, device) in blockIO.weightDevice.enumerated() {
            let field = "\(field).weightDevice[\(index)]"
            if device.weight == nil, device.leafWeight == nil {
                throw SpecError(field: field, reason: "needs weight or leafWeight")
            }
            try requireWeight(device.weight, "\(field).weight")
            try requireWeight(device.leafWeight, "\(field).leafWeight")
        }
    }

    private static func requireWeight(_ weight: UInt16?, _ field: String) throws(SpecError) {
        if weight != 0 { try require(weight, in: 10...1000, field) }
    }

    /// RES-20: the key is a file name of the container's cgroup and nothing else.
    static func unified(of spec: RuntimeSpec) throws(SpecError) {
        for (key, _) in spec.linux?.resources?.unified ?? [:] {
            let field = "linux.resources.unified"
            if key.isEmpty { throw SpecError(field: field, reason: "must not contain an empty name") }
            try requireOneLine(key, field)
            if key.contains("/") || key.hasPrefix(".") {
                throw SpecError(field: field, reason: "must name a file of the cgroup", value: key)
            }
        }
    }
}
