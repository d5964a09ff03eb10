internal import LinuxSystem

/// A cgroup's cgroup.events, which poll(2) reports as changed.
/// - SeeAlso: cgroup-v2.rst §[Un]populated Notification
struct EventsFile: ~Copyable {
    private let file: OwnedFD

    init(_ files: CgroupFiles) throws(SyscallError) {
        file = try open("cgroup.events", .readOnly, in: files.descriptor)
    }

    /// Waits until a key has a value; false when the time is over first. A removed cgroup counts as reached.
    func wait(until key: String, is value: UInt64, _ deadline: Deadline) throws(SyscallError) -> Bool {
        while true {
            do throws(SyscallError) {
                let bytes = try file.borrowed.read(max: 512, at: 0)
                if KernelText.value(of: key, in: bytes) == value { return true }
            } catch {
                if error.errno == .ENODEV { return true }
                throw error
            }
            if deadline.isOver { return false }
            _ = try poll(
                [(fd: file.borrowed, events: [.priority])], timeoutMilliseconds: deadline.milliseconds)
        }
    }
}
