internal import CLinux

/// What poll(2) is to wait for on a descriptor, and what it found.
package struct PollEvents: OptionSet, Sendable {
    package let rawValue: Int16
    /// From kernel bits.
    package init(rawValue: Int16) { self.rawValue = rawValue }
    /// The union of flags. The generic way of the standard library costs some 5 us each time, because it is not
    /// specialised across modules.
    package init(arrayLiteral flags: PollEvents...) {
        var bits: RawValue = 0
        for flag in flags { bits |= flag.rawValue }
        rawValue = bits
    }
    package static let readable = PollEvents(rawValue: 0x1)
    package static let priority = PollEvents(rawValue: 0x2)
    package static let writable = PollEvents(rawValue: 0x4)
    package static let error = PollEvents(rawValue: 0x8)
    package static let hangUp = PollEvents(rawValue: 0x10)
    package static let invalid = PollEvents(rawValue: 0x20)
    /// Whether nothing was found; by hand, as the protocol's own way is generic and slow in its first use.
    package var isEmpty: Bool { rawValue == 0 }
}

/// Waits until one of the descriptors has an event or the time is over (nil: no limit); the events found, in the
/// order given. A descriptor number below zero is skipped.
/// - SeeAlso: poll(2)
package func poll(
    _ descriptors: [(fd: BorrowedFD, events: PollEvents)], timeoutMilliseconds: Int32? = nil
) throws(SyscallError) -> [PollEvents] {
    var list = descriptors.map { pollfd(fd: $0.fd.rawValue, events: $0.events.rawValue, revents: 0) }
    try checkRetrying(.poll) {
        // SAFETY: the kernel fills revents of the list during the call.
        unsafe list.withUnsafeMutableBufferPointer { buffer in
            unsafe cl_poll(buffer.baseAddress, UInt32(buffer.count), timeoutMilliseconds ?? -1)
        }
    }
    return list.map { PollEvents(rawValue: $0.revents) }
}

/// A set of descriptors to wait on.
/// - SeeAlso: epoll(7)
package struct EventPoll: ~Copyable {
    private let fd: OwnedFD

    /// An empty set.
    package init() throws(SyscallError) {
        fd = OwnedFD(adopting: Int32(try check(.epollCtl, cl_epoll_create())))
    }

    /// Adds a descriptor; events come back with `token`.
    package func add(_ descriptor: BorrowedFD, _ events: PollEvents, token: UInt64) throws(SyscallError) {
        let bits = UInt32(UInt16(bitPattern: events.rawValue))
        try check(
            .epollCtl, on: descriptor.operand, cl_epoll_ctl(fd.rawValue, 1, descriptor.rawValue, bits, token))
    }

    /// Changes what a descriptor waits for.
    package func modify(_ descriptor: BorrowedFD, _ events: PollEvents, token: UInt64) throws(SyscallError) {
        let bits = UInt32(UInt16(bitPattern: events.rawValue))
        try check(
            .epollCtl, on: descriptor.operand, cl_epoll_ctl(fd.rawValue, 3, descriptor.rawValue, bits, token))
    }

    /// Takes a descriptor out.
    package func remove(_ descriptor: BorrowedFD) throws(SyscallError) {
        try check(.epollCtl, on: descriptor.operand, cl_epoll_ctl(fd.rawValue, 2, descriptor.rawValue, 0, 0))
    }

    /// The next event, or nil when the time (milliseconds; nil: no limit) is over.
    package func next(
        timeoutMilliseconds: Int32? = nil
    ) throws(SyscallError) -> (token: UInt64, events: PollEvents)? {
        var events: UInt32 = 0
        var token: UInt64 = 0
        let count = try checkRetrying(.epollWait) {
            // SAFETY: both integers are filled during the call.
            unsafe cl_epoll_wait(fd.rawValue, timeoutMilliseconds ?? -1, &events, &token)
        }
        return count == 0 ? nil : (token, PollEvents(rawValue: Int16(truncatingIfNeeded: events)))
    }
}

/// A clock that makes a descriptor readable; does not block.
/// - SeeAlso: timerfd_create(2)
package struct TimerDescriptor: ~Copyable {
    /// The descriptor, for poll.
    package let fd: OwnedFD

    /// A timer that is not set.
    package init() throws(SyscallError) {
        fd = OwnedFD(adopting: Int32(try check(.timerfd, cl_timerfd_create())))
    }

    /// Fires after `first` and then every `interval` (nanoseconds; 0: once). `first` 0 disarms.
    package func set(firstNanoseconds: Int64, intervalNanoseconds: Int64 = 0) throws(SyscallError) {
        try check(.timerfd, cl_timerfd_set(fd.rawValue, firstNanoseconds, intervalNanoseconds))
    }
}

/// Watches names for changes; does not block.
/// - SeeAlso: inotify(7)
package struct ChangeWatch: ~Copyable {
    /// The descriptor, for poll; reading it takes the events away.
    package let fd: OwnedFD

    /// Watches nothing yet.
    package init() throws(SyscallError) {
        fd = OwnedFD(adopting: Int32(try check(.inotify, cl_inotify_init())))
    }

    /// Watches a path for IN_* events.
    package func add(_ path: Path, mask: UInt32) throws(SyscallError) {
        let result = unsafe path.withCString { unsafe cl_inotify_add(fd.rawValue, $0, mask) }
        try check(.inotify, on: path.string, result)
    }
    /// A write to a file.
    package static let modified: UInt32 = 0x2
    /// A name that came into a directory by rename.
    package static let movedTo: UInt32 = 0x80
    package static let created: UInt32 = 0x100
    package static let deleted: UInt32 = 0x200
    package static let closedAfterWrite: UInt32 = 0x8
}

/// A lock on a file that ends with this value, or with the process.
/// - SeeAlso: flock(2)
package struct FileLock: ~Copyable {
    private let fd: OwnedFD

    /// Locks an open file; with `blocking` false throws EAGAIN when somebody else holds it.
    package init(_ fd: consuming OwnedFD, exclusive: Bool = true, blocking: Bool = true) throws(SyscallError)
    {
        let operation: Int32 = (exclusive ? 2 : 1) | (blocking ? 0 : 4)
        let number = fd.rawValue
        self.fd = fd
        try checkRetrying(.flock, on: "[\(number)]") { cl_flock(number, operation) }
    }

    /// Opens (makes, mode 0600) a lock file and locks it.
    package init(
        at path: Path, in directory: BorrowedFD = .currentDirectory, exclusive: Bool = true,
        blocking: Bool = true
    ) throws(SyscallError) {
        let file = try open(path, [.readWrite, .create, .noFollow], mode: 0o600, in: directory)
        try self.init(file, exclusive: exclusive, blocking: blocking)
    }

    /// The locked file.
    package var borrowed: BorrowedFD { fd.borrowed }
}
