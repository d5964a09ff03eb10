import LinuxSystem
import RuntimeSpec

extension MountPlan {
    /// Adds the listed devices and the default ones that are not listed. In a user namespace mknod(2) is not
    /// possible; the host's nodes are bound instead (DEV-4).
    mutating func addDevices(_ listed: [DeviceSpec], facts: RootfsFacts) throws(SpecError) {
        let binds = facts.ownNamespaces.contains(.user)
        for (index, device) in listed.enumerated() {
            devices.append(try MountPlan.entry(for: device, field: "linux.devices[\(index)]", binds: binds))
        }
        guard furnishesDev else { return }
        // Every container has these (DEV-5).
        addDefault("/dev/null", 1, 3, binds)
        addDefault("/dev/zero", 1, 5, binds)
        addDefault("/dev/full", 1, 7, binds)
        addDefault("/dev/random", 1, 8, binds)
        addDefault("/dev/urandom", 1, 9, binds)
        addDefault("/dev/tty", 5, 0, binds)
    }

    private mutating func addDefault(_ path: Path, _ major: UInt32, _ minor: UInt32, _ binds: Bool) {
        if devices.contains(where: { $0.path == path }) { return }
        devices.append(
            DeviceEntry(
                path: path, kind: .characterDevice, number: DeviceNumber(major: major, minor: minor),
                mode: 0o666,
                userID: 0, groupID: 0, bindSource: binds ? path : nil))
    }

    private static func entry(
        for device: DeviceSpec, field: String, binds: Bool
    ) throws(SpecError) -> DeviceEntry {
        let path = Path(device.path)
        guard path.isAbsolute, path.lastComponent != nil, !path.hasParentReference, !path.bytes.contains(0)
        else {
            throw SpecError(
                field: "\(field).path", reason: "must be an absolute path of a file", value: device.path)
        }
        let kind: FileKind =
            switch device.kind {
            case .character, .unbufferedCharacter: .characterDevice
            case .block: .blockDevice
            case .fifo: .fifo
            }
        var number = DeviceNumber(major: 0, minor: 0)
        if kind != .fifo {
            guard let major = device.major.flatMap({ UInt32(exactly: $0) }),
                let minor = device.minor.flatMap({ UInt32(exactly: $0) })
            else { throw SpecError(field: field, reason: "major and minor are required", value: device.path) }
            number = DeviceNumber(major: major, minor: minor)
        }
        return DeviceEntry(
            path: path, kind: kind, number: number, mode: (device.fileMode ?? 0o666) & 0o7777,
            userID: device.uid ?? 0, groupID: device.gid ?? 0, bindSource: binds && kind != .fifo ? path : nil
        )
    }
}
