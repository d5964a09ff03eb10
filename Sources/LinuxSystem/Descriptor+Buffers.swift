internal import CLinux

// Input and output on memory that a binding owns, without a copy; everybody else uses the array forms.
extension BorrowedFD {
    /// Reads once into `buffer`; the number of bytes, 0 at the end.
    /// - SeeAlso: read(2)
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SyscallError) -> Int {
        try checkRetrying(.read, on: operand) {
            // SAFETY: the kernel writes at most `count` bytes into the caller's buffer.
            unsafe cl_read(rawValue, buffer.baseAddress, buffer.count)
        }
    }

    /// Reads once into `buffer` from an absolute offset; the number of bytes, 0 at the end.
    /// - SeeAlso: pread(2)
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(SyscallError) -> Int {
        try checkRetrying(.read, on: operand) {
            // SAFETY: as in read(into:).
            unsafe cl_pread(rawValue, buffer.baseAddress, buffer.count, offset)
        }
    }

    /// Writes all of `buffer` in as many calls as it takes.
    /// - SeeAlso: write(2)
    package func writeAll(_ buffer: UnsafeRawBufferPointer) throws(SyscallError) {
        var done = 0
        while done < buffer.count {
            done += try checkRetrying(.write, on: operand) {
                // SAFETY: the kernel reads the rest of the caller's buffer during the call only.
                unsafe cl_write(rawValue, buffer.baseAddress?.advanced(by: done), buffer.count - done)
            }
        }
    }

    /// Writes all of `buffer` at an absolute offset.
    /// - SeeAlso: pwrite(2)
    package func writeAll(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(SyscallError) {
        var done = 0
        while done < buffer.count {
            done += try checkRetrying(.write, on: operand) {
                // SAFETY: as in writeAll(_:).
                unsafe cl_pwrite(
                    rawValue, buffer.baseAddress?.advanced(by: done), buffer.count - done,
                    offset + Int64(done))
            }
        }
    }
}
