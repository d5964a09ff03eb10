/// What the kernel does with a system call, in libseccomp's encoding (equal to the SECCOMP_RET_* values).
/// - SeeAlso: seccomp_init(3), seccomp(2)
package struct SeccompAction: RawRepresentable, Hashable, Sendable {
    /// The SCMP_ACT_* value: action in the high 16 bits, its data in the low 16.
    package let rawValue: UInt32

    /// Takes an SCMP_ACT_* value as it is.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Kill the whole process (SCMP_ACT_KILL_PROCESS).
    package static let killProcess = SeccompAction(rawValue: 0x8000_0000)
    /// Kill the calling thread (SCMP_ACT_KILL_THREAD, also called SCMP_ACT_KILL).
    package static let killThread = SeccompAction(rawValue: 0x0000_0000)
    /// Send SIGSYS (SCMP_ACT_TRAP).
    package static let trap = SeccompAction(rawValue: 0x0003_0000)
    /// Hand the call to the supervisor behind the notify descriptor (SCMP_ACT_NOTIFY).
    package static let notify = SeccompAction(rawValue: 0x7fc0_0000)
    /// Allow and log (SCMP_ACT_LOG).
    package static let log = SeccompAction(rawValue: 0x7ffc_0000)
    /// Allow (SCMP_ACT_ALLOW).
    package static let allow = SeccompAction(rawValue: 0x7fff_0000)

    /// Fail with `errno` (SCMP_ACT_ERRNO).
    package static func errno(_ errno: UInt16) -> SeccompAction {
        SeccompAction(rawValue: 0x0005_0000 | UInt32(errno))
    }

    /// Tell the tracer, with `message` (SCMP_ACT_TRACE).
    package static func trace(_ message: UInt16) -> SeccompAction {
        SeccompAction(rawValue: 0x7ff0_0000 | UInt32(message))
    }
}
