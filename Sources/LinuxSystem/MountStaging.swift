internal import CLinux

/// A place for mounts that are not where they belong yet, for kernels without open_tree(2) or mount_setattr(2): their
/// mount(2) changes only what is attached in the caller's own namespace. A tmpfs lies on top of `/`, where no lookup
/// goes, as those start below it; `cloneTree` then binds into it, `moveMount` takes the mount out again, and
/// `setMountAttributes` remounts. It is unbindable, so that no recursive bind of `/` has it.
/// - SeeAlso: mount(2), mount_namespaces(7)
package enum MountStaging {
    /// See staging.c.
    private enum Slot {
        static let procfs = Int32(CL_STAGING_PROCFS.rawValue)
        static let place = Int32(CL_STAGING_PLACE.rawValue)
        static let count = Int32(CL_STAGING_COUNT.rawValue)
    }

    /// The host's /proc, once staging is on: what lies at /proc later is the container's.
    private static var procfs: BorrowedFD { BorrowedFD(rawValue: cl_staging_value(Slot.procfs)) }

    /// Whether `begin` was called.
    package static var isOn: Bool { procfs.rawValue >= 0 }

    /// From here on trees are staged. Preconditions: the caller is in a mount namespace of its own, whose mounts do
    /// not propagate to another, and the host's /proc is at /proc.
    package static func begin() throws(SyscallError) {
        guard !isOn else { return }
        let procfs = try open("/proc", [.pathOnly, .directory])
        guard try procfs.borrowed.fileSystemStatus().magic == FileSystemStatus.proc else {
            throw SyscallError(.fstatfs, on: "/proc", .EINVAL)
        }
        cl_staging_set(Slot.procfs, procfs.release())
    }

    /// Takes the place away, with everything that is still there, and forgets the host's /proc.
    package static func end() throws(SyscallError) {
        guard isOn else { return }
        try leavePlace()
        _ = OwnedFD(adopting: procfs.rawValue)
        cl_staging_set(Slot.procfs, -1)
    }

    /// Takes the place away; the next tree gets a new one. Has to come before pivot_root(2): a mount on top of the old
    /// root would be what is detached in its stead.
    package static func leavePlace() throws(SyscallError) {
        let number = cl_staging_value(Slot.place)
        guard isOn, number >= 0 else { return }
        let place = OwnedFD(adopting: number)
        cl_staging_set(Slot.place, -1)
        // A magic link leads to the mount itself, not to what it lies on.
        try inProcfs { () throws(SyscallError) in
            let result = unsafe path(of: place.borrowed).withCString { unsafe cl_umount($0, CL_MNT_DETACH) }
            try check(.umount, on: "staging", result)
        }
    }

    /// What `cloneTree` gives: a bind in the staging place.
    static func clone(
        _ path: Path, in directory: BorrowedFD, recursive: Bool, following: Bool
    ) throws(SyscallError) -> MountTree {
        let source =
            path.isEmpty
            ? try directory.duplicate()
            : try open(path, following ? .pathOnly : [.pathOnly, .noFollow], in: directory)
        let isDirectory = try source.borrowed.status().kind == .directory
        let place = try place()
        let number = cl_staging_value(Slot.count) + 1
        cl_staging_set(Slot.count, number)
        let name: Path = "\(number)"
        if isDirectory {
            try makeDirectory(name, in: place)
        } else {
            try makeNode(name, in: place, kind: .regular, mode: 0o600)
        }
        let target = try open(name, [.pathOnly, .noFollow], in: place)
        try mount(source.borrowed, onto: target.borrowed, CL_MS_BIND | (recursive ? CL_MS_REC : 0))
        return MountTree(adopting: try open(name, [.pathOnly, .noFollow], in: place))
    }

    private static func place() throws(SyscallError) -> BorrowedFD {
        let number = cl_staging_value(Slot.place)
        if number >= 0 { return BorrowedFD(rawValue: number) }
        let tree = try FileSystemContext(type: "tmpfs").mount([.noSetUserID, .noExecution])
        try moveMount(tree, onto: "/", in: .currentDirectory)
        try mount(nil, onto: tree.borrowed, CL_MS_UNBINDABLE)
        let kept = tree.release()
        cl_staging_set(Slot.place, kept)
        return BorrowedFD(rawValue: kept)
    }

    /// mount(2) on what descriptors refer to.
    static func mount(
        _ source: BorrowedFD?, onto target: BorrowedFD, _ flags: UInt64
    ) throws(SyscallError) {
        try inProcfs { () throws(SyscallError) in
            try legacyMount(
                source: source.map { path(of: $0) }, onto: path(of: target), type: nil, flags: flags)
        }
    }

    /// mountinfo as the caller sees it.
    static func mountInfo() throws(SyscallError) -> [UInt8] {
        try readFile("self/mountinfo", in: procfs)
    }

    private static func path(of file: BorrowedFD) -> Path { "self/fd/\(file.rawValue)" }

    /// mount(2) takes no descriptors: the working directory is the host's procfs meanwhile.
    private static func inProcfs(_ body: () throws(SyscallError) -> Void) throws(SyscallError) {
        let here = try open(".", [.pathOnly, .directory])
        try changeDirectory(to: procfs)
        do throws(SyscallError) {
            try body()
        } catch {
            try changeDirectory(to: here.borrowed)
            throw error
        }
        try changeDirectory(to: here.borrowed)
    }
}
