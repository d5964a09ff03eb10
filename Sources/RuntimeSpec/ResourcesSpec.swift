package import JSONCoding

/// Limits of a container. A number that is nil is not set; what 0 and -1 mean is up to each field.
/// - SeeAlso: runtime-spec config-linux.md §Control groups
package struct ResourcesSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Which devices may be used; later rules win.
    package var devices: [DeviceRule]
    /// Memory.
    package var memory: Memory?
    /// CPU time and placement.
    package var cpu: CPU?
    /// Number of tasks.
    package var pids: PIDs?
    /// Block devices.
    package var blockIO: BlockIO?
    /// Huge pages by size.
    package var hugepageLimits: [HugepageLimit]
    /// Network classes, cgroup v1 only.
    package var network: Network?
    /// RDMA resources by device.
    package var rdma: [String: RDMALimit]
    /// Files of cgroup v2 with the text to write.
    package var unified: StringMap

    /// The values named; everything else as if absent from the document.
    package init(
        devices: [DeviceRule] = [], memory: Memory? = nil, cpu: CPU? = nil, pids: PIDs? = nil,
        blockIO: BlockIO? = nil, hugepageLimits: [HugepageLimit] = [], network: Network? = nil,
        rdma: [String: RDMALimit] = [:], unified: StringMap = [:]
    ) {
        self.devices = devices
        self.memory = memory
        self.cpu = cpu
        self.pids = pids
        self.blockIO = blockIO
        self.hugepageLimits = hugepageLimits
        self.network = network
        self.rdma = rdma
        self.unified = unified
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "devices": devices = try reader.read()
            case "memory": memory = try reader.read()
            case "cpu": cpu = try reader.read()
            case "pids": pids = try reader.read()
            case "blockIO": blockIO = try reader.read()
            case "hugepageLimits": hugepageLimits = try reader.read()
            case "network": network = try reader.read()
            case "rdma": rdma = try reader.read()
            case "unified": unified = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.fieldUnlessEmpty("devices", devices)
            writer.field("memory", memory)
            writer.field("cpu", cpu)
            writer.field("pids", pids)
            writer.field("blockIO", blockIO)
            writer.fieldUnlessEmpty("hugepageLimits", hugepageLimits)
            writer.field("network", network)
            writer.fieldUnlessEmpty("rdma", rdma)
            writer.fieldUnlessEmpty("unified", unified)
        }
    }
}

extension ResourcesSpec {
    /// Allows or denies the use of devices.
    /// - SeeAlso: runtime-spec config-linux.md §Allowed Device list
    package struct DeviceRule: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Allow or deny.
        package var allow: Bool
        /// Kind of device; nil means all.
        package var kind: DeviceRuleKind?
        /// Major number; nil means all.
        package var major: Int64?
        /// Minor number; nil means all.
        package var minor: Int64?
        /// Letters out of `rwm`: read, write, mknod.
        package var access: String?

        /// The values named; everything else as if absent from the document.
        package init(
            allow: Bool = false, kind: DeviceRuleKind? = nil, major: Int64? = nil, minor: Int64? = nil,
            access: String? = nil
        ) {
            self.allow = allow
            self.kind = kind
            self.major = major
            self.minor = minor
            self.access = access
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "allow": allow = try reader.read()
                case "type": kind = try reader.word()
                case "major": major = try reader.read()
                case "minor": minor = try reader.read()
                case "access": access = try reader.text()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("allow", allow)
                writer.field("type", kind)
                writer.field("major", major)
                writer.field("minor", minor)
                writer.field("access", access)
            }
        }
    }

    /// Kinds of devices in a rule.
    package enum DeviceRuleKind: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "device rule type"

        case all = "a"
        case character = "c"
        case block = "b"
        /// The same as `character`.
        case unbufferedCharacter = "u"
        /// Matches no device, as rules do not cover FIFOs.
        case fifo = "p"
    }

    /// Number of tasks.
    /// - SeeAlso: runtime-spec config-linux.md §PIDs
    package struct PIDs: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Most tasks; -1 means without limit.
        package var limit: Int64?

        /// The values named; everything else as if absent from the document.
        package init(limit: Int64? = nil) {
            self.limit = limit
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "limit": limit = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("limit", limit)
            }
        }
    }

    /// Limit for one size of huge pages.
    /// - SeeAlso: runtime-spec config-linux.md §Huge page limits
    package struct HugepageLimit: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Size, such as `2MB`.
        package var pageSize: String
        /// Bytes.
        package var limit: UInt64

        /// The values named; everything else as if absent from the document.
        package init(pageSize: String = "", limit: UInt64 = 0) {
            self.pageSize = pageSize
            self.limit = limit
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "pageSize": pageSize = try reader.read()
                case "limit": limit = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("pageSize", pageSize)
                writer.field("limit", limit)
            }
        }
    }

    /// Network classes, cgroup v1 only.
    /// - SeeAlso: runtime-spec config-linux.md §Network
    package struct Network: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Class of the packets.
        package var classID: UInt32?
        /// Priorities by interface.
        package var priorities: [NetworkPriority]

        /// The values named; everything else as if absent from the document.
        package init(classID: UInt32? = nil, priorities: [NetworkPriority] = []) {
            self.classID = classID
            self.priorities = priorities
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "classID": classID = try reader.read()
                case "priorities": priorities = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("classID", classID)
                writer.fieldUnlessEmpty("priorities", priorities)
            }
        }
    }

    /// Priority of the packets on one interface.
    package struct NetworkPriority: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Interface.
        package var name: String
        /// Priority.
        package var priority: UInt32

        /// The values named; everything else as if absent from the document.
        package init(name: String = "", priority: UInt32 = 0) {
            self.name = name
            self.priority = priority
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "name": name = try reader.read()
                case "priority": priority = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("name", name)
                writer.field("priority", priority)
            }
        }
    }

    /// RDMA resources of one device.
    /// - SeeAlso: runtime-spec config-linux.md §RDMA
    package struct RDMALimit: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Most handles.
        package var hcaHandles: UInt32?
        /// Most objects.
        package var hcaObjects: UInt32?

        /// The values named; everything else as if absent from the document.
        package init(hcaHandles: UInt32? = nil, hcaObjects: UInt32? = nil) {
            self.hcaHandles = hcaHandles
            self.hcaObjects = hcaObjects
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "hcaHandles": hcaHandles = try reader.read()
                case "hcaObjects": hcaObjects = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("hcaHandles", hcaHandles)
                writer.field("hcaObjects", hcaObjects)
            }
        }
    }
}
