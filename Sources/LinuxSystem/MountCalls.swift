internal import CLinux

/// A mount that is not attached anywhere yet, or a reference to one that is; it goes away with the value unless moved.
/// - SeeAlso: fsmount(2), open_tree(2)
package struct MountTree: ~Copyable {
    /// The descriptor that holds it.
    package let fd: OwnedFD

    /// Takes over a descriptor from fsmount(2) or open_tree(2).
    package init(adopting fd: consuming OwnedFD) { self.fd = fd }

    /// A view for calls that take a directory.
    package var borrowed: BorrowedFD { fd.borrowed }

    /// Gives up ownership; the caller closes.
    package consuming func release() -> Int32 { fd.release() }
}

/// Flags of a mount point (not of its file system), in the new interface's numbering.
/// - SeeAlso: mount_setattr(2), fsmount(2)
package struct MountAttributes: OptionSet, Sendable, Hashable {
    /// Bits MOUNT_ATTR_*.
    package let rawValue: UInt64
    /// From kernel bits.
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The union of flags. The generic way of the standard library costs some 5 us each time, because it is not
    /// specialised across modules.
    package init(arrayLiteral flags: MountAttributes...) {
        var bits: RawValue = 0
        for flag in flags { bits |= flag.rawValue }
        rawValue = bits
    }

    package static let readOnly = MountAttributes(rawValue: CL_MOUNT_ATTR_RDONLY)
    package static let noSetUserID = MountAttributes(rawValue: CL_MOUNT_ATTR_NOSUID)
    package static let noDevices = MountAttributes(rawValue: CL_MOUNT_ATTR_NODEV)
    package static let noExecution = MountAttributes(rawValue: CL_MOUNT_ATTR_NOEXEC)
    package static let noAccessTime = MountAttributes(rawValue: CL_MOUNT_ATTR_NOATIME)
    package static let strictAccessTime = MountAttributes(rawValue: CL_MOUNT_ATTR_STRICTATIME)
    package static let noDirectoryAccessTime = MountAttributes(rawValue: CL_MOUNT_ATTR_NODIRATIME)
    package static let noSymlinkFollow = MountAttributes(rawValue: CL_MOUNT_ATTR_NOSYMFOLLOW)
    /// With it in the cleared set, the access time field is replaced as a whole.
    package static let accessTimeMask = MountAttributes(rawValue: CL_MOUNT_ATTR__ATIME)
    /// Gives the mount the id mapping of a user namespace.
    package static let identityMapped = MountAttributes(rawValue: CL_MOUNT_ATTR_IDMAP)
}

/// How mounts and unmounts spread to and from a mount's peers.
/// - SeeAlso: mount_namespaces(7)
package enum MountPropagation: Sendable, Equatable {
    case isPrivate, isShared, isSlave, isUnbindable

    var bits: UInt64 {
        switch self {
        case .isPrivate: CL_MS_PRIVATE
        case .isShared: CL_MS_SHARED
        case .isSlave: CL_MS_SLAVE
        case .isUnbindable: CL_MS_UNBINDABLE
        }
    }
}

