package import LinuxSystem

/// The settings of the one cgroup v2 tree of a machine, which belong to all its mounts: `nsdelegate`,
/// `memory_recursiveprot` and others. Who mounts the tree once more without them, as CRIU does, takes them away for
/// everybody, and with nsdelegate a protection of the host.
/// - SeeAlso: cgroup-v2.rst, Mounting
package struct UnifiedMountFlags: Sendable, Equatable {
    private static let known = [
        "nsdelegate", "favordynmods", "memory_localevents", "memory_recursiveprot",
        "memory_hugetlb_accounting",
        "pids_localevents",
    ]

    /// Those that are set; nil when no such tree is mounted.
    private let flags: [String]?

    /// Those of now.
    package static func current() throws(StepError) -> UnifiedMountFlags {
        let text = try during("look for the cgroup mount") { () throws(SyscallError) in
            String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self)
        }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let end = fields.firstIndex(of: "-"), fields.count > end + 3, fields[end + 1] == "cgroup2"
            else { continue }
            let options = fields[end + 3].split(separator: ",").map { String($0) }
            return UnifiedMountFlags(flags: options.filter { known.contains($0) })
        }
        return UnifiedMountFlags(flags: nil)
    }

    /// Sets them again if they are others now.
    package func putBack() throws(StepError) {
        guard let flags, try Self.current() != self else { return }
        try during("put back the options of the cgroup mount") { () throws(SyscallError) in
            let context = try FileSystemContext(type: "cgroup2")
            for flag in flags { try context.setFlag(flag) }
            _ = try context.mount()
        }
    }
}
