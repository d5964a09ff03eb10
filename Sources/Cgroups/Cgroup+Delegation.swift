internal import LinuxSystem

extension Cgroup {
    /// Gives the v2 directory to the user of the container's program, with the files that the kernel lists as safe to
    /// hand over and no others, so that it can make cgroups of its own but not change its limits (CG-7, CG-8).
    /// Preconditions: the container has its own cgroup namespace and a writable cgroup mount.
    /// - SeeAlso: cgroup-v2.rst §Delegation, runtime-spec config-linux.md §Cgroup ownership
    func delegate(toUser user: UInt32) throws(StepError) {
        guard let unified else { return }
        try during("delegate cgroup \(path) to user \(user)") { () throws(SyscallError) in
            for file in ["."] + (try Self.delegatedFiles()) {
                do throws(SyscallError) {
                    try changeOwner(of: Path(file), in: unified.descriptor, userID: user, groupID: .max)
                } catch {
                    // The list names files of controllers that this cgroup may lack.
                    if error.errno != .ENOENT { throw error }
                }
            }
        }
    }

    private static func delegatedFiles() throws(SyscallError) -> [String] {
        do throws(SyscallError) {
            let bytes = try readFile("/sys/kernel/cgroup/delegate", sizeHint: 1024)
            return bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            if error.errno != .ENOENT { throw error }
            return ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]
        }
    }
}
