import LinuxSystem

extension RootfsContext {
    /// Makes paths read-only: a clone of what is there, with one more flag, on top of it. Everything mounted below
    /// comes along, and all other flags stay (PATH-3). What is missing is skipped.
    mutating func protectReadOnlyPaths() throws(StepError) {
        for path in plan.readOnlyPaths {
            guard let target = try openToProtect(path) else { continue }
            try during("make \(path) read-only") { () throws(SyscallError) in
                let tree = try cloneTree("", in: target.borrowed, recursive: true)
                try setMountAttributes(tree.borrowed, set: .readOnly, recursive: true)
                try moveMount(tree, onto: target.borrowed)
            }
        }
    }

    /// Makes paths unreadable: files are covered by the null device, directories by one empty read-only tmpfs that
    /// all of them share, so that a thousand masked directories cost one file system (PATH-1, PATH-2).
    mutating func maskPaths() throws(StepError) {
        var emptyDirectory = TreeList()
        var emptyDevice: UInt64?
        var nullIsAttached = false
        for path in plan.maskedPaths {
            guard let target = try openToProtect(path) else { continue }
            let step: Step = "mask \(path)"
            let status = try during(step) { () throws(SyscallError) in try target.borrowed.status() }
            // Listed twice, or below one that is masked.
            if status.device == emptyDevice || status.isNullDevice { continue }
            if status.kind == .directory {
                if let tree = emptyDirectory.first {
                    try cover(target, withCloneOf: tree, step)
                } else {
                    let tree = try during(step) { () throws(SyscallError) in
                        let tree = try RootfsContext.makeEmptyDirectory()
                        try moveMount(tree, onto: target.borrowed)
                        return tree
                    }
                    emptyDevice = try during(step) { () throws(SyscallError) in
                        try tree.borrowed.status().device
                    }
                    emptyDirectory.append(tree)
                }
                continue
            }
            try coverWithNull(target, step, isFirst: !nullIsAttached)
            nullIsAttached = true
        }
    }

    /// The first use attaches the tree that came from the host; the others clone it, which older kernels allow only
    /// for a mount of this namespace.
    private mutating func coverWithNull(
        _ target: borrowing OwnedFD, _ step: Step, isFirst: Bool
    ) throws(StepError) {
        guard let tree = sources.nullDevice?.borrowed else {
            throw StepError(step, refused: "the null device has not been opened")
        }
        if !isFirst { return try cover(target, withCloneOf: tree, step) }
        if MountStaging.isOn { return try coverWithNullOfContainer(target, step) }
        try during(step) { () throws(SyscallError) in
            try moveMount(reference: tree, onto: target.borrowed)
        }
    }

    /// What was staged is gone with the old root; but whatever is the null device is as good as the host's (I-12).
    private mutating func coverWithNullOfContainer(
        _ target: borrowing OwnedFD, _ step: Step
    ) throws(StepError) {
        let file = try during(
            step, hint: "without mount_setattr(2) a masked file needs the container's /dev/null"
        ) {
            () throws(SyscallError) in
            try open("/dev/null", .pathOnly, in: root, resolving: [.inRoot, .noSymlinks])
        }
        let status = try during(step) { () throws(SyscallError) in try file.borrowed.status() }
        guard status.kind == .characterDevice, status.deviceNumber == DeviceNumber(major: 1, minor: 3) else {
            throw StepError(step, refused: "/dev/null is not the null device", code: .pathRefused)
        }
        let tree = try during(step) { () throws(SyscallError) in
            let tree = try cloneTree("", in: file.borrowed, recursive: false)
            try setMountAttributes(tree.borrowed, set: [.noSetUserID, .noExecution], propagation: .isPrivate)
            try moveMount(tree, onto: target.borrowed)
            return tree
        }
        sources.nullDevice = consume tree
    }

    private func cover(
        _ target: borrowing OwnedFD, withCloneOf tree: BorrowedFD, _ step: Step
    ) throws(StepError) {
        try during(step) { () throws(SyscallError) in
            try moveMount(try cloneTree("", in: tree, recursive: false), onto: target.borrowed)
        }
    }

    /// A tmpfs that can hold nothing.
    private static func makeEmptyDirectory() throws(SyscallError) -> MountTree {
        let context = try FileSystemContext(type: "tmpfs")
        try context.set("source", to: "tmpfs")
        try context.set("nr_blocks", to: "1")
        try context.set("nr_inodes", to: "1")
        try context.set("mode", to: "555")
        return try context.mount([.readOnly, .noSetUserID, .noDevices, .noExecution])
    }

    /// The file to cover, or nil when there is none. In procfs and sysfs a symbolic link is refused: covering what it
    /// leads to for this process would leave it open for the next one (`/proc/net` is `self/net`).
    private func openToProtect(_ path: Path) throws(StepError) -> OwnedFD? {
        let clean = path.lexicallyCleaned
        let isKernelFile = clean.isBelow("/proc") || clean.isBelow("/sys")
        do throws(SyscallError) {
            return try open(
                path, .pathOnly, in: root, resolving: isKernelFile ? [.inRoot, .noSymlinks] : .inRoot)
        } catch  where error.errno == .ENOENT || error.errno == .ENOTDIR {
            return nil
        } catch  where error.errno == .ELOOP && isKernelFile {
            throw StepError(
                "protect \(path)", refused: "it goes through a symbolic link", code: .pathRefused,
                operand: path.string)
        } catch {
            throw StepError("protect \(path)", error)
        }
    }
}
