internal import CLinux

extension BorrowedFD {
    /// Sets an extended attribute of the open file.
    /// - SeeAlso: fsetxattr(2)
    package func setExtendedAttribute(_ name: Path, to value: [UInt8]) throws(SyscallError) {
        // SAFETY: name and value are read during the call.
        let result = unsafe name.withCString { name in
            unsafe value.withUnsafeBytes { unsafe cl_fsetxattr(rawValue, name, $0.baseAddress, $0.count) }
        }
        try check(.xattr, on: name.string, result)
    }

    /// The value of an extended attribute of the open file, nil when it has none of that name.
    /// - SeeAlso: fgetxattr(2)
    package func extendedAttribute(_ name: Path) throws(SyscallError) -> [UInt8]? {
        // SAFETY: readAttribute passes a buffer of `size` bytes that outlives the call.
        try unsafe readAttribute(on: name.string) { buffer, size in
            unsafe name.withCString { unsafe cl_fgetxattr(rawValue, $0, buffer, size) }
        }
    }

    /// The names of the open file's extended attributes.
    /// - SeeAlso: flistxattr(2)
    package func extendedAttributeNames() throws(SyscallError) -> [Path] {
        // SAFETY: readAttribute passes a buffer of `size` bytes that outlives the call.
        let list = try unsafe readAttribute(on: operand) { buffer, size in
            unsafe cl_flistxattr(rawValue, buffer?.assumingMemoryBound(to: CChar.self), size)
        }
        return (list ?? []).split(separator: 0).map { Path(bytes: Array($0)) }
    }

    /// Removes an extended attribute of the open file.
    /// - SeeAlso: fremovexattr(2)
    package func removeExtendedAttribute(_ name: Path) throws(SyscallError) {
        try check(.xattr, on: name.string, unsafe name.withCString { unsafe cl_fremovexattr(rawValue, $0) })
    }
}

/// Attributes by path, through `/proc/self/fd/N/name` where the caller has a directory: the last name is not followed.
package enum ExtendedAttributes {
    /// Sets an attribute of a name in a directory, of a symbolic link itself when it is one.
    /// - SeeAlso: lsetxattr(2)
    package static func set(
        _ name: Path, to value: [UInt8], of file: Path, in directory: BorrowedFD
    ) throws(SyscallError) {
        let path = ExtendedAttributes.path(file, in: directory)
        // SAFETY: name and value are read during the call.
        let result = unsafe path.withCString { path in
            unsafe name.withCString { name in
                unsafe value.withUnsafeBytes { unsafe cl_lsetxattr(path, name, $0.baseAddress, $0.count) }
            }
        }
        try check(.xattr, on: "\(file) \(name)", result)
    }

    /// The value of an attribute of a name in a directory, nil when it has none of that name.
    /// - SeeAlso: lgetxattr(2)
    package static func value(
        _ name: Path, of file: Path, in directory: BorrowedFD
    ) throws(SyscallError) -> [UInt8]? {
        let path = ExtendedAttributes.path(file, in: directory)
        // SAFETY: readAttribute passes a buffer of `size` bytes that outlives the call.
        return try unsafe readAttribute(on: "\(file) \(name)") { buffer, size in
            unsafe path.withCString { path in
                unsafe name.withCString { unsafe cl_lgetxattr(path, $0, buffer, size) }
            }
        }
    }

    /// The names of the attributes of a name in a directory.
    /// - SeeAlso: llistxattr(2)
    package static func names(of file: Path, in directory: BorrowedFD) throws(SyscallError) -> [Path] {
        let path = ExtendedAttributes.path(file, in: directory)
        // SAFETY: readAttribute passes a buffer of `size` bytes that outlives the call.
        let list = try unsafe readAttribute(on: file.string) { buffer, size in
            unsafe path.withCString {
                unsafe cl_llistxattr($0, buffer?.assumingMemoryBound(to: CChar.self), size)
            }
        }
        return (list ?? []).split(separator: 0).map { Path(bytes: Array($0)) }
    }

    private static func path(_ file: Path, in directory: BorrowedFD) -> Path {
        directory == .currentDirectory
            ? file : Path(bytes: Array("/proc/self/fd/\(directory.rawValue)/".utf8) + file.bytes)
    }
}

/// Asks for the size, then for the value, again when it grew in between; nil when there is none (ENODATA).
private func readAttribute(
    on operand: String, _ call: (UnsafeMutableRawPointer?, Int) -> Int
) throws(SyscallError) -> [UInt8]? {
    for _ in 0..<8 {
        let size = call(nil, 0)
        if size == Int(-Errno.ENODATA.rawValue) { return nil }
        if size == Int(-Errno.EOPNOTSUPP.rawValue) { return nil }
        try check(.xattr, on: operand, size)
        if size == 0 { return [] }
        var count = 0
        // SAFETY: the kernel writes at most `size` bytes; `count` of them are then initialised.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialised in
            count = unsafe call(UnsafeMutableRawPointer(buffer.baseAddress), size)
            initialised = max(count, 0)
        }
        if count == Int(-Errno.ERANGE.rawValue) { continue }
        if count == Int(-Errno.ENODATA.rawValue) { return nil }
        try check(.xattr, on: operand, count)
        return bytes
    }
    throw SyscallError(.xattr, on: operand, .ERANGE)
}
