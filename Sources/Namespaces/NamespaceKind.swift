package import LinuxSystem
package import RuntimeSpec

extension CloneFlags {
    /// The flag that makes or names a namespace of one kind.
    /// - SeeAlso: namespaces(7)
    package init(_ kind: NamespaceKind) {
        self =
            switch kind {
            case .pid: .newPID
            case .network: .newNetwork
            case .mount: .newMount
            case .ipc: .newIPC
            case .uts: .newUTS
            case .user: .newUser
            case .cgroup: .newCgroup
            case .time: .newTime
            }
    }

    /// Whether a kind is in the set.
    package func contains(_ kind: NamespaceKind) -> Bool { contains(CloneFlags(kind)) }
}

extension NamespaceKind {
    /// Every kind, in the order in which joins are tried. The user namespace comes last: a process that has entered
    /// it loses its rights over everything that belongs to the host's. What may only be joined from inside it is
    /// tried again after it.
    package static let joinOrder: [NamespaceKind] = [
        .cgroup, .ipc, .uts, .network, .pid, .time, .mount, .user,
    ]

    /// The file below `/proc/PID/ns`.
    package var procName: String {
        switch self {
        case .mount: "mnt"
        case .network: "net"
        default: rawValue
        }
    }
}
