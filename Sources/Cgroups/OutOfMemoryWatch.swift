package import LinuxSystem

/// Tells when processes of a cgroup are killed for want of memory, without asking again and again: v2 reports changes
/// of memory.events to poll(2), v1 raises a counter.
/// - SeeAlso: cgroup-v2.rst §memory.events, cgroup-v1/memory.rst §OOM Control
package struct OutOfMemoryWatch: ~Copyable {
    private let file: OwnedFD
    /// v1 only.
    private let counter: EventCounter?
    /// How many were killed at the last look.
    private var killed: UInt64

    /// Begins to watch; nil if no memory controller looks after the cgroup.
    package static func begin(_ cgroup: borrowing Cgroup) throws(StepError) -> OutOfMemoryWatch? {
        guard let files = cgroup.tree(of: .memory) else { return nil }
        do throws(SyscallError) {
            return files.version == .unified ? try unified(files) : try legacy(files)
        } catch {
            // Without the controller there is no such file.
            if error.call == .openat, error.errno == .ENOENT { return nil }
            throw StepError("watch for kills for want of memory", error)
        }
    }

    private static func unified(_ files: CgroupFiles) throws(SyscallError) -> OutOfMemoryWatch {
        let file = try open("memory.events", .readOnly, in: files.descriptor)
        let killed = try count(file.borrowed)
        return OutOfMemoryWatch(file: file, counter: nil, killed: killed)
    }

    private static func legacy(_ files: CgroupFiles) throws(SyscallError) -> OutOfMemoryWatch {
        let file = try open("memory.oom_control", .readOnly, in: files.descriptor)
        let counter = try EventCounter()
        try files.write("\(counter.fd.rawValue) \(file.rawValue)", to: "cgroup.event_control")
        let killed = try count(file.borrowed)
        return OutOfMemoryWatch(file: file, counter: counter, killed: killed)
    }

    private init(file: consuming OwnedFD, counter: consuming EventCounter?, killed: UInt64) {
        self.file = file
        self.counter = counter
        self.killed = killed
    }

    private static func count(_ file: BorrowedFD) throws(SyscallError) -> UInt64 {
        KernelText.value(of: "oom_kill", in: try file.read(max: 1024, at: 0)) ?? 0
    }

    /// What to wait for.
    package var interest: (fd: BorrowedFD, events: PollEvents) {
        switch counter {
        case .none: (file.borrowed, .priority)
        case .some(let counter): (counter.fd.borrowed, .readable)
        }
    }

    /// How many events came since the last look. The counter of v1 goes up when memory has run out, and once more when
    /// the cgroup goes; the number of kills follows. So there is one event at least for a counter that went up while
    /// the cgroup is there.
    package mutating func take() throws(StepError) -> UInt64 {
        do throws(SyscallError) {
            var isRaised = false
            switch counter {
            case .none: break
            case .some(let counter): isRaised = try counter.take()
            }
            let now = try Self.count(file.borrowed)
            let new = now > killed ? now - killed : 0
            // A kill that the counter has told of already is counted a moment later.
            if isRaised, new == 0 {
                killed += 1
                return 1
            }
            killed = max(now, killed)
            return new
        } catch {
            // The cgroup is gone.
            if error.errno == .ENODEV || error.errno == .ENOENT { return 0 }
            throw StepError("look for kills for want of memory", error)
        }
    }
}
