internal import CLinux

extension BorrowedFD {
    /// Reads once, at most `count` bytes; an empty result is the end of the file.
    /// - SeeAlso: read(2)
    package func read(max count: Int) throws(SyscallError) -> [UInt8] {
        var result = 0
        // SAFETY: the kernel writes at most `count` bytes into the buffer, `result` of them are then initialised.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            repeat {
                result = unsafe cl_read(rawValue, buffer.baseAddress, count)
            } while result == Int(-Errno.EINTR.rawValue)
            initialised = max(result, 0)
        }
        try check(.read, on: operand, result)
        return bytes
    }

    /// Reads up to the end, refusing files of more than `limit` bytes with EFBIG.
    /// - SeeAlso: read(2)
    package func readAll(limit: Int = 1 << 26, sizeHint: Int = 4096) throws(SyscallError) -> [UInt8] {
        var all = try read(max: min(max(sizeHint, 512), limit) + 1)
        if all.isEmpty { return all }
        while true {
            if all.count > limit { throw SyscallError(.read, on: operand, .EFBIG) }
            let more = try read(max: max(all.count, 4096))
            if more.isEmpty { return all }
            all += more
        }
    }

    /// Reads exactly `count` bytes at an offset, fewer at the end of the file.
    /// - SeeAlso: pread(2)
    package func read(max count: Int, at offset: Int64) throws(SyscallError) -> [UInt8] {
        var result = 0
        // SAFETY: as in read(max:).
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            repeat {
                result = unsafe cl_pread(rawValue, buffer.baseAddress, count, offset)
            } while result == Int(-Errno.EINTR.rawValue)
            initialised = max(result, 0)
        }
        try check(.read, on: operand, result)
        return bytes
    }

    /// Writes once; the number of bytes that went out.
    /// - SeeAlso: write(2)
    @discardableResult
    package func write(_ bytes: ArraySlice<UInt8>) throws(SyscallError) -> Int {
        var result = 0
        repeat {
            // SAFETY: the kernel reads the slice's bytes during the call only.
            result = unsafe bytes.withUnsafeBytes { buffer in
                unsafe cl_write(rawValue, buffer.baseAddress, buffer.count)
            }
        } while result == Int(-Errno.EINTR.rawValue)
        return try check(.write, on: operand, result)
    }

    /// Writes all bytes in as many calls as it takes.
    /// - SeeAlso: write(2)
    package func writeAll(_ bytes: [UInt8]) throws(SyscallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try write(rest)
            rest = rest.dropFirst(count)
        }
    }

    /// Writes the UTF-8 bytes of a text.
    package func writeAll(_ text: String) throws(SyscallError) { try writeAll(Array(text.utf8)) }

    /// Moves the file offset to an absolute position.
    /// - SeeAlso: lseek(2)
    package func seek(to offset: Int64) throws(SyscallError) {
        try check(.lseek, on: operand, cl_lseek(rawValue, offset, 0))
    }

    /// Sets the file's length in bytes.
    /// - SeeAlso: ftruncate(2)
    package func truncate(to length: Int64) throws(SyscallError) {
        try checkRetrying(.ftruncate, on: operand) { cl_ftruncate(rawValue, length) }
    }

    /// Writes the file's data and metadata to the disk.
    /// - SeeAlso: fsync(2)
    package func sync() throws(SyscallError) { try checkRetrying(.fsync, on: operand) { cl_fsync(rawValue) } }

    /// Writes everything of the file system that holds this file to the disk.
    /// - SeeAlso: syncfs(2)
    package func syncFileSystem() throws(SyscallError) {
        try checkRetrying(.syncfs, on: operand) { cl_syncfs(rawValue) }
    }

    /// Copies up to `count` bytes from this file's offset to another file's; 0 at the end.
    /// - SeeAlso: copy_file_range(2), sendfile(2)
    package func copy(max count: Int, to target: BorrowedFD) throws(SyscallError) -> Int {
        let result = cl_copy_file_range(rawValue, target.rawValue, count)
        if result >= 0 { return result }
        return try checkRetrying(.sendfile, on: operand) { cl_sendfile(target.rawValue, rawValue, count) }
    }
}

/// The two ends of a pipe.
package struct Pipe: ~Copyable {
    /// The end to read from.
    package let readEnd: OwnedFD
    /// The end to write to.
    package let writeEnd: OwnedFD

    /// Makes a pipe whose ends are close-on-exec.
    /// - SeeAlso: pipe2(2)
    package init() throws(SyscallError) {
        var ends: (Int32, Int32) = (-1, -1)
        // SAFETY: a tuple of two Int32 has the layout of int[2].
        let result = unsafe withUnsafeMutableBytes(of: &ends) { buffer in
            unsafe cl_pipe(buffer.baseAddress?.assumingMemoryBound(to: Int32.self), 0)
        }
        try check(.pipe2, result)
        readEnd = OwnedFD(adopting: ends.0)
        writeEnd = OwnedFD(adopting: ends.1)
    }

    /// Keeps the end to read from and closes the other.
    package consuming func takeReadEnd() -> OwnedFD {
        let ends = ends()
        _ = OwnedFD(adopting: ends.write)
        return OwnedFD(adopting: ends.read)
    }

    /// Keeps the end to write to and closes the other.
    package consuming func takeWriteEnd() -> OwnedFD {
        let ends = ends()
        _ = OwnedFD(adopting: ends.read)
        return OwnedFD(adopting: ends.write)
    }

    /// Splits the pipe into its ends.
    package consuming func ends() -> (read: Int32, write: Int32) {
        (read: readEnd.release(), write: writeEnd.release())
    }
}
