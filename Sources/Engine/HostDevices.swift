internal import LinuxSystem
internal import RuntimeSpec

/// Looks up devices of the host that a container is to have.
enum HostDevices {
    /// Kinds and numbers by source path.
    static func numbers(
        of devices: [RunOptions.DeviceOption]
    ) throws(StepError) -> [String: (kind: DeviceSpec.Kind, number: DeviceNumber)] {
        var result: [String: (kind: DeviceSpec.Kind, number: DeviceNumber)] = [:]
        for device in devices {
            let step: Step = "add device \(device.source)"
            let facts = try during(step) { () throws(SyscallError) in
                try status(of: Path(device.source), following: true)
            }
            switch facts.kind {
            case .characterDevice: result[device.source] = (.character, facts.deviceNumber)
            case .blockDevice: result[device.source] = (.block, facts.deviceNumber)
            default: throw StepError(step, refused: "is no device", code: .notFound)
            }
        }
        return result
    }
}
