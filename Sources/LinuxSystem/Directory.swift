internal import CLinux

/// One name in a directory.
package struct DirectoryEntry: Sendable, Equatable {
    /// The name, without slashes.
    package let name: Path
    /// The kind as the directory has it; `unknown` where the file system does not say.
    package let kind: FileKind
    package let inode: UInt64
}

/// Makes a directory.
/// - SeeAlso: mkdirat(2)
package func makeDirectory(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, mode: UInt32 = 0o755
) throws(SyscallError) {
    let result = unsafe path.withCString { unsafe cl_mkdirat(directory.rawValue, $0, mode) }
    try check(.mkdirat, on: path.string, result)
}

/// Makes a directory unless one (or a link to one) is there already.
package func makeDirectoryIfMissing(
    _ path: Path, in directory: BorrowedFD = .currentDirectory, mode: UInt32 = 0o755
) throws(SyscallError) {
    do throws(SyscallError) {
        try makeDirectory(path, in: directory, mode: mode)
    } catch {
        if error.errno != .EEXIST { throw error }
    }
}

/// Makes a host directory with all its missing parents. Not for paths that a container controls.
package func makeDirectories(_ path: Path, mode: UInt32 = 0o755) throws(SyscallError) {
    do throws(SyscallError) {
        try makeDirectoryIfMissing(path, mode: mode)
    } catch {
        guard error.errno == .ENOENT, path.components.count > 1 else { throw error }
        try makeDirectories(path.parent, mode: mode)
        try makeDirectoryIfMissing(path, mode: mode)
    }
}

/// Opens a directory inside a root, making what is missing on the way, see `openMaking`.
/// - SeeAlso: openat2(2), security invariants I-1, I-19
package func makeDirectories(
    _ path: Path, inRoot root: BorrowedFD, mode: UInt32 = 0o755
) throws(SyscallError) -> OwnedFD {
    do throws(SyscallError) {
        return try open(
            path.bytes.isEmpty ? "." : path, [.pathOnly, .directory], in: root, resolving: .inRoot)
    } catch {
        if error.errno != .ENOENT { throw error }
    }
    return try openMaking(path, inRoot: root, final: .directory, directoryMode: mode)
}

/// Removes a name that is not a directory.
/// - SeeAlso: unlinkat(2)
package func unlink(_ path: Path, in directory: BorrowedFD = .currentDirectory) throws(SyscallError) {
    let result = unsafe path.withCString { unsafe cl_unlinkat(directory.rawValue, $0, 0) }
    try check(.unlinkat, on: path.string, result)
}

/// Removes an empty directory.
/// - SeeAlso: unlinkat(2) AT_REMOVEDIR
package func removeDirectory(_ path: Path, in directory: BorrowedFD = .currentDirectory) throws(SyscallError)
{
    let result = unsafe path.withCString { unsafe cl_unlinkat(directory.rawValue, $0, CL_AT_REMOVEDIR) }
    try check(.unlinkat, on: path.string, result)
}

/// Removes a name and, when it is a directory, everything below, never following a link and never leaving the file
/// system it started on. A name that is not there is no error.
package func removeTree(_ path: Path, in directory: BorrowedFD = .currentDirectory) throws(SyscallError) {
    do throws(SyscallError) {
        try unlink(path, in: directory)
        return
    } catch {
        if error.errno == .ENOENT { return }
        if error.errno != .EISDIR && error.errno != .EPERM { throw error }
    }
    do throws(SyscallError) {
        let inner = try open(path, [.readOnly, .directory, .noFollow], in: directory)
        for entry in try inner.borrowed.list() { try removeTree(entry.name, in: inner.borrowed) }
    } catch {
        if error.errno == .ENOENT { return }
        throw SyscallError(error.call, on: error.operand.map { "\(path.string)/\($0)" }, error.errno)
    }
    try removeDirectory(path, in: directory)
}

extension BorrowedFD {
    /// The names in this open directory, without `.` and `..`, in the kernel's order.
    /// - SeeAlso: getdents64(2)
    package func list() throws(SyscallError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        try check(.lseek, on: operand, cl_lseek(rawValue, 0, 0))
        while true {
            var count = 0
            // SAFETY: the kernel fills `count` bytes of the buffer.
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 8192) { buffer, initialised in
                count = unsafe cl_getdents64(rawValue, buffer.baseAddress, 8192)
                initialised = max(count, 0)
            }
            try check(.getdents, on: operand, count)
            if count == 0 { return entries }
            BorrowedFD.parse(bytes, into: &entries)
        }
    }

    /// Reads records of struct linux_dirent64: inode, offset, record length, type, name.
    private static func parse(_ bytes: [UInt8], into entries: inout [DirectoryEntry]) {
        var start = 0
        while start + 19 <= bytes.count {
            var inode: UInt64 = 0
            for index in 0..<8 { inode |= UInt64(bytes[start + index]) << UInt64(8 * index) }
            let length = Int(bytes[start + 16]) | Int(bytes[start + 17]) << 8
            let kind = FileKind(rawValue: UInt32(bytes[start + 18]) << 12) ?? .unknown
            let name = bytes[(start + 19)..<(start + length)].prefix { $0 != 0 }
            if !(name.elementsEqual([46]) || name.elementsEqual([46, 46])) {
                entries.append(DirectoryEntry(name: Path(bytes: Array(name)), kind: kind, inode: inode))
            }
            start += length
        }
    }
}
