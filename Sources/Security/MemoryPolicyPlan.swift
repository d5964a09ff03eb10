package import LinuxSystem
package import RuntimeSpec

/// The NUMA memory policy as the kernel takes it.
/// - SeeAlso: set_mempolicy(2), runtime-spec config-linux.md §Memory policy
package struct MemoryPolicyPlan: Equatable, Sendable {
    /// MPOL_* with the mode flags.
    package let mode: Int32
    /// Bit mask of nodes, empty for none.
    package let nodes: [UInt64]
    /// The policy in the configuration's words, for errors.
    private let text: String

    /// MAX_NUMNODES of the largest configuration that the kernel has.
    private static let nodeLimit = 1024

    /// The plan for a policy whose combinations `Validation` has checked.
    package init(_ policy: MemoryPolicySpec) throws(SpecError) {
        mode = policy.flags.reduce(Self.number(policy.mode)) { $0 | Self.bit($1) }
        var mask: [UInt64] = []
        if let list = policy.nodes, !list.isEmpty {
            let field = "linux.memoryPolicy.nodes"
            let nodes = try CPUList(list, field: field, of: "memory nodes", limit: Self.nodeLimit).processors
            mask = [UInt64](repeating: 0, count: (nodes.last ?? 0) / 64 + 1)
            for node in nodes { mask[node / 64] |= 1 << UInt64(node % 64) }
        }
        nodes = mask
        text = ([policy.mode.rawValue] + policy.flags.map(\.rawValue) + [policy.nodes ?? ""])
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// Sets it for the caller; exec keeps it.
    package func apply() throws(StepError) {
        try during(
            "set the memory policy \(text)", hint: "nodes must be online, and the kernel must know the mode"
        ) { () throws(SyscallError) in
            try setMemoryPolicy(mode: mode, nodes: nodes)
        }
    }

    private static func number(_ mode: MemoryPolicySpec.Mode) -> Int32 {
        switch mode {
        case .default: 0
        case .preferred: 1
        case .bind: 2
        case .interleave: 3
        case .local: 4
        case .preferredMany: 5
        case .weightedInterleave: 6
        }
    }

    private static func bit(_ flag: MemoryPolicySpec.Flag) -> Int32 {
        switch flag {
        case .staticNodes: 1 << 15
        case .relativeNodes: 1 << 14
        case .numaBalancing: 1 << 13
        }
    }
}
