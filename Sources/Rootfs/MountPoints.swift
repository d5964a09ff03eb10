package import LinuxSystem

/// Makes a root file system ready for a program that mounts everything again by itself, as CRIU does.
package enum MountPoints {
    private static let bindRecursively: UInt64 = 0x5000
    private static let slaveRecursively: UInt64 = 0x84000

    /// Moves the caller into a mount namespace of its own, makes the root a mount there, and makes the directories and
    /// files that mounts will land on. Nobody else sees the mounts; they end with the last process in the namespace.
    package static func prepare(_ plan: MountPlan) throws(StepError) {
        guard let source = plan.rootSource else {
            throw StepError("prepare the root file system", refused: "it has no path", code: .mountFailed)
        }
        try during("prepare the root file system \(source)", code: .mountFailed) { () throws(SyscallError) in
            try unshare(.newMount)
            try legacyMount(source: nil, onto: "/", type: nil, flags: slaveRecursively)
            try legacyMount(source: source, onto: source, type: nil, flags: bindRecursively)
        }
        let root = try during("open the root file system \(source)", code: .mountFailed) {
            () throws(SyscallError) in try open(source, [.pathOnly, .directory])
        }
        for entry in plan.entries { try prepare(entry, of: plan, in: root.borrowed) }
    }

    private static func prepare(
        _ entry: MountEntry, of plan: MountPlan, in root: BorrowedFD
    ) throws(StepError) {
        // What lies in a new file system comes with its contents.
        let isInside = plan.entries.contains { other in
            guard case .fresh = other.origin else { return false }
            return other.destination != entry.destination && entry.destination.isBelow(other.destination)
        }
        if isInside { return }
        switch entry.origin {
        case .remount: return
        case .fresh: _ = try MountTarget.open(entry, in: root) { () throws(SyscallError) in true }
        case .bind(let source, let recursive):
            // Attached for now: further places may lie in it.
            let tree = try during(entry.step, code: .mountFailed) { () throws(SyscallError) in
                try cloneTree(source, recursive: recursive)
            }
            let isDirectory = try during(entry.step, code: .mountFailed) { () throws(SyscallError) in
                try tree.borrowed.status().kind == .directory
            }
            let target = try MountTarget.open(entry, in: root) { () throws(SyscallError) in isDirectory }
            try target.attach(tree, of: entry, in: root)
        }
    }
}
