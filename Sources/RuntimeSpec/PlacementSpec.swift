package import JSONCoding

/// Cache and memory bandwidth allocation through resctrl.
/// - SeeAlso: runtime-spec config-linux.md §IntelRdt
package struct IntelRdtSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Group to use or make; `/` is the root group, nil stands for the container's id.
    package var closID: String?
    /// Lines written to the schemata file.
    package var schemata: [String]
    /// L3 cache line, written first.
    package var l3CacheSchema: String?
    /// Memory bandwidth line, written second.
    package var memBwSchema: String?
    /// Makes a monitoring group for the container.
    package var enableMonitoring: Bool

    /// The values named; everything else as if absent from the document.
    package init(
        closID: String? = nil, schemata: [String] = [], l3CacheSchema: String? = nil,
        memBwSchema: String? = nil, enableMonitoring: Bool = false
    ) {
        self.closID = closID
        self.schemata = schemata
        self.l3CacheSchema = l3CacheSchema
        self.memBwSchema = memBwSchema
        self.enableMonitoring = enableMonitoring
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "closID": closID = try reader.text()
            case "schemata": schemata = try reader.read()
            case "l3CacheSchema": l3CacheSchema = try reader.text()
            case "memBwSchema": memBwSchema = try reader.text()
            case "enableMonitoring": enableMonitoring = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("closID", closID)
            writer.fieldUnlessEmpty("schemata", schemata)
            writer.field("l3CacheSchema", l3CacheSchema)
            writer.field("memBwSchema", memBwSchema)
            writer.fieldIfTrue("enableMonitoring", enableMonitoring)
        }
    }
}

/// NUMA memory policy of the program.
/// - SeeAlso: set_mempolicy(2), runtime-spec config-linux.md §Memory policy
package struct MemoryPolicySpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// The policy.
    package var mode: Mode
    /// Nodes, as a list such as `0-3,7`.
    package var nodes: String?
    /// Mode flags.
    package var flags: [Flag]

    /// The values named; everything else as if absent from the document.
    package init(mode: Mode, nodes: String? = nil, flags: [Flag] = []) {
        self.mode = mode
        self.nodes = nodes
        self.flags = flags
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(mode: .default)
        var hasMode = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "mode":
                mode = try reader.read()
                hasMode = true
            case "nodes": nodes = try reader.text()
            case "flags": flags = try reader.read()
            default: break
            }
        }
        if !hasMode { throw reader.refusal("\"mode\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("mode", mode)
            writer.field("nodes", nodes)
            writer.fieldUnlessEmpty("flags", flags)
        }
    }
}

extension MemoryPolicySpec {
    /// Modes of set_mempolicy(2).
    package enum Mode: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "memory policy mode"

        case `default` = "MPOL_DEFAULT"
        case preferred = "MPOL_PREFERRED"
        case bind = "MPOL_BIND"
        case interleave = "MPOL_INTERLEAVE"
        case local = "MPOL_LOCAL"
        case preferredMany = "MPOL_PREFERRED_MANY"
        case weightedInterleave = "MPOL_WEIGHTED_INTERLEAVE"
    }

    /// Mode flags of set_mempolicy(2).
    package enum Flag: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "memory policy flag"

        case staticNodes = "MPOL_F_STATIC_NODES"
        case relativeNodes = "MPOL_F_RELATIVE_NODES"
        case numaBalancing = "MPOL_F_NUMA_BALANCING"
    }
}

/// Execution domain of the program.
/// - SeeAlso: personality(2), runtime-spec config-linux.md §Personality
package struct PersonalitySpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// The domain.
    package var domain: Domain
    /// No flag is defined so far.
    package var flags: [String]

    /// The values named; everything else as if absent from the document.
    package init(domain: Domain, flags: [String] = []) {
        self.domain = domain
        self.flags = flags
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(domain: .linux)
        var hasDomain = false
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "domain":
                domain = try reader.read()
                hasDomain = true
            case "flags": flags = try reader.read()
            default: break
            }
        }
        if !hasDomain { throw reader.refusal("\"domain\" is required") }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("domain", domain)
            writer.fieldUnlessEmpty("flags", flags)
        }
    }
}

extension PersonalitySpec {
    /// Execution domains.
    package enum Domain: String, JSONWord {
        /// What the words name, for errors.
        package static let subject = "personality domain"

        case linux = "LINUX"
        case linux32 = "LINUX32"
    }
}
