internal import CLinux

/// A file descriptor that this value owns: it is closed when the value goes out of scope.
package struct OwnedFD: ~Copyable {
    /// The number, for wire formats and error texts.
    package let rawValue: Int32

    /// Takes over a descriptor that nobody else closes.
    package init(adopting rawValue: Int32) { self.rawValue = rawValue }

    deinit { _ = cl_close(rawValue) }

    /// A view for calls; valid as long as this value lives.
    package var borrowed: BorrowedFD { BorrowedFD(rawValue: rawValue) }

    /// Closes and reports what close(2) says, for files where a write may fail late.
    package consuming func close() throws(SyscallError) {
        let number = rawValue
        discard self
        try check(.close, on: "[\(number)]", cl_close(number))
    }

    /// Gives up ownership; the caller closes.
    package consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }
}

/// A descriptor that somebody else owns and keeps open during the call.
package struct BorrowedFD: Sendable, Equatable {
    /// The number.
    package let rawValue: Int32

    /// A view of a descriptor number.
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// The working directory of the process (AT_FDCWD), for calls that take a directory.
    package static let currentDirectory = BorrowedFD(rawValue: -100)
    /// Standard input.
    package static let standardInput = BorrowedFD(rawValue: 0)
    /// Standard output.
    package static let standardOutput = BorrowedFD(rawValue: 1)
    /// Standard error.
    package static let standardError = BorrowedFD(rawValue: 2)

    /// For error texts: `[7]`.
    package var operand: String { self == .currentDirectory ? "." : "[\(rawValue)]" }

    /// A second descriptor for the same open file, close-on-exec, numbered `lowest` or above.
    /// - SeeAlso: fcntl(2) F_DUPFD_CLOEXEC
    package func duplicate(lowest: Int32 = 3) throws(SyscallError) -> OwnedFD {
        OwnedFD(adopting: Int32(try check(.dup, on: operand, cl_dup_cloexec(rawValue, lowest))))
    }

    /// Makes number `target` refer to this open file; it survives exec.
    /// - SeeAlso: dup3(2)
    package func duplicate(onto target: Int32) throws(SyscallError) {
        if target == rawValue {
            try check(.fcntl, on: operand, cl_fcntl(rawValue, 2, 0))
        } else {
            try checkRetrying(.dup, on: operand) { cl_dup3(rawValue, target, 0) }
        }
    }

    /// Sets or clears close-on-exec.
    /// - SeeAlso: fcntl(2) F_SETFD
    package func setCloseOnExec(_ on: Bool) throws(SyscallError) {
        try check(.fcntl, on: operand, cl_fcntl(rawValue, 2, on ? 1 : 0))
    }

    /// Sets or clears O_NONBLOCK on the open file.
    /// - SeeAlso: fcntl(2) F_SETFL
    package func setNonBlocking(_ on: Bool) throws(SyscallError) {
        let flags = try check(.fcntl, on: operand, cl_fcntl(rawValue, 3, 0))
        let bit = Int(CL_O_NONBLOCK)
        let wanted = on ? flags | bit : flags & ~bit
        try check(.fcntl, on: operand, cl_fcntl(rawValue, 4, UInt64(wanted)))
    }
}

extension OwnedFD {
    /// For error texts.
    package var operand: String { borrowed.operand }
}
