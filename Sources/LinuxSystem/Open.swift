internal import CLinux

/// How a file is opened. O_CLOEXEC and O_NOCTTY are always added.
/// - SeeAlso: open(2)
package struct OpenFlags: OptionSet, Sendable {
    /// Bits of open(2).
    package let rawValue: UInt64
    /// From kernel bits.
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The union of flags. The generic way of the standard library costs some 5 us each time, because it is not
    /// specialised across modules.
    package init(arrayLiteral flags: OpenFlags...) {
        var bits: RawValue = 0
        for flag in flags { bits |= flag.rawValue }
        rawValue = bits
    }

    /// Read only.
    package static let readOnly = OpenFlags([])
    /// Write only.
    package static let writeOnly = OpenFlags(rawValue: CL_O_WRONLY)
    /// Read and write.
    package static let readWrite = OpenFlags(rawValue: CL_O_RDWR)
    /// Make the file when it is missing.
    package static let create = OpenFlags(rawValue: CL_O_CREAT)
    /// With `create`: fail when it exists, follow no link.
    package static let exclusive = OpenFlags(rawValue: CL_O_EXCL)
    /// Empty the file.
    package static let truncate = OpenFlags(rawValue: CL_O_TRUNC)
    /// Every write goes to the end.
    package static let append = OpenFlags(rawValue: CL_O_APPEND)
    /// Do not wait.
    package static let nonBlocking = OpenFlags(rawValue: CL_O_NONBLOCK)
    /// Refuse when the last name is a symbolic link (with `pathOnly`: open the link itself).
    package static let noFollow = OpenFlags(rawValue: CL_O_NOFOLLOW)
    /// Refuse what is not a directory.
    package static let directory = OpenFlags(rawValue: CL_O_DIRECTORY)
    /// A reference to the file, without opening it.
    package static let pathOnly = OpenFlags(rawValue: CL_O_PATH)
    /// A file without a name in the directory given.
    package static let temporary = OpenFlags(rawValue: CL_O_TMPFILE)
}

/// How far a path may lead when openat2(2) resolves it.
/// - SeeAlso: openat2(2)
package struct Resolve: OptionSet, Sendable {
    /// Bits RESOLVE_*.
    package let rawValue: UInt64
    /// From kernel bits.
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The union of flags. The generic way of the standard library costs some 5 us each time, because it is not
    /// specialised across modules.
    package init(arrayLiteral flags: Resolve...) {
        var bits: RawValue = 0
        for flag in flags { bits |= flag.rawValue }
        rawValue = bits
    }

    /// The directory is `/` for the whole resolution: absolute links and `..` stay inside.
    package static let inRoot = Resolve(rawValue: CL_RESOLVE_IN_ROOT | CL_RESOLVE_NO_MAGICLINKS)
    /// Anything that leads above the directory is refused (EXDEV).
    package static let beneath = Resolve(rawValue: CL_RESOLVE_BENEATH | CL_RESOLVE_NO_MAGICLINKS)
    /// No links like /proc/PID/fd/N.
    package static let noMagicLinks = Resolve(rawValue: CL_RESOLVE_NO_MAGICLINKS)
    /// No symbolic links at all (ELOOP).
    package static let noSymlinks = Resolve(rawValue: CL_RESOLVE_NO_SYMLINKS)
    /// No crossing of mounts (EXDEV).
    package static let noCrossDevice = Resolve(rawValue: CL_RESOLVE_NO_XDEV)
}

/// Opens a path below a directory, as the host resolves it.
/// - SeeAlso: openat(2)
package func open(
    _ path: Path, _ flags: OpenFlags, mode: UInt32 = 0, in directory: BorrowedFD = .currentDirectory
) throws(SyscallError) -> OwnedFD {
    let bits = flags.rawValue | CL_O_CLOEXEC | CL_O_NOCTTY
    let fd = try checkRetrying(.openat, on: path.string) {
        unsafe path.withCString { unsafe cl_openat(directory.rawValue, $0, bits, mode) }
    }
    return OwnedFD(adopting: Int32(fd))
}

/// Opens a path below a directory under the given rules. EAGAIN, which the kernel gives when a rename raced with the
/// resolution, is tried again a bounded number of times. Where the call is missing, `OpenWalk` takes its place.
/// - SeeAlso: openat2(2)
package func open(
    _ path: Path, _ flags: OpenFlags, mode: UInt32 = 0, in directory: BorrowedFD, resolving rules: Resolve
) throws(SyscallError) -> OwnedFD {
    var bits = flags.rawValue | CL_O_CLOEXEC
    if !flags.contains(.pathOnly) { bits |= CL_O_NOCTTY }
    for attempt in 0... {
        let fd = unsafe path.withCString {
            unsafe cl_openat2(directory.rawValue, $0, bits, UInt64(mode), rules.rawValue)
        }
        if fd == Int(-Errno.EINTR.rawValue) { continue }
        if fd == Int(-Errno.EAGAIN.rawValue), attempt < 128 { continue }
        // EPERM is what a seccomp filter says that is older than the call: the kernel itself has other words for it
        // here, and the walk finds them.
        if fd == Int(-Errno.ENOSYS.rawValue) || fd == Int(-Errno.EPERM.rawValue) {
            return try OpenWalk.open(path, flags, mode: mode, in: directory, rules)
        }
        return OwnedFD(adopting: Int32(try check(.openat2, on: path.string, fd)))
    }
    throw SyscallError(.openat2, on: path.string, .EAGAIN)
}

