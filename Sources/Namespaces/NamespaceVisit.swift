package import LinuxSystem
package import RuntimeSpec

extension NamespaceKind {
    /// The kinds of namespaces that a process does not share with the caller, by name.
    /// - SeeAlso: namespaces(7), comparing namespaces
    package static func notShared(with pid: ProcessID) throws(StepError) -> [NamespaceKind] {
        var found: [NamespaceKind] = []
        for kind in joinOrder {
            let differs = try during("look at the namespaces of process \(pid)") { () throws(SyscallError) in
                let name = "ns/" + kind.procName
                guard let own = try statusIfPresent(of: Path("/proc/self/" + name), following: true) else {
                    return false  // this kernel has no such kind
                }
                return !own.isSameFile(as: try status(of: Path("/proc/\(pid)/" + name), following: true))
            }
            if differs { found.append(kind) }
        }
        return found.sorted { $0.rawValue < $1.rawValue }
    }
}

extension LoopbackInterface {
    /// Sets `lo` up in the network namespace of another process. Preconditions: one thread.
    /// - SeeAlso: setns(2)
    package static func bringUp(inNetworkOf pid: ProcessID) throws(StepError) {
        try during("set up the loopback interface", code: .networkFailed) { () throws(SyscallError) in
            let home = try open("/proc/self/ns/net", .readOnly)
            let other = try open("/proc/\(pid)/ns/net", .readOnly)
            try joinNamespace(other.borrowed, kinds: .newNetwork)
            let failure = bestEffort("thrown below, after the way home") { () throws(SyscallError) in
                try bringInterfaceUp("lo")
            }
            try joinNamespace(home.borrowed, kinds: .newNetwork)
            if let failure { throw failure }
        }
    }
}
