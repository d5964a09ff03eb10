import LinuxSystem

extension RootfsContext {
    /// Makes the container's root `/`, and the host's mounts unreachable.
    mutating func changeRoot() throws(StepError) {
        try during("enter root file system") { () throws(SyscallError) in
            try MountStaging.leavePlace()
            try changeDirectory(to: root)
        }
        switch plan.rootChange {
        case .pivot: try pivot()
        case .move: try coverHostRoot()
        case .chroot:
            try during("change root") { () throws(SyscallError) in try LinuxSystem.changeRoot(to: ".") }
        }
        try during("enter /") { () throws(SyscallError) in try changeDirectory(to: "/") }
    }

    /// Puts the container's root on top of the host's, which stays below it.
    private func coverHostRoot() throws(StepError) {
        try hideKernelFileSystems()
        try during("move root file system to /") { () throws(SyscallError) in
            do throws(SyscallError) {
                try moveMount(rootTree, onto: "/", in: .currentDirectory)
            } catch  where error.errno == .ELOOP {
                // It lies there already: an image's root is attached nowhere else.
            }
            try LinuxSystem.changeRoot(to: ".")
        }
    }

    /// Without pivot_root the host's mounts stay below the container's root. An uncovered procfs or sysfs among them would
    /// let a user namespace of the container mount its own, without our masks.
    /// - SeeAlso: mount_namespaces(7), "fully visible"
    private func hideKernelFileSystems() throws(StepError) {
        let step: Step = "take the host's /proc and /sys off"
        let mounts = try during(step) { () throws(SyscallError) in try mountTable() }
        for mount in mounts.reversed() where mount.type == "proc" || mount.type == "sysfs" {
            if let own = plan.attachPoint, mount.mountPoint.isBelow(own) { continue }
            try during(step) { () throws(SyscallError) in
                do throws(SyscallError) {
                    try unmount(mount.mountPoint, lazily: true)
                } catch {
                    // In a user namespace they are locked; covered they are not fully visible either.
                    guard error.errno == .EINVAL || error.errno == .EPERM else { throw error }
                    try legacyMount(
                        source: "tmpfs", onto: mount.mountPoint, type: "tmpfs", flags: 0, data: "")
                }
            }
        }
    }

    /// pivot_root(".", ".") puts the old root on top of the new one, where it can be taken off without a directory
    /// for it inside the container. The copies of the host's mounts became slaves before, so detaching them does not
    /// reach the host.
    private func pivot() throws(StepError) {
        do throws(SyscallError) {
            try pivotRoot(to: ".", oldRoot: ".")
        } catch  where error.errno == .EINVAL && rootIsInitramfs() {
            return try coverHostRoot()
        } catch {
            throw StepError("pivot root", error)
        }
        try during("detach the host's mounts") { () throws(SyscallError) in try unmount(".", lazily: true) }
    }

    /// Mounts that had to stay writable until now become read-only.
    mutating func finishReadOnly() throws(StepError) {
        for index in 0..<lateReadOnly.count {
            guard let tree = lateReadOnly.view(index) else { continue }
            try during("make mounts read-only") { () throws(SyscallError) in
                try setMountAttributes(tree, set: .readOnly)
            }
        }
        if plan.rootIsReadOnly {
            // One flag more; nosuid, nodev, noexec of the source stay, which also a locked mount allows (ROOT-3).
            try during("make root file system read-only") { () throws(SyscallError) in
                try setMountAttributes(root, set: .readOnly)
            }
        }
    }

    /// Gives the root its propagation. `shared` starts a peer group of its own, never the host's (PROP-1).
    mutating func settlePropagation() throws(StepError) {
        if let change = plan.rootPropagation, change.kind != .isPrivate {
            try during("set propagation of the root file system") { () throws(SyscallError) in
                try setMountAttributes(root, propagation: change.kind, recursive: change.recursive)
            }
        }
        try during("leave the staging place") { () throws(SyscallError) in try MountStaging.end() }
    }
}
