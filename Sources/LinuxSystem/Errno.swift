internal import CLinux

/// An error number of the kernel. Unknown numbers are kept and printed as numbers.
/// - SeeAlso: errno(3)
package struct Errno: Sendable, Hashable, CustomStringConvertible {
    /// The positive number, as in errno(3).
    package let rawValue: Int32

    /// Wraps a positive error number.
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// The constant's name, such as `ENOENT`, or `errno 999` for a number without one.
    package var name: String { Errno.table[rawValue]?.0 ?? "errno \(rawValue)" }

    /// The meaning in lower case, such as `no such file or directory` (engines match these texts).
    package var text: String { Errno.table[rawValue]?.1 ?? "unknown error \(rawValue)" }

    /// `ENOENT (no such file or directory)`
    package var description: String { "\(name) (\(text))" }
}

extension Errno {
    package static let EPERM = Errno(rawValue: 1)
    package static let ENOENT = Errno(rawValue: 2)
    package static let ESRCH = Errno(rawValue: 3)
    package static let EINTR = Errno(rawValue: 4)
    package static let EIO = Errno(rawValue: 5)
    package static let ENXIO = Errno(rawValue: 6)
    package static let E2BIG = Errno(rawValue: 7)
    package static let ENOEXEC = Errno(rawValue: 8)
    package static let EBADF = Errno(rawValue: 9)
    package static let ECHILD = Errno(rawValue: 10)
    package static let EAGAIN = Errno(rawValue: 11)
    package static let ENOMEM = Errno(rawValue: 12)
    package static let EACCES = Errno(rawValue: 13)
    package static let EFAULT = Errno(rawValue: 14)
    package static let EBUSY = Errno(rawValue: 16)
    package static let EEXIST = Errno(rawValue: 17)
    package static let EXDEV = Errno(rawValue: 18)
    package static let ENODEV = Errno(rawValue: 19)
    package static let ENOTDIR = Errno(rawValue: 20)
    package static let EISDIR = Errno(rawValue: 21)
    package static let EINVAL = Errno(rawValue: 22)
    package static let ENFILE = Errno(rawValue: 23)
    package static let EMFILE = Errno(rawValue: 24)
    package static let ENOTTY = Errno(rawValue: 25)
    package static let ETXTBSY = Errno(rawValue: 26)
    package static let EFBIG = Errno(rawValue: 27)
    package static let ENOSPC = Errno(rawValue: 28)
    package static let EROFS = Errno(rawValue: 30)
    package static let EPIPE = Errno(rawValue: 32)
    package static let ERANGE = Errno(rawValue: 34)
    package static let ENAMETOOLONG = Errno(rawValue: 36)
    package static let ENOSYS = Errno(rawValue: 38)
    package static let ENOTEMPTY = Errno(rawValue: 39)
    package static let ELOOP = Errno(rawValue: 40)
    package static let ENODATA = Errno(rawValue: 61)
    package static let EOVERFLOW = Errno(rawValue: 75)
    package static let EMSGSIZE = Errno(rawValue: 90)
    package static let EOPNOTSUPP = Errno(rawValue: 95)
    package static let EADDRINUSE = Errno(rawValue: 98)
    package static let ECONNRESET = Errno(rawValue: 104)
    package static let ETIMEDOUT = Errno(rawValue: 110)
    package static let ECONNREFUSED = Errno(rawValue: 111)
    package static let ESTALE = Errno(rawValue: 116)
    package static let EDQUOT = Errno(rawValue: 122)

    // lint:table
    private static let table: [Int32: (String, String)] = [
        1: ("EPERM", "operation not permitted"), 2: ("ENOENT", "no such file or directory"),
        3: ("ESRCH", "no such process"), 4: ("EINTR", "interrupted system call"),
        5: ("EIO", "input/output error"), 6: ("ENXIO", "no such device or address"),
        7: ("E2BIG", "argument list too long"), 8: ("ENOEXEC", "exec format error"),
        9: ("EBADF", "bad file descriptor"), 10: ("ECHILD", "no child processes"),
        11: ("EAGAIN", "resource temporarily unavailable"), 12: ("ENOMEM", "cannot allocate memory"),
        13: ("EACCES", "permission denied"), 14: ("EFAULT", "bad address"),
        15: ("ENOTBLK", "block device required"), 16: ("EBUSY", "device or resource busy"),
        17: ("EEXIST", "file exists"), 18: ("EXDEV", "invalid cross-device link"),
        19: ("ENODEV", "no such device"), 20: ("ENOTDIR", "not a directory"),
        21: ("EISDIR", "is a directory"), 22: ("EINVAL", "invalid argument"),
        23: ("ENFILE", "too many open files in system"), 24: ("EMFILE", "too many open files"),
        25: ("ENOTTY", "inappropriate ioctl for device"), 26: ("ETXTBSY", "text file busy"),
        27: ("EFBIG", "file too large"), 28: ("ENOSPC", "no space left on device"),
        29: ("ESPIPE", "illegal seek"), 30: ("EROFS", "read-only file system"),
        31: ("EMLINK", "too many links"), 32: ("EPIPE", "broken pipe"),
        33: ("EDOM", "numerical argument out of domain"), 34: ("ERANGE", "numerical result out of range"),
        35: ("EDEADLK", "resource deadlock avoided"), 36: ("ENAMETOOLONG", "file name too long"),
        37: ("ENOLCK", "no locks available"), 38: ("ENOSYS", "function not implemented"),
        39: ("ENOTEMPTY", "directory not empty"), 40: ("ELOOP", "too many levels of symbolic links"),
        61: ("ENODATA", "no data available"), 62: ("ETIME", "timer expired"),
        71: ("EPROTO", "protocol error"), 74: ("EBADMSG", "bad message"),
        75: ("EOVERFLOW", "value too large for defined data type"),
        80: ("ELIBBAD", "accessing a corrupted shared library"), 84: ("EILSEQ", "invalid byte sequence"),
        87: ("EUSERS", "too many users"), 88: ("ENOTSOCK", "socket operation on non-socket"),
        90: ("EMSGSIZE", "message too long"), 93: ("EPROTONOSUPPORT", "protocol not supported"),
        94: ("ESOCKTNOSUPPORT", "socket type not supported"), 95: ("EOPNOTSUPP", "operation not supported"),
        97: ("EAFNOSUPPORT", "address family not supported by protocol"),
        98: ("EADDRINUSE", "address already in use"),
        99: ("EADDRNOTAVAIL", "cannot assign requested address"),
        100: ("ENETDOWN", "network is down"), 101: ("ENETUNREACH", "network is unreachable"),
        104: ("ECONNRESET", "connection reset by peer"), 105: ("ENOBUFS", "no buffer space available"),
        106: ("EISCONN", "transport endpoint is already connected"),
        107: ("ENOTCONN", "transport endpoint is not connected"), 110: ("ETIMEDOUT", "connection timed out"),
        111: ("ECONNREFUSED", "connection refused"), 116: ("ESTALE", "stale file handle"),
        122: ("EDQUOT", "disk quota exceeded"), 125: ("ECANCELED", "operation canceled"),
        126: ("ENOKEY", "required key not available"), 127: ("EKEYEXPIRED", "key has expired"),
        524: ("ENOTSUPP", "operation not supported by the kernel"),
    ]
}
