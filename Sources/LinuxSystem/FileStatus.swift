internal import CLinux

/// What kind of file an inode is.
package enum FileKind: UInt32, Sendable, Equatable {
    case fifo = 0o010000
    case characterDevice = 0o020000
    case directory = 0o040000
    case blockDevice = 0o060000
    case regular = 0o100000
    case symbolicLink = 0o120000
    case socket = 0o140000
    /// Anything that the kernel may invent.
    case unknown = 0
}

/// A point in time as files carry it: seconds since 1970 (may be negative) and nanoseconds.
package struct FileTime: Sendable, Equatable {
    /// Seconds since 1970.
    package let seconds: Int64
    /// Nanoseconds, 0 ..< 1,000,000,000.
    package let nanoseconds: Int64
    /// From its two parts.
    package init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}

/// The numbers of a device node.
package struct DeviceNumber: Sendable, Hashable {
    /// Major number.
    package let major: UInt32
    /// Minor number.
    package let minor: UInt32
    /// From its two parts.
    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }
}

/// What stat(2) says of an inode.
package struct FileStatus: Sendable, Equatable {
    package let kind: FileKind
    /// Permission bits with setuid, setgid and sticky: 0o7777 at the most.
    package let mode: UInt32
    package let userID: UInt32
    package let groupID: UInt32
    /// Bytes.
    package let size: Int64
    /// Number of the file system that holds it.
    package let device: UInt64
    package let inode: UInt64
    package let linkCount: UInt64
    /// For device nodes: which device.
    package let deviceNumber: DeviceNumber
    package let modified: FileTime
    package let changed: FileTime
    /// Space on disk in units of 512 bytes.
    package let blocks: Int64

    /// Whether both are one and the same inode.
    package func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }

    init(_ raw: stat) {
        kind = FileKind(rawValue: raw.st_mode & 0o170000) ?? .unknown
        mode = raw.st_mode & 0o7777
        userID = raw.st_uid
        groupID = raw.st_gid
        size = Int64(raw.st_size)
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        linkCount = UInt64(raw.st_nlink)
        deviceNumber = DeviceNumber(
            major: cl_major(UInt64(raw.st_rdev)), minor: cl_minor(UInt64(raw.st_rdev)))
        modified = FileTime(seconds: Int64(raw.st_mtim.tv_sec), nanoseconds: Int64(raw.st_mtim.tv_nsec))
        changed = FileTime(seconds: Int64(raw.st_ctim.tv_sec), nanoseconds: Int64(raw.st_ctim.tv_nsec))
        blocks = Int64(raw.st_blocks)
    }
}

/// The status of a name in a directory; a symbolic link itself is looked at unless `following`.
/// - SeeAlso: fstatat(2)
package func status(
    of path: Path, in directory: BorrowedFD = .currentDirectory, following: Bool = false
) throws(SyscallError) -> FileStatus {
    var raw = stat()
    let flags = following ? 0 : CL_AT_SYMLINK_NOFOLLOW
    // SAFETY: the kernel fills the struct during the call.
    let result = unsafe path.withCString { name in unsafe cl_fstatat(directory.rawValue, name, &raw, flags) }
    try check(.fstatat, on: path.string, result)
    return FileStatus(raw)
}

/// As `status(of:)`, nil when nothing of that name is there.
package func statusIfPresent(
    of path: Path, in directory: BorrowedFD = .currentDirectory, following: Bool = false
) throws(SyscallError) -> FileStatus? {
    do throws(SyscallError) {
        return try status(of: path, in: directory, following: following)
    } catch {
        if error.errno == .ENOENT || error.errno == .ENOTDIR { return nil }
        throw error
    }
}

/// Refuses with EACCES unless the caller's real ids may use a file as `mode` says: 1 execute, 2 write, 4 read.
/// - SeeAlso: faccessat(2)
package func checkAccess(
    _ path: Path, _ mode: Int32, in directory: BorrowedFD = .currentDirectory
) throws(SyscallError) {
    let result = unsafe path.withCString { unsafe cl_faccessat(directory.rawValue, $0, mode) }
    try check(.faccessat, on: path.string, result)
}

