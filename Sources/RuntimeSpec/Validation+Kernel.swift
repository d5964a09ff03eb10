import JSONCoding

extension Validation {
    /// SYS-2 and invariant I-14: a key stays below /proc/sys, and a value is one value. Whether the key
    /// belongs to a namespace of the container is decided where the namespaces are known.
    static func sysctl(of spec: RuntimeSpec) throws(SpecError) {
        for (key, value) in spec.linux?.sysctl ?? [:] {
            let parts = key.split(separator: "/", omittingEmptySubsequences: false)
                .flatMap { $0.split(separator: ".", omittingEmptySubsequences: false) }
            let isPlain = key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }
            if !isPlain || parts.count < 2 || parts.contains(where: { $0.isEmpty || $0 == ".." }) {
                throw SpecError(
                    field: "linux.sysctl", reason: "must be a name such as net.ipv4.ip_forward", value: key)
            }
            let field = "linux.sysctl[\"\(key)\"]"
            try requireOneLine(value, field)
            if value.contains("+") || value.contains("=") {
                throw SpecError(field: field, reason: "must not contain + or =", value: value)
            }
            try checkNames(key, value, field, spec)
        }
    }

    /// The names of the container have fields of their own, which say something else. The separators of a key with two
    /// names do not matter.
    private static func checkNames(
        _ key: String, _ value: String, _ field: String, _ spec: RuntimeSpec
    ) throws(SpecError) {
        switch key {
        case "kernel.hostname", "kernel/hostname":
            throw SpecError(
                field: field, reason: "conflicts with the field hostname, which sets this name", value: value)
        case "kernel.domainname", "kernel/domainname":
            guard let name = spec.domainname, !name.isEmpty, name != value else { return }
            throw SpecError(field: field, reason: "conflicts with domainname \"\(name)\"", value: value)
        default: break
        }
    }

    /// RDT-1 to RDT-3.
    static func intelRdt(of spec: RuntimeSpec) throws(SpecError) {
        guard let rdt = spec.linux?.intelRdt else { return }
        let field = "linux.intelRdt"
        if let id = rdt.closID, id != "/" {
            try requireOneLine(id, "\(field).closID")
            if id.contains("/") || id == "." || id == ".." {
                throw SpecError(field: "\(field).closID", reason: "must be / or a plain name", value: id)
            }
        }
        for (index, line) in rdt.schemata.enumerated() {
            try requireOneLine(line, "\(field).schemata[\(index)]")
        }
        if let line = rdt.l3CacheSchema { try requireOneLine(line, "\(field).l3CacheSchema") }
        guard let line = rdt.memBwSchema else { return }
        try requireOneLine(line, "\(field).memBwSchema")
        if !line.hasPrefix("MB:") {
            throw SpecError(field: "\(field).memBwSchema", reason: "must begin with MB:", value: line)
        }
    }

    /// NUMA-1, after set_mempolicy(2).
    static func memoryPolicy(of spec: RuntimeSpec) throws(SpecError) {
        guard let policy = spec.linux?.memoryPolicy else { return }
        let field = "linux.memoryPolicy"
        let nodes = policy.nodes.flatMap { $0.isEmpty ? nil : $0 }
        try requireNumberList(nodes, "\(field).nodes")
        let takesNone = policy.mode == .default || policy.mode == .local
        if takesNone, let nodes {
            throw SpecError(
                field: "\(field).nodes", reason: "must be empty for \(policy.mode.rawValue)", value: nodes)
        }
        // Without nodes, MPOL_PREFERRED means the local node.
        if !takesNone, policy.mode != .preferred, nodes == nil {
            throw SpecError(field: "\(field).nodes", reason: "is required for \(policy.mode.rawValue)")
        }
        if policy.flags.contains(.staticNodes), policy.flags.contains(.relativeNodes) {
            throw SpecError(
                field: "\(field).flags",
                reason: "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other")
        }
        let mapsNodes = policy.flags.contains(.staticNodes) || policy.flags.contains(.relativeNodes)
        if nodes == nil, mapsNodes {
            throw SpecError(
                field: "\(field).flags",
                reason: "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes",
                value: policy.mode.rawValue)
        }
        if policy.flags.contains(.numaBalancing), policy.mode != .bind, policy.mode != .preferredMany {
            throw SpecError(
                field: "\(field).flags",
                reason: "MPOL_F_NUMA_BALANCING is only for MPOL_BIND and MPOL_PREFERRED_MANY",
                value: policy.mode.rawValue)
        }
    }

    /// PERS-1.
    static func personality(of spec: RuntimeSpec) throws(SpecError) {
        guard let flag = spec.linux?.personality?.flags.first else { return }
        throw SpecError(field: "linux.personality.flags", reason: "must be empty", value: flag)
    }

    /// SEC-2, SEC-3, SEC-6, SEC-9, SEC-10.
    static func seccomp(of spec: RuntimeSpec) throws(SpecError) {
        guard let seccomp = spec.linux?.seccomp else { return }
        let field = "linux.seccomp"
        try check(seccomp.defaultErrnoRet, for: seccomp.defaultAction, "\(field).defaultErrnoRet")
        if seccomp.defaultAction == .notify {
            // The listener gets its descriptor through calls that would wait for the listener themselves.
            throw SpecError(
                field: "\(field).defaultAction", reason: "cannot be the default", value: "SCMP_ACT_NOTIFY")
        }
        // Writers that know no absent text write an empty one.
        let hasListener = seccomp.listenerPath?.isEmpty == false
        if !hasListener, let metadata = seccomp.listenerMetadata, !metadata.isEmpty {
            throw SpecError(field: "\(field).listenerMetadata", reason: "needs listenerPath", value: metadata)
        }
        for (index, rule) in seccomp.syscalls.enumerated() {
            if rule.names.isEmpty {
                throw SpecError(field: "\(field).syscalls[\(index)].names", reason: "is required")
            }
            if let name = rule.names.firstIndex(of: "") {
                throw SpecError(field: "\(field).syscalls[\(index)].names[\(name)]", reason: "is required")
            }
            try check(rule.errnoRet, for: rule.action, "\(field).syscalls[\(index)].errnoRet")
            if rule.action == .notify, !hasListener {
                throw SpecError(
                    field: "\(field).syscalls[\(index)].action", reason: "needs linux.seccomp.listenerPath",
                    value: rule.action.rawValue)
            }
            for (number, argument) in rule.args.enumerated() {
                try require(argument.index, in: 0...5, "\(field).syscalls[\(index)].args[\(number)].index")
            }
        }
    }

    /// An errno is at most 4095, the message to a tracer 65535.
    private static func check(
        _ value: UInt32?, for action: SeccompSpec.Action, _ field: @autoclosure () -> String
    ) throws(SpecError) {
        guard let value else { return }
        switch action {
        case .errno: try require(value, in: 0...4095, field())
        case .trace: try require(value, in: 0...65535, field())
        default:
            throw SpecError(
                field: field(),
                reason: "is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE, not \(action.rawValue)",
                value: "\(value)")
        }
    }
}