/// A file system under construction.
/// - SeeAlso: fsopen(2)
package struct FileSystemContext: ~Copyable {
    private let fd: OwnedFD
    private let type: String

    /// Starts a file system of a type such as `tmpfs`.
    /// - SeeAlso: fsopen(2)
    package init(type: String) throws(SyscallError) {
        let name = Path(type)
        let result = unsafe name.withCString { unsafe cl_fsopen($0) }
        fd = OwnedFD(adopting: Int32(try check(.fsopen, on: type, result)))
        self.type = type
    }

    /// Sets an option to a text; the kernel takes at most 255 bytes.
    /// - SeeAlso: fsconfig(2) FSCONFIG_SET_STRING
    package func set(_ key: String, to value: Path) throws(SyscallError) {
        let result = unsafe Path(key).withCString { key in
            unsafe value.withCString { unsafe cl_fsconfig(fd.rawValue, CL_FSCONFIG_SET_STRING, key, $0, 0) }
        }
        try check(.fsconfig, on: "\(type) \(key)=\(value)", result)
    }

    /// Sets an option to a text; the kernel takes at most 255 bytes.
    package func set(_ key: String, to value: String) throws(SyscallError) { try set(key, to: Path(value)) }

    /// Sets an option that has no value.
    /// - SeeAlso: fsconfig(2) FSCONFIG_SET_FLAG
    package func setFlag(_ key: String) throws(SyscallError) {
        let result = unsafe Path(key).withCString {
            unsafe cl_fsconfig(fd.rawValue, CL_FSCONFIG_SET_FLAG, $0, nil, 0)
        }
        try check(.fsconfig, on: "\(type) \(key)", result)
    }

    /// Sets an option to an open file.
    /// - SeeAlso: fsconfig(2) FSCONFIG_SET_FD
    package func set(_ key: String, to file: BorrowedFD) throws(SyscallError) {
        let result = unsafe Path(key).withCString {
            unsafe cl_fsconfig(fd.rawValue, CL_FSCONFIG_SET_FD, $0, nil, file.rawValue)
        }
        try check(.fsconfig, on: "\(type) \(key)=\(file.operand)", result)
    }

    /// Makes the file system and a detached mount of it.
    /// - SeeAlso: fsconfig(2) FSCONFIG_CMD_CREATE, fsmount(2)
    package consuming func mount(_ attributes: MountAttributes = []) throws(SyscallError) -> MountTree {
        let created = cl_fsconfig(fd.rawValue, CL_FSCONFIG_CMD_CREATE, nil, nil, 0)
        if created < 0 {
            throw SyscallError(.fsconfig, on: operandWithMessage(), Errno(rawValue: Int32(-created)))
        }
        let result = cl_fsmount(fd.rawValue, attributes.rawValue)
        return MountTree(adopting: OwnedFD(adopting: Int32(try check(.fsmount, on: type, result))))
    }

    /// The file system's own words on what went wrong, which the context hands out by read(2).
    private func operandWithMessage() -> String {
        var text = type
        while true {
            var count = 0
            // SAFETY: the kernel writes at most 512 bytes; `count` of them are then initialised.
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 512) { buffer, initialised in
                count = unsafe cl_read(fd.rawValue, buffer.baseAddress, 512)
                initialised = max(count, 0)
            }
            if count <= 2 { return text }
            let message = String(decoding: bytes.dropFirst(2), as: UTF8.self)
            text += " (" + message.filter { $0 != "\n" } + ")"
        }
    }
}

/// A detached copy of a mount at a path (`recursive`: with everything mounted below), or of a directory as a mount.
/// Where `MountStaging` is on, it is attached there.
/// - SeeAlso: open_tree(2) OPEN_TREE_CLONE
package func cloneTree(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, recursive: Bool, following: Bool = true
) throws(SyscallError) -> MountTree {
    if MountStaging.isOn {
        return try MountStaging.clone(path, in: directory, recursive: recursive, following: following)
    }
    var flags = CL_OPEN_TREE_CLONE | (recursive ? CL_AT_RECURSIVE : 0)
    if path.isEmpty { flags |= CL_AT_EMPTY_PATH }
    if !following { flags |= CL_AT_SYMLINK_NOFOLLOW }
    let result = unsafe path.withCString { unsafe cl_open_tree(directory.rawValue, $0, flags) }
    let operand = path.isEmpty ? directory.operand : path.string
    return MountTree(adopting: OwnedFD(adopting: Int32(try check(.openTree, on: operand, result))))
}

/// Attaches a detached mount onto the file or directory that `target` refers to.
/// - SeeAlso: move_mount(2)
package func moveMount(_ tree: borrowing MountTree, onto target: BorrowedFD) throws(SyscallError) {
    try moveMount(reference: tree.borrowed, onto: target)
}

/// Attaches the mount whose root `tree` refers to, or moves it when it is attached already.
/// - SeeAlso: move_mount(2)
package func moveMount(reference tree: BorrowedFD, onto target: BorrowedFD) throws(SyscallError) {
    let empty: Path = ""
    let flags = CL_MOVE_MOUNT_F_EMPTY_PATH | CL_MOVE_MOUNT_T_EMPTY_PATH
    let result = unsafe empty.withCString { name in
        unsafe cl_move_mount(tree.rawValue, name, target.rawValue, name, flags)
    }
    try check(.moveMount, on: target.operand, result)
}

