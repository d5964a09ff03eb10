package import LinuxSystem

/// The mount of a container's root where no mount namespace of its own ends with the container: in the runtime's own or in
/// one that it has joined. Noted before it is attached, so that whoever deletes the container takes off this one and no other.
/// - SeeAlso: runtime-spec config-linux.md §Namespaces; checklist NS-4
package struct AttachedRoot: Sendable, Equatable {
    /// Its number in mountinfo.
    package var number: UInt64
    /// The number that no other mount has after it; 0 before kernel 6.8.
    package var unique: UInt64
    /// The directory that is its top: device and inode.
    package var device: UInt64
    package var inode: UInt64
    /// Where it is attached; in a joined namespace as the runtime sees it.
    package var place: Path
    /// A file of the mount namespace that has it; nil is the runtime's own.
    package var namespace: String?

    /// A mount.
    package init(
        number: UInt64, unique: UInt64, device: UInt64, inode: UInt64, place: Path, namespace: String?
    ) {
        self.number = number
        self.unique = unique
        self.device = device
        self.inode = inode
        self.place = place
        self.namespace = namespace
    }

    /// What the plan will attach of these sources; nil if it ends with the container anyway.
    /// - Throws: `StepError` where the host's own root would be covered: nothing could take that off again.
    package static func find(
        _ sources: inout MountSources, _ plan: MountPlan, namespace: String?
    ) throws(StepError) -> AttachedRoot? {
        guard plan.rootChange == .chroot, let place = plan.attachPoint else { return nil }
        let step: Step = "look at the root file system \(place)"
        let carrier = try during(step, code: .mountFailed) { () throws(SyscallError) in
            try open(place, [.pathOnly, .directory])
        }
        let view = carrier.borrowed
        let covers = try during(step, code: .mountFailed) { () throws(SyscallError) in
            let top = try open("/", [.pathOnly, .directory])
            let (own, other) = (try view.mountIdentity(), try top.borrowed.mountIdentity())
            let isSame = try view.status().isSameFile(as: try top.borrowed.status())
            return own == other && isSame
        }
        guard let root = sources.root?.borrowed else {
            // The child opens it, in a namespace of its user's: nobody else may take it off.
            return AttachedRoot(
                number: 0, unique: 0, device: 0, inode: 0, place: place, namespace: namespace)
        }
        guard !covers || namespace != nil else {
            throw StepError(
                step, refused: "it is the host's root, which needs a mount namespace", code: .mountFailed)
        }
        return try during(step, code: .mountFailed) { () throws(SyscallError) in
            let identity = try root.mountIdentity()
            let status = try root.status()
            return AttachedRoot(
                number: identity.number, unique: identity.unique, device: status.device, inode: status.inode,
                place: try readLink(Path("/proc/self/fd/\(view.rawValue)")), namespace: namespace)
        }
    }

    /// Takes the mount off, with everything in it, if it is there. Nothing of it spreads to the host's mounts that it shows.
    /// - SeeAlso: umount2(2), mount_namespaces(7)
    package func detach() throws(StepError) {
        guard let namespace else { return try detachHere() }
        let file: BorrowedFD
        do throws(SyscallError) {
            file = BorrowedFD(rawValue: try open(Path(namespace), [.readOnly, .nonBlocking]).release())
        } catch  where error.errno == .ENOENT {
            return  // ended, and its mounts with it
        } catch {
            throw StepError(step, error, code: .mountFailed)
        }
        defer { _ = OwnedFD(adopting: file.rawValue) }
        let outcome = try during(step, code: .mountFailed) { () throws(SyscallError) in try cloneProcess() }
        switch consume outcome {
        case .child:
            let failure = bestEffort("the exit code tells") { () throws(StepError) in
                try during(step) { () throws(SyscallError) in
                    try joinNamespace(file, kinds: .newMount)
                }
                try detachHere()
            }
            exitProcess(failure == nil ? 0 : 1)
        case .parent(let child):
            let exit = try during(step, code: .mountFailed) { () throws(SyscallError) in
                try waitForExit(of: .pidfd(child.pidfd.borrowed))?.exit
            }
            guard exit == .exited(0) else {
                throw StepError(
                    step, refused: "it cannot be reached in the mount namespace \(namespace)",
                    code: .mountFailed)
            }
        }
    }

    private var step: Step { "detach the root file system \(place)" }

    private func detachHere() throws(StepError) {
        // Each turn takes off what lies on top of it, as a mount on `/` of the container does.
        for _ in 0..<64 {
            let isDone = try during(step, code: .mountFailed) { () throws(SyscallError) in
                let table = try mountTable()
                guard let own = table.first(where: { $0.number == number }) else { return true }
                let top = try open(own.mountPoint, [.pathOnly, .noFollow])
                if try isThis(top.borrowed) {
                    // What it shows of the host may have peers there, which would go with it.
                    try setMountAttributes(top.borrowed, propagation: .isPrivate, recursive: true)
                    try unmount(reference: top.borrowed)
                    return true
                }
                let covering = try top.borrowed.mountIdentity().number
                guard covering != number, isHere(own), table.descends(covering, from: number) else {
                    return true
                }
                try unmount(reference: top.borrowed)
                return false
            }
            if isDone { return }
        }
        throw StepError(step, refused: "too many mounts lie on top of it", code: .mountFailed)
    }

    /// The number alone may be another mount's by now.
    private func isThis(_ top: BorrowedFD) throws(SyscallError) -> Bool {
        let status = try top.status()
        let identity = try top.mountIdentity()
        return identity == (number, unique) && status.device == device && status.inode == inode
    }

    private func isHere(_ entry: MountTableEntry) -> Bool { namespace != nil || entry.mountPoint == place }
}

extension [MountTableEntry] {
    /// Whether a mount lies on another, directly or by others between.
    fileprivate func descends(_ upper: UInt64, from lower: UInt64) -> Bool {
        var number = upper
        for _ in indices {
            guard let entry = first(where: { $0.number == number }) else { return false }
            if entry.parent == lower { return true }
            number = entry.parent
        }
        return false
    }
}
