package import JSONCoding

/// The part of a configuration that only Linux has.
/// - SeeAlso: runtime-spec config-linux.md
package struct LinuxSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Namespaces to make or join; kinds not listed are shared with the caller.
    package var namespaces: [NamespaceSpec]
    /// User ids of a new user namespace.
    package var uidMappings: [IDMappingSpec]
    /// Group ids of a new user namespace.
    package var gidMappings: [IDMappingSpec]
    /// Clock offsets of a new time namespace.
    package var timeOffsets: TimeOffsetsSpec?
    /// Device nodes beside the default ones.
    package var devices: [DeviceSpec]
    /// Network interfaces of the host that move into the container.
    package var netDevices: [NetDeviceSpec]
    /// Where the cgroup is; absolute means below the cgroup mount.
    package var cgroupsPath: String?
    /// Limits.
    package var resources: ResourcesSpec?
    /// Propagation of the root mount.
    package var rootfsPropagation: Propagation?
    /// Kernel parameters of the container's namespaces.
    package var sysctl: StringMap
    /// System call filter.
    package var seccomp: SeccompSpec?
    /// Absolute paths that the container cannot read.
    package var maskedPaths: [String]
    /// Absolute paths that the container cannot write.
    package var readonlyPaths: [String]
    /// SELinux context of the mounts.
    package var mountLabel: String?
    /// Cache and memory bandwidth allocation.
    package var intelRdt: IntelRdtSpec?
    /// NUMA memory policy.
    package var memoryPolicy: MemoryPolicySpec?
    /// Execution domain.
    package var personality: PersonalitySpec?

    /// The values named; everything else as if absent from the document.
    package init(
        namespaces: [NamespaceSpec] = [], uidMappings: [IDMappingSpec] = [],
        gidMappings: [IDMappingSpec] = [], timeOffsets: TimeOffsetsSpec? = nil, devices: [DeviceSpec] = [],
        netDevices: [NetDeviceSpec] = [], cgroupsPath: String? = nil, resources: ResourcesSpec? = nil,
        rootfsPropagation: Propagation? = nil, sysctl: StringMap = [:], seccomp: SeccompSpec? = nil,
        maskedPaths: [String] = [], readonlyPaths: [String] = [], mountLabel: String? = nil,
        intelRdt: IntelRdtSpec? = nil, memoryPolicy: MemoryPolicySpec? = nil,
        personality: PersonalitySpec? = nil
    ) {
        self.namespaces = namespaces
        self.uidMappings = uidMappings
        self.gidMappings = gidMappings
        self.timeOffsets = timeOffsets
        self.devices = devices
        self.netDevices = netDevices
        self.cgroupsPath = cgroupsPath
        self.resources = resources
        self.rootfsPropagation = rootfsPropagation
        self.sysctl = sysctl
        self.seccomp = seccomp
        self.maskedPaths = maskedPaths
        self.readonlyPaths = readonlyPaths
        self.mountLabel = mountLabel
        self.intelRdt = intelRdt
        self.memoryPolicy = memoryPolicy
        self.personality = personality
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "namespaces": namespaces = try reader.read()
            case "uidMappings": uidMappings = try reader.read()
            case "gidMappings": gidMappings = try reader.read()
            case "timeOffsets": timeOffsets = try reader.read()
            case "devices": devices = try reader.read()
            case "netDevices": netDevices = try NetDeviceSpec.list(from: &reader)
            case "cgroupsPath": cgroupsPath = try reader.text()
            case "resources": resources = try reader.read()
            case "rootfsPropagation": rootfsPropagation = try reader.word()
            case "sysctl": sysctl = try reader.read()
            case "seccomp": seccomp = try reader.read()
            case "maskedPaths": maskedPaths = try reader.read()
            case "readonlyPaths": readonlyPaths = try reader.read()
            case "mountLabel": mountLabel = try reader.text()
            case "intelRdt": intelRdt = try reader.read()
            case "memoryPolicy": memoryPolicy = try reader.read()
            case "personality": personality = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.fieldUnlessEmpty("namespaces", namespaces)
            writer.fieldUnlessEmpty("uidMappings", uidMappings)
            writer.fieldUnlessEmpty("gidMappings", gidMappings)
            writer.field("timeOffsets", timeOffsets)
            writer.fieldUnlessEmpty("devices", devices)
            if !netDevices.isEmpty {
                writer.field("netDevices") { writer in NetDeviceSpec.write(netDevices, to: &writer) }
            }
            writer.field("cgroupsPath", cgroupsPath)
            writer.field("resources", resources)
            writer.field("rootfsPropagation", rootfsPropagation)
            writer.fieldUnlessEmpty("sysctl", sysctl)
            writer.field("seccomp", seccomp)
            writer.fieldUnlessEmpty("maskedPaths", maskedPaths)
            writer.fieldUnlessEmpty("readonlyPaths", readonlyPaths)
            writer.field("mountLabel", mountLabel)
            writer.field("intelRdt", intelRdt)
            writer.field("memoryPolicy", memoryPolicy)
            writer.field("personality", personality)
        }
    }
}

extension LinuxSpec {
    /// Propagation of a mount.
    /// - SeeAlso: mount_namespaces(7)
    package enum Propagation: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "mount propagation"

        case shared
        case slave
        case `private` = "private"
        case unbindable
        case rshared
        case rslave
        case rprivate
        case runbindable
    }
}
