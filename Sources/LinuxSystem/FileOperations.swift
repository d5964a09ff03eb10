internal import CLinux

/// Makes a symbolic link that holds `target` verbatim.
/// - SeeAlso: symlinkat(2)
package func symlink(
    _ path: Path, to target: Path, in directory: BorrowedFD = .currentDirectory
) throws(SyscallError) {
    let result = unsafe target.withCString { text in
        unsafe path.withCString { unsafe cl_symlinkat(text, directory.rawValue, $0) }
    }
    try check(.symlinkat, on: path.string, result)
}

/// The text of a symbolic link.
/// - SeeAlso: readlinkat(2)
package func readLink(_ path: Path, in directory: BorrowedFD = .currentDirectory) throws(SyscallError) -> Path
{
    var count = 0
    // SAFETY: the kernel writes at most 4096 bytes; `count` of them are then initialised.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialised in
        count = unsafe path.withCString { name in
            unsafe buffer.withMemoryRebound(to: CChar.self) {
                unsafe cl_readlinkat(directory.rawValue, name, $0.baseAddress, 4096)
            }
        }
        initialised = max(count, 0)
    }
    try check(.readlinkat, on: path.string, count)
    return Path(bytes: bytes)
}

/// Makes a second name for a file. A symbolic link is linked itself, not followed.
/// - SeeAlso: linkat(2)
package func link(
    _ path: Path, in directory: BorrowedFD, to newPath: Path, in newDirectory: BorrowedFD
) throws(SyscallError) {
    let result = unsafe path.withCString { old in
        unsafe newPath.withCString { unsafe cl_linkat(directory.rawValue, old, newDirectory.rawValue, $0, 0) }
    }
    try check(.linkat, on: newPath.string, result)
}

/// Renames within a file system; `exclusively` refuses to replace (RENAME_NOREPLACE).
/// - SeeAlso: renameat2(2)
package func rename(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, to newPath: Path,
    in newDirectory: BorrowedFD = .currentDirectory, exclusively: Bool = false
) throws(SyscallError) {
    let result = unsafe path.withCString { old in
        unsafe newPath.withCString {
            unsafe cl_renameat2(directory.rawValue, old, newDirectory.rawValue, $0, exclusively ? 1 : 0)
        }
    }
    try check(.renameat2, on: "\(path) → \(newPath)", result)
}

/// Makes a device node, FIFO, socket or empty file; the umask counts.
/// - SeeAlso: mknodat(2)
package func makeNode(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, kind: FileKind, mode: UInt32,
    device: DeviceNumber = DeviceNumber(major: 0, minor: 0)
) throws(SyscallError) {
    let result = unsafe path.withCString {
        unsafe cl_mknodat(directory.rawValue, $0, kind.rawValue | mode, device.major, device.minor)
    }
    try check(.mknodat, on: path.string, result)
}

/// Changes owner and group of a name, of a symbolic link itself when it is one.
/// - SeeAlso: fchownat(2)
package func changeOwner(
    of path: Path, in directory: BorrowedFD = .currentDirectory, userID: UInt32, groupID: UInt32
) throws(SyscallError) {
    let result = unsafe path.withCString {
        unsafe cl_fchownat(directory.rawValue, $0, userID, groupID, CL_AT_SYMLINK_NOFOLLOW)
    }
    try check(.fchown, on: path.string, result)
}

/// Changes the mode of a name; follows a link, so only for names that the caller has just made itself.
/// - SeeAlso: fchmodat(2)
package func changeMode(
    of path: Path, in directory: BorrowedFD = .currentDirectory, _ mode: UInt32
) throws(SyscallError) {
    let result = unsafe path.withCString { unsafe cl_fchmodat(directory.rawValue, $0, mode) }
    try check(.fchmod, on: path.string, result)
}

/// Sets access and modification time of a name, of a symbolic link itself when it is one.
/// - SeeAlso: utimensat(2)
package func setTimes(
    of path: Path, in directory: BorrowedFD = .currentDirectory, modified: FileTime
) throws(SyscallError) {
    let time = timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds))
    var times = (time, time)
    // SAFETY: a tuple of two timespec has the layout of timespec[2].
    let result = unsafe withUnsafeBytes(of: &times) { buffer in
        let array = unsafe buffer.baseAddress?.assumingMemoryBound(to: timespec.self)
        return unsafe path.withCString {
            unsafe cl_utimensat(directory.rawValue, $0, array, CL_AT_SYMLINK_NOFOLLOW)
        }
    }
    try check(.utimensat, on: path.string, result)
}

extension BorrowedFD {
    /// Changes the mode of the open file (not of one opened by `pathOnly`).
    /// - SeeAlso: fchmod(2)
    package func changeMode(_ mode: UInt32) throws(SyscallError) {
        try check(.fchmod, on: operand, cl_fchmod(rawValue, mode))
    }

    /// Changes the mode of a file that may be open by `pathOnly`: fchmodat2(2), else through /proc/self/fd.
    package func changeModeOfReference(_ mode: UInt32) throws(SyscallError) {
        let path: Path = ""
        let result = unsafe path.withCString { unsafe cl_fchmodat2(rawValue, $0, mode, CL_AT_EMPTY_PATH) }
        if result >= 0 { return }
        try LinuxSystem.changeMode(of: "/proc/self/fd/\(rawValue)", mode)
    }

    /// Changes owner and group of the open file, also of one opened by `pathOnly`.
    /// - SeeAlso: fchownat(2) AT_EMPTY_PATH
    package func changeOwner(userID: UInt32, groupID: UInt32) throws(SyscallError) {
        let path: Path = ""
        let result = unsafe path.withCString {
            unsafe cl_fchownat(rawValue, $0, userID, groupID, CL_AT_EMPTY_PATH)
        }
        try check(.fchown, on: operand, result)
    }

    /// Sets access and modification time of the open file.
    /// - SeeAlso: futimens(3)
    package func setTimes(modified: FileTime) throws(SyscallError) {
        let time = timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds))
        var times = (time, time)
        let path: Path = ""
        // SAFETY: a tuple of two timespec has the layout of timespec[2].
        let result = unsafe withUnsafeBytes(of: &times) { buffer in
            let array = unsafe buffer.baseAddress?.assumingMemoryBound(to: timespec.self)
            return unsafe path.withCString { unsafe cl_utimensat(rawValue, $0, array, 0) }
        }
        try check(.utimensat, on: operand, result)
    }

    /// The text of the symbolic link that this descriptor (`pathOnly`, `noFollow`) refers to.
    package func readLink() throws(SyscallError) -> Path { try LinuxSystem.readLink("", in: self) }
}
