internal import LinuxSystem
package import RuntimeSpec

/// Block devices: weights and throttling.
/// - SeeAlso: cgroup-v2.rst §IO, cgroup-v1/blkio-controller.rst, bfq-iosched.rst
package enum IOController {
    private typealias Throttle = (
        path: KeyPath<ResourcesSpec.BlockIO, [ResourcesSpec.ThrottleDevice]>, name: String
    )

    /// The files that say what `resources.blockIO` asks for (RES-14 … RES-16). Weight 0 is unset.
    /// - Throws: if a weight is out of range, or a field has no meaning in this version.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        guard let io = resources.blockIO else { return [] }
        var writes = try weights(io, on: version)
        switch version {
        case .unified: writes += throttles(io)
        case .legacy:
            writes += legacyThrottles(io.throttleReadBpsDevice, "read_bps_device", "throttleReadBpsDevice")
            writes += legacyThrottles(io.throttleWriteBpsDevice, "write_bps_device", "throttleWriteBpsDevice")
            writes += legacyThrottles(io.throttleReadIOPSDevice, "read_iops_device", "throttleReadIOPSDevice")
            writes += legacyThrottles(
                io.throttleWriteIOPSDevice, "write_iops_device", "throttleWriteIOPSDevice")
        }
        return writes
    }

    private static let field = "linux.resources.blockIO"

    private static func weights(
        _ io: ResourcesSpec.BlockIO, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        if let leaf = io.leafWeight, leaf != 0 {
            throw SpecError(
                field: "\(field).leafWeight", reason: "the kernel has no leaf weights", value: "\(leaf)",
                kind: .unsupported)
        }
        if let weight = io.weight, weight != 0 {
            try checkRange(weight, "\(field).weight")
            writes.append(weightWrite(weight, prefix: "", device: nil, on: version))
        }
        for (index, device) in io.weightDevice.enumerated() {
            let name = "\(field).weightDevice[\(index)]"
            if (device.leafWeight ?? 0) != 0 {
                throw SpecError(
                    field: "\(name).leafWeight", reason: "the kernel has no leaf weights", kind: .unsupported)
            }
            guard let weight = device.weight else {
                throw SpecError(field: name, reason: "needs a weight")
            }
            if weight == 0 { continue }
            try checkRange(weight, "\(name).weight")
            writes.append(
                weightWrite(
                    weight, prefix: "\(device.major):\(device.minor) ", device: "_device", on: version))
        }
        return writes
    }

    private static func checkRange(_ weight: UInt16, _ field: String) throws(SpecError) {
        if weight < 10 || weight > 1000 {
            throw SpecError(field: field, reason: "must be 10 to 1000", value: "\(weight)")
        }
    }

    /// The BFQ scheduler brings its own file with its own range; other schedulers use the controller's file.
    private static func weightWrite(
        _ weight: UInt16, prefix: String, device: String?, on version: CgroupVersion
    ) -> CgroupWrite {
        let field = device == nil ? "blockIO.weight" : "blockIO.weightDevice"
        switch version {
        case .unified:
            let other = "\(prefix)\(Conversions.ioWeight(UInt64(weight)))"
            return CgroupWrite(
                "io.bfq.weight", "\(prefix)\(weight)", for: field,
                ifMissing: .alternative(file: "io.weight", value: other))
        case .legacy:
            let suffix = device ?? ""
            return CgroupWrite(
                "blkio.bfq.weight\(suffix)", "\(prefix)\(weight)", for: field,
                ifMissing: .alternative(file: "blkio.weight\(suffix)", value: "\(prefix)\(weight)"))
        }
    }

    /// One line of `io.max` for each device, with all its limits, in order of appearance.
    private static func throttles(_ io: ResourcesSpec.BlockIO) -> [CgroupWrite] {
        var order: [String] = []
        var limits: [String: [String]] = [:]
        func add(_ devices: [ResourcesSpec.ThrottleDevice], _ key: String) {
            for device in devices {
                let name = "\(device.major):\(device.minor)"
                if limits[name] == nil { order.append(name) }
                limits[name, default: []].append("\(key)=\(device.rate == 0 ? "max" : String(device.rate))")
            }
        }
        add(io.throttleReadBpsDevice, "rbps")
        add(io.throttleWriteBpsDevice, "wbps")
        add(io.throttleReadIOPSDevice, "riops")
        add(io.throttleWriteIOPSDevice, "wiops")
        return order.map { name in
            let text = limits[name, default: []].joined(separator: " ")
            return CgroupWrite("io.max", "\(name) \(text)", for: "blockIO.throttle")
        }
    }

    private static func legacyThrottles(
        _ devices: [ResourcesSpec.ThrottleDevice], _ file: String, _ field: String
    ) -> [CgroupWrite] {
        devices.map { device in
            CgroupWrite(
                "blkio.throttle.\(file)", "\(device.major):\(device.minor) \(device.rate)",
                for: "blockIO.\(field)")
        }
    }

    static func record(
        _ files: CgroupFiles, _ version: CgroupVersion, into statistics: inout CgroupStatistics
    ) {
        switch version {
        case .unified: recordUnified(files, into: &statistics)
        case .legacy: recordLegacy(files, into: &statistics)
        }
    }

    /// Bytes; of v1 without looking whether a disk is counted at all.
    static func recordBriefly(
        _ files: CgroupFiles, _ version: CgroupVersion, into statistics: inout CgroupStatistics
    ) {
        guard version == .legacy else { return recordUnified(files, into: &statistics) }
        guard let bytes = statistics.read(bytesFile, from: files, for: FigureKind.ioFigures), !bytes.isEmpty
        else { return }
        var sums: [String: UInt64] = [:]
        KernelText.blkio(bytes) { _, operation, value in sums[operation, default: 0] += value }
        // Without a line for a disk there is only a total of 0, whether it is counted or not.
        guard let read = sums["Read"], let written = sums["Write"] else { return }
        statistics[.ioReadBytes] = .value(read, source: bytesFile)
        statistics[.ioWriteBytes] = .value(written, source: bytesFile)
    }

    private static func recordUnified(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        guard let bytes = statistics.read("io.stat", from: files, for: FigureKind.ioFigures) else { return }
        statistics.setDevices(
            KernelText.ioStat(bytes), bytes: files.source("io.stat", "rbytes, wbytes"),
            operations: files.source("io.stat", "rios, wios"))
    }

    private static func recordLegacy(_ files: CgroupFiles, into statistics: inout CgroupStatistics) {
        var devices: [BlockDeviceUsage] = []
        func index(of device: BlockDeviceUsage) -> Int {
            if let known = devices.firstIndex(where: { $0.major == device.major && $0.minor == device.minor })
            {
                return known
            }
            devices.append(device)
            return devices.count - 1
        }
        guard let bytes = statistics.read(bytesFile, from: files, for: FigureKind.ioFigures),
            let operations = statistics.read(operationsFile, from: files, for: FigureKind.ioFigures)
        else { return }
        KernelText.blkio(bytes) { device, operation, value in
            if operation == "Read" { devices[index(of: device)].readBytes = value }
            if operation == "Write" { devices[index(of: device)].writeBytes = value }
        }
        KernelText.blkio(operations) { device, operation, value in
            if operation == "Read" { devices[index(of: device)].readOperations = value }
            if operation == "Write" { devices[index(of: device)].writeOperations = value }
        }
        if devices.isEmpty, !isCounted(files) {
            for kind in FigureKind.ioFigures {
                statistics[kind] = .unavailable(
                    "with cgroup v1 this kernel counts only disks that have a throttle "
                        + "(\"MAJOR:MINOR 0\" in /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device starts it)"
                )
            }
            return
        }
        statistics.setDevices(
            devices, bytes: files.source(bytesFile), operations: files.source(operationsFile))
    }

    private static let bytesFile = "blkio.throttle.io_service_bytes_recursive"
    private static let operationsFile = "blkio.throttle.io_serviced_recursive"

    /// Kernels since 6.10 count v1's block I/O on a disk only after a throttle was once written for it. The root then
    /// shows the disk; a cgroup shows it with its first request, so no line there may also mean that nothing was read.
    private static func isCounted(_ files: CgroupFiles) -> Bool {
        var isCounted = false
        bestEffort("a root that cannot be read shows no disk") { () throws(SyscallError) in
            KernelText.blkio(try files.readAtRoot(bytesFile)) { _, _, _ in isCounted = true }
        }
        return isCounted
    }
}

extension BlockDeviceUsage {
    /// The name of the disk, from its link in sysfs; nil if there is no such device (any more).
    func findName() -> String? {
        var name: String?
        bestEffort("the number stays when the name is not to be had") { () throws(SyscallError) in
            name = try readLink("/sys/dev/block/\(major):\(minor)").lastComponent?.string
        }
        return name
    }
}
