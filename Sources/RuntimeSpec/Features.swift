package import JSONCoding

/// What a runtime can do: the output of `features`. nil says that nothing is known, which differs from false.
/// - SeeAlso: runtime-spec features.md
package struct Features: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Oldest accepted version of the runtime specification.
    package var ociVersionMin: String
    /// Newest accepted version.
    package var ociVersionMax: String
    /// Kinds of hooks.
    package var hooks: [String]?
    /// Mount options that are not passed on as data.
    package var mountOptions: [String]?
    /// Everything that only Linux has.
    package var linux: Linux?
    /// Free data by name.
    package var annotations: StringMap
    /// Annotations that change what the runtime does; a name ending in `.` is a prefix.
    package var potentiallyUnsafeConfigAnnotations: [String]?

    /// The values named; everything else as if absent from the document.
    package init(
        ociVersionMin: String = "", ociVersionMax: String = "", hooks: [String]? = nil,
        mountOptions: [String]? = nil, linux: Linux? = nil, annotations: StringMap = [:],
        potentiallyUnsafeConfigAnnotations: [String]? = nil
    ) {
        self.ociVersionMin = ociVersionMin
        self.ociVersionMax = ociVersionMax
        self.hooks = hooks
        self.mountOptions = mountOptions
        self.linux = linux
        self.annotations = annotations
        self.potentiallyUnsafeConfigAnnotations = potentiallyUnsafeConfigAnnotations
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "ociVersionMin": ociVersionMin = try reader.read()
            case "ociVersionMax": ociVersionMax = try reader.read()
            case "hooks": hooks = try reader.read()
            case "mountOptions": mountOptions = try reader.read()
            case "linux": linux = try reader.read()
            case "annotations": annotations = try reader.read()
            case "potentiallyUnsafeConfigAnnotations": potentiallyUnsafeConfigAnnotations = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("ociVersionMin", ociVersionMin)
            writer.field("ociVersionMax", ociVersionMax)
            writer.field("hooks", hooks)
            writer.field("mountOptions", mountOptions)
            writer.field("linux", linux)
            writer.fieldUnlessEmpty("annotations", annotations)
            writer.field("potentiallyUnsafeConfigAnnotations", potentiallyUnsafeConfigAnnotations)
        }
    }
}

extension Features {
    /// What a runtime can do on Linux.
    /// - SeeAlso: runtime-spec features-linux.md
    package struct Linux: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Kinds of namespaces.
        package var namespaces: [String]?
        /// Names of capabilities.
        package var capabilities: [String]?
        /// Control groups.
        package var cgroup: Cgroup?
        /// System call filters.
        package var seccomp: Seccomp?
        /// AppArmor.
        package var apparmor: Enabled?
        /// SELinux.
        package var selinux: Enabled?
        /// Cache and memory bandwidth allocation.
        package var intelRdt: IntelRdt?
        /// NUMA memory policy.
        package var memoryPolicy: MemoryPolicy?
        /// Mounts beyond the classic ones.
        package var mountExtensions: MountExtensions?
        /// Moving network interfaces.
        package var netDevices: Enabled?