/// Attaches a detached mount onto a path below a directory; a symbolic link as last name is followed on demand.
/// - SeeAlso: move_mount(2)
package func moveMount(
    _ tree: borrowing MountTree, onto path: Path, in directory: BorrowedFD, followsLinks: Bool = false
) throws(SyscallError) {
    let empty: Path = ""
    let flags = CL_MOVE_MOUNT_F_EMPTY_PATH | (followsLinks ? CL_MOVE_MOUNT_T_SYMLINKS : 0)
    let result = unsafe empty.withCString { name in
        unsafe path.withCString {
            unsafe cl_move_mount(tree.fd.rawValue, name, directory.rawValue, $0, flags)
        }
    }
    try check(.moveMount, on: path.string, result)
}

/// Changes flags, propagation or id mapping of the mount that `tree` refers to, with all below when `recursive`. Where
/// the call is missing, mount(2) does all but the id mapping for mounts that are attached, see `MountStaging`.
/// - SeeAlso: mount_setattr(2)
package func setMountAttributes(
    _ tree: BorrowedFD, path: Path = "", set: MountAttributes = [], clear: MountAttributes = [],
    propagation: MountPropagation? = nil, userNamespace: BorrowedFD? = nil, recursive: Bool = false
) throws(SyscallError) {
    var attributes = cl_mount_attr(
        attr_set: set.rawValue, attr_clr: clear.rawValue, propagation: propagation?.bits ?? 0,
        userns_fd: userNamespace.map { UInt64($0.rawValue) } ?? 0)
    if userNamespace != nil { attributes.attr_set |= CL_MOUNT_ATTR_IDMAP }
    let flags = (path.isEmpty ? CL_AT_EMPTY_PATH : 0) | (recursive ? CL_AT_RECURSIVE : 0)
    let result = unsafe path.withCString { unsafe cl_mount_setattr(tree.rawValue, $0, flags, &attributes) }
    if result == Int(-Errno.ENOSYS.rawValue), userNamespace == nil {
        let change = OldMountChange(set: set, clear: clear, propagation: propagation, recursive: recursive)
        if try change.apply(to: tree, path: path) { return }
    }
    try check(.mountSetattr, on: path.isEmpty ? tree.operand : path.string, result)
}

/// The old mount call, for what the new ones cannot do and for kernels that lack them.
/// - SeeAlso: mount(2)
package func legacyMount(
    source: Path?, onto target: Path, type: String?, flags: UInt64, data: String? = nil
) throws(SyscallError) {
    let result = unsafe target.withCString { target in
        unsafe withOptionalCString(source) { source in
            unsafe withOptionalCString(type.map { Path($0) }) { type in
                unsafe withOptionalCString(data.map { Path($0) }) { data in
                    unsafe cl_mount(source, target, type, flags, data)
                }
            }
        }
    }
    try check(.mount, on: target.string, result)
}

private func withOptionalCString(_ path: Path?, _ body: (UnsafePointer<CChar>?) -> Int) -> Int {
    guard let path else { return body(nil) }
    return unsafe path.withCString { unsafe body($0) }
}

/// Takes a mount off; `lazily` (MNT_DETACH) also when it is in use.
/// - SeeAlso: umount2(2)
package func unmount(_ path: Path, lazily: Bool) throws(SyscallError) {
    let flags = CL_UMOUNT_NOFOLLOW | (lazily ? CL_MNT_DETACH : 0)
    let result = unsafe path.withCString { unsafe cl_umount($0, flags) }
    try check(.umount, on: path.string, result)
}

/// Takes off the very mount that `top` is the top of, and lazily all that is mounted below it.
/// - SeeAlso: umount2(2)
package func unmount(reference top: BorrowedFD) throws(SyscallError) {
    let path = Path("/proc/self/fd/\(top.rawValue)")
    let result = unsafe path.withCString { unsafe cl_umount($0, CL_MNT_DETACH) }
    try check(.umount, on: top.operand, result)
}

/// Makes `newRoot` the root mount and puts the old one on `oldRoot`.
/// - SeeAlso: pivot_root(2)
package func pivotRoot(to newRoot: Path, oldRoot: Path) throws(SyscallError) {
    let result = unsafe newRoot.withCString { new in
        unsafe oldRoot.withCString { unsafe cl_pivot_root(new, $0) }
    }
    try check(.pivotRoot, on: newRoot.string, result)
}

/// - SeeAlso: chroot(2)
package func changeRoot(to path: Path) throws(SyscallError) {
    try check(.chroot, on: path.string, unsafe path.withCString { unsafe cl_chroot($0) })
}