/// Facts of the file system that holds a file.
package struct FileSystemStatus: Sendable, Equatable {
    /// The type's number, `CGROUP2_SUPER_MAGIC` and so on, see statfs(2).
    package let magic: UInt64
    /// Whether it is mounted read-only.
    package let isReadOnly: Bool
    /// Mount flags ST_* as statfs(2) reports them.
    package let flags: UInt64
    /// Bytes that an unprivileged user may still use.
    package let availableBytes: UInt64

    init(_ raw: statfs) {
        magic = UInt64(bitPattern: Int64(raw.f_type))
        flags = UInt64(bitPattern: Int64(raw.f_flags))
        isReadOnly = flags & CL_ST_RDONLY != 0
        availableBytes = UInt64(raw.f_bavail) * UInt64(raw.f_bsize)
    }

    /// cgroup v2.
    package static let cgroup2 = CL_CGROUP2_SUPER_MAGIC
    /// A cgroup v1 hierarchy.
    package static let cgroup1 = CL_CGROUP_SUPER_MAGIC
    package static let tmpfs = CL_TMPFS_MAGIC
    package static let proc = CL_PROC_SUPER_MAGIC
    package static let sysfs = CL_SYSFS_MAGIC
    package static let overlay = CL_OVERLAYFS_SUPER_MAGIC
    package static let nsfs = CL_NSFS_MAGIC
    package static let devpts = CL_DEVPTS_SUPER_MAGIC
}

/// Facts of the file system at a path.
/// - SeeAlso: statfs(2)
package func fileSystemStatus(at path: Path) throws(SyscallError) -> FileSystemStatus {
    var raw = statfs()
    // SAFETY: the kernel fills the struct during the call.
    let result = unsafe path.withCString { unsafe cl_statfs($0, &raw) }
    try check(.statfs, on: path.string, result)
    return FileSystemStatus(raw)
}

extension BorrowedFD {
    /// The status of the open file.
    /// - SeeAlso: fstat(2)
    package func status() throws(SyscallError) -> FileStatus {
        var raw = stat()
        let path: Path = ""
        // SAFETY: the kernel fills the struct during the call.
        let result = unsafe path.withCString { unsafe cl_fstatat(rawValue, $0, &raw, CL_AT_EMPTY_PATH) }
        try check(.fstatat, on: operand, result)
        return FileStatus(raw)
    }

    /// Facts of the file system that holds the open file.
    /// - SeeAlso: fstatfs(2)
    package func fileSystemStatus() throws(SyscallError) -> FileSystemStatus {
        var raw = statfs()
        // SAFETY: the kernel fills the struct during the call.
        try check(.fstatfs, on: operand, unsafe cl_fstatfs(rawValue, &raw))
        return FileSystemStatus(raw)
    }

    /// The STATX_ATTR_* bits and the id of the mount that the open file was reached by.
    /// - SeeAlso: statx(2)
    package func extendedAttributesAndMount() throws(SyscallError) -> (attributes: UInt64, mountID: UInt64) {
        var attributes: UInt64 = 0
        var mount: UInt64 = 0
        let path: Path = ""
        // SAFETY: both integers are filled during the call.
        let result = unsafe path.withCString { unsafe cl_statx_attributes(rawValue, $0, &attributes, &mount) }
        try check(.statx, on: operand, result)
        return (attributes, mount)
    }

    /// The id that mountinfo has for the mount of this file, and the one that no other mount gets after it: 0 before
    /// kernel 6.8.
    /// - SeeAlso: statx(2) STATX_MNT_ID, STATX_MNT_ID_UNIQUE
    package func mountIdentity() throws(SyscallError) -> (number: UInt64, unique: UInt64) {
        var number: UInt64 = 0
        var unique: UInt64 = 0
        // SAFETY: the integers are filled during the calls.
        unsafe try check(.statx, on: operand, cl_statx_mount(rawValue, 0x1000, &number))
        unsafe try check(.statx, on: operand, cl_statx_mount(rawValue, 0x4000, &unique))
        return (number, unique)
    }

    /// Whether the file is the top of a mount.
    /// - SeeAlso: statx(2) STATX_ATTR_MOUNT_ROOT
    package func isMountRoot() throws(SyscallError) -> Bool {
        try extendedAttributesAndMount().attributes & 0x2000 != 0
    }

    /// Whether the file has the immutable attribute, see chattr(1), and whether fs-verity guards it.
    /// - SeeAlso: statx(2)
    package func protection() throws(SyscallError) -> (isImmutable: Bool, hasVerity: Bool) {
        let bits = try extendedAttributesAndMount().attributes
        return (bits & CL_STATX_ATTR_IMMUTABLE != 0, bits & CL_STATX_ATTR_VERITY != 0)
    }
}
