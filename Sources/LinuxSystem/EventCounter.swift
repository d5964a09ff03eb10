internal import CLinux

/// A counter that the kernel raises to tell of events; its descriptor is readable when it is not 0. Does not block.
/// - SeeAlso: eventfd(2)
package struct EventCounter: ~Copyable {
    /// The descriptor, for poll and for the kernel.
    package let fd: OwnedFD

    /// A counter at 0.
    package init() throws(SyscallError) {
        fd = OwnedFD(adopting: Int32(try check(.eventfd, cl_eventfd())))
    }

    /// Whether there were events since the last look; the counter is 0 then.
    package func take() throws(SyscallError) -> Bool {
        do throws(SyscallError) {
            return try fd.borrowed.read(max: 8).count == 8
        } catch {
            if error.errno == .EAGAIN { return false }
            throw error
        }
    }
}