        /// The values named; everything else as if absent from the document.
        package init(
            namespaces: [String]? = nil, capabilities: [String]? = nil, cgroup: Cgroup? = nil,
            seccomp: Seccomp? = nil, apparmor: Enabled? = nil, selinux: Enabled? = nil,
            intelRdt: IntelRdt? = nil, memoryPolicy: MemoryPolicy? = nil,
            mountExtensions: MountExtensions? = nil, netDevices: Enabled? = nil
        ) {
            self.namespaces = namespaces
            self.capabilities = capabilities
            self.cgroup = cgroup
            self.seccomp = seccomp
            self.apparmor = apparmor
            self.selinux = selinux
            self.intelRdt = intelRdt
            self.memoryPolicy = memoryPolicy
            self.mountExtensions = mountExtensions
            self.netDevices = netDevices
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "namespaces": namespaces = try reader.read()
                case "capabilities": capabilities = try reader.read()
                case "cgroup": cgroup = try reader.read()
                case "seccomp": seccomp = try reader.read()
                case "apparmor": apparmor = try reader.read()
                case "selinux": selinux = try reader.read()
                case "intelRdt": intelRdt = try reader.read()
                case "memoryPolicy": memoryPolicy = try reader.read()
                case "mountExtensions": mountExtensions = try reader.read()
                case "netDevices": netDevices = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("namespaces", namespaces)
                writer.field("capabilities", capabilities)
                writer.field("cgroup", cgroup)
                writer.field("seccomp", seccomp)
                writer.field("apparmor", apparmor)
                writer.field("selinux", selinux)
                writer.field("intelRdt", intelRdt)
                writer.field("memoryPolicy", memoryPolicy)
                writer.field("mountExtensions", mountExtensions)
                writer.field("netDevices", netDevices)
            }
        }
    }

    /// Whether something is there at all.
    package struct Enabled: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Whether it is.
        package var enabled: Bool?

        /// The values named; everything else as if absent from the document.
        package init(enabled: Bool? = nil) {
            self.enabled = enabled
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "enabled": enabled = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("enabled", enabled)
            }
        }
    }

    /// Control groups.
    package struct Cgroup: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Version 1.
        package var v1: Bool?
        /// Version 2.
        package var v2: Bool?
        /// Through the system's systemd.
        package var systemd: Bool?
        /// Through the user's systemd.
        package var systemdUser: Bool?
        /// The rdma controller.
        package var rdma: Bool?

        /// The values named; everything else as if absent from the document.
        package init(
            v1: Bool? = nil, v2: Bool? = nil, systemd: Bool? = nil, systemdUser: Bool? = nil,
            rdma: Bool? = nil
        ) {
            self.v1 = v1
            self.v2 = v2
            self.systemd = systemd
            self.systemdUser = systemdUser
            self.rdma = rdma
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "v1": v1 = try reader.read()
                case "v2": v2 = try reader.read()
                case "systemd": systemd = try reader.read()
                case "systemdUser": systemdUser = try reader.read()
                case "rdma": rdma = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("v1", v1)
                writer.field("v2", v2)
                writer.field("systemd", systemd)
                writer.field("systemdUser", systemdUser)
                writer.field("rdma", rdma)
            }
        }
    }

    /// System call filters.
    package struct Seccomp: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Whether there are any.
        package var enabled: Bool?
        /// Actions.
        package var actions: [String]?
        /// Operators.
        package var operators: [String]?
        /// System call tables.
        package var archs: [String]?
        /// Flags the runtime knows.
        package var knownFlags: [String]?
        /// Flags that also this host supports.
        package var supportedFlags: [String]?

        /// The values named; everything else as if absent from the document.
        package init(
            enabled: Bool? = nil, actions: [String]? = nil, operators: [String]? = nil,
            archs: [String]? = nil, knownFlags: [String]? = nil, supportedFlags: [String]? = nil
        ) {
            self.enabled = enabled
            self.actions = actions
            self.operators = operators
            self.archs = archs
            self.knownFlags = knownFlags
            self.supportedFlags = supportedFlags
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "enabled": enabled = try reader.read()
                case "actions": actions = try reader.read()
                case "operators": operators = try reader.read()
                case "archs": archs = try reader.read()
                case "knownFlags": knownFlags = try reader.read()
                case "supportedFlags": supportedFlags = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("enabled", enabled)
                writer.field("actions", actions)
                writer.field("operators", operators)
                writer.field("archs", archs)
                writer.field("knownFlags", knownFlags)
                writer.field("supportedFlags", supportedFlags)
            }
        }
    }

    /// Cache and memory bandwidth allocation.
    package struct IntelRdt: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Whether it is there.
        package var enabled: Bool?
        /// The `schemata` property.
        package var schemata: Bool?
        /// The `enableMonitoring` property.
        package var monitoring: Bool?

        /// The values named; everything else as if absent from the document.
        package init(enabled: Bool? = nil, schemata: Bool? = nil, monitoring: Bool? = nil) {
            self.enabled = enabled
            self.schemata = schemata
            self.monitoring = monitoring
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "enabled": enabled = try reader.read()
                case "schemata": schemata = try reader.read()
                case "monitoring": monitoring = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("enabled", enabled)
                writer.field("schemata", schemata)
                writer.field("monitoring", monitoring)
            }
        }
    }

    /// NUMA memory policy.
    package struct MemoryPolicy: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Modes.
        package var modes: [String]?
        /// Mode flags.
        package var flags: [String]?

        /// The values named; everything else as if absent from the document.
        package init(modes: [String]? = nil, flags: [String]? = nil) {
            self.modes = modes
            self.flags = flags
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "modes": modes = try reader.read()
                case "flags": flags = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("modes", modes)
                writer.field("flags", flags)
            }
        }
    }

    /// Mounts beyond the classic ones.
    package struct MountExtensions: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Id-mapped mounts.
        package var idmap: Enabled?

        /// The values named; everything else as if absent from the document.
        package init(idmap: Enabled? = nil) {
            self.idmap = idmap
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "idmap": idmap = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("idmap", idmap)
            }
        }
    }
}
