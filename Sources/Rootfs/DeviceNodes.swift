package import LinuxSystem

extension RootfsContext {
    /// Makes the device nodes. They come right after the mounts, because `/dev` is usually a mount, and before the
    /// hooks, which may look at them. The umask is 0 by then, so modes are exact (DEV-3).
    mutating func makeDevices() throws(StepError) {
        guard !plan.devices.isEmpty else { return }
        var opened: (path: Path, fd: Int32) = ("", -1)
        defer { if opened.fd >= 0 { _ = OwnedFD(adopting: opened.fd) } }
        for index in plan.devices.indices {
            let device = plan.devices[index]
            let parent = device.path.parent
            if opened.fd < 0 || opened.path != parent {
                if opened.fd >= 0 { _ = OwnedFD(adopting: opened.fd) }
                opened.fd = -1
                let directory = try openDirectory(parent, for: device)
                opened = (parent, directory.release())
            }
            let directory = BorrowedFD(rawValue: opened.fd)
            if let tree = sources.devices.take(index) {
                try bindDevice(tree, device, in: directory)
            } else {
                try makeDevice(device, in: directory)
            }
        }
    }

    private func openDirectory(_ path: Path, for device: DeviceEntry) throws(StepError) -> OwnedFD {
        try during("make device \(device.path)") { () throws(SyscallError) in
            try makeDirectories(path, inRoot: root)
        }
    }

    private func makeDevice(_ device: DeviceEntry, in directory: BorrowedFD) throws(StepError) {
        guard let name = device.path.lastComponent else { return }
        do throws(SyscallError) {
            try makeNode(name, in: directory, kind: device.kind, mode: device.mode, device: device.number)
            if device.userID != 0 || device.groupID != 0 {
                try changeOwner(of: name, in: directory, userID: device.userID, groupID: device.groupID)
            }
        } catch  where error.errno == .EEXIST {
            try accept(device, name, in: directory)
        } catch  where error.errno == .EPERM && error.call == .mknodat && device.kind != .fifo {
            // No CAP_MKNOD, as inside another container: the host's node does as well.
            try bindDevice(try MountSources.openDevice(device.path), device, in: directory)
        } catch {
            throw StepError("make device \(device.path)", error)
        }
    }

    /// Something of that name is there: fine if it is the same device, else an error (DEV-2).
    private func accept(_ device: DeviceEntry, _ name: Path, in directory: BorrowedFD) throws(StepError) {
        let there = try during("make device \(device.path)") { () throws(SyscallError) in
            try status(of: name, in: directory)
        }
        guard there.kind == device.kind, device.kind == .fifo || there.deviceNumber == device.number else {
            throw StepError(
                "make device \(device.path)",
                refused: "a different file of that name is in the root file system")
        }
    }

    /// Binds a host node onto an empty file. A link of that name is refused, whatever it leads to.
    private func bindDevice(
        _ tree: consuming MountTree, _ device: DeviceEntry, in directory: BorrowedFD
    ) throws(StepError) {
        let view = tree.borrowed
        let target = try during("bind device \(device.path)") { () throws(SyscallError) in
            try makeFileToCover(device.path.lastComponent ?? ".", in: directory)
        }
        let found = try during("bind device \(device.path)") { () throws(SyscallError) in try view.status() }
        guard found.kind == device.kind, found.deviceNumber == device.number else {
            throw StepError("bind device \(device.path)", refused: "the host's node is another device")
        }
        let attached = tree
        try during("bind device \(device.path)") { () throws(SyscallError) in
            try moveMount(attached, onto: target.borrowed)
        }
    }

    /// An empty file in a directory, to mount something on; one that is there already will do unless it is a link.
    func makeFileToCover(_ name: Path, in directory: BorrowedFD, mode: UInt32 = 0o644) throws(SyscallError)
        -> OwnedFD
    {
        do throws(SyscallError) {
            try makeNode(name, in: directory, kind: .regular, mode: mode)
        } catch {
            if error.errno != .EEXIST { throw error }
        }
        let file = try open(name, [.pathOnly, .noFollow], in: directory)
        switch try file.borrowed.status().kind {
        case .symbolicLink: throw SyscallError(.openat, on: name.string, .ELOOP)
        case .directory: throw SyscallError(.openat, on: name.string, .EISDIR)
        default: return file
        }
    }

    /// Covers `/dev/console` with the replica side of the container's terminal. The descriptor must have been opened
    /// in this mount namespace, from the container's own devpts (I-28).
    /// - SeeAlso: runtime-spec config-linux.md §Default Devices
    package mutating func placeConsole(_ replica: BorrowedFD) throws(StepError) {
        guard plan.furnishesDev else { return }
        try during("bind the terminal on /dev/console") { () throws(SyscallError) in
            let directory = try makeDirectories("/dev", inRoot: root)
            let target = try makeFileToCover("console", in: directory.borrowed, mode: 0o600)
            try moveMount(try cloneTree("", in: replica, recursive: false), onto: target.borrowed)
        }
    }
}