extension BorrowedFD {
    /// Opens the same file anew with other flags, through /proc/self/fd: for descriptors from `pathOnly`.
    /// - SeeAlso: proc_pid_fd(5)
    package func reopen(_ flags: OpenFlags) throws(SyscallError) -> OwnedFD {
        try open("/proc/self/fd/\(rawValue)", flags)
    }
}

/// Reads a whole file, refusing more than `limit` bytes with EFBIG.
/// - SeeAlso: openat(2), read(2)
package func readFile(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, limit: Int = 1 << 26, sizeHint: Int = 4096
) throws(SyscallError) -> [UInt8] {
    let file = try open(path, .readOnly, in: directory)
    do throws(SyscallError) {
        return try file.borrowed.readAll(limit: limit, sizeHint: sizeHint)
    } catch {
        throw SyscallError(error.call, on: path.string, error.errno)
    }
}

/// Writes bytes into an existing file with a single write(2), as the files of procfs, sysfs and cgroupfs want it.
/// - SeeAlso: openat(2), write(2)
package func writeFile(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, _ bytes: [UInt8]
) throws(SyscallError) {
    let file = try open(path, .writeOnly, in: directory)
    do throws(SyscallError) {
        try file.borrowed.write(bytes[...])
    } catch {
        throw SyscallError(error.call, on: path.string, error.errno)
    }
}

/// Writes text into an existing file with a single write(2).
package func writeFile(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, _ text: String
) throws(SyscallError) {
    try writeFile(path, in: directory, Array(text.utf8))
}

/// Puts a file of that name into a directory in one step: readers see the old content or the new, never a part.
/// The bytes reach the disk first when `durable`.
/// - SeeAlso: rename(2), fsync(2)
package func replaceFile(
    _ name: Path, in directory: BorrowedFD, _ bytes: [UInt8], mode: UInt32 = 0o600, durable: Bool = false
) throws(SyscallError) {
    let temporary: Path = "\(name).new-\(currentProcessID().rawValue)"
    let file = try open(temporary, [.writeOnly, .create, .truncate, .noFollow], mode: mode, in: directory)
    do throws(SyscallError) {
        try file.borrowed.writeAll(bytes)
        if durable { try file.borrowed.sync() }
        try rename(temporary, in: directory, to: name, in: directory)
    } catch {
        bestEffort("the temporary file is ours and the first error counts") { () throws(SyscallError) in
            try unlink(temporary, in: directory)
        }
        throw error
    }
}

/// An anonymous file in memory, close-on-exec; `executable` asks for MFD_EXEC where the kernel knows it.
/// - SeeAlso: memfd_create(2)
package func memoryFile(named name: Path, executable: Bool, sealable: Bool) throws(SyscallError) -> OwnedFD {
    let base = CL_MFD_CLOEXEC | (sealable ? CL_MFD_ALLOW_SEALING : 0)
    let wanted = base | (executable ? CL_MFD_EXEC : 0)
    var fd = unsafe name.withCString { unsafe cl_memfd_create($0, wanted) }
    if fd == Int(-Errno.EINVAL.rawValue), executable {
        fd = unsafe name.withCString { unsafe cl_memfd_create($0, base) }
    }
    return OwnedFD(adopting: Int32(try check(.memfdCreate, on: name.string, fd)))
}

extension BorrowedFD {
    /// Forbids every later change of a memory file: write, shrink, grow, and further seals.
    /// - SeeAlso: fcntl(2) F_ADD_SEALS
    package func sealAgainstChange() throws(SyscallError) {
        let seals = CL_F_SEAL_SEAL | CL_F_SEAL_SHRINK | CL_F_SEAL_GROW | CL_F_SEAL_WRITE
        try check(.fcntl, on: operand, cl_fcntl(rawValue, Int32(CL_F_ADD_SEALS), seals))
    }

    /// Whether it is a memory file that nobody can write to any more.
    /// - SeeAlso: fcntl(2) F_GET_SEALS
    package func isSealed() -> Bool {
        let seals = cl_fcntl(rawValue, Int32(CL_F_GET_SEALS), 0)
        return seals >= 0 && UInt64(seals) & CL_F_SEAL_WRITE != 0
    }
}
