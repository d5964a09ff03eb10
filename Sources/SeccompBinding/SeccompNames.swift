import CSeccomp

/// A processor architecture as libseccomp and the kernel's audit code number it.
/// - SeeAlso: seccomp_arch_add(3)
package struct SeccompArchitecture: RawRepresentable, Hashable, Sendable {
    /// The SCMP_ARCH_* token. It equals the AUDIT_ARCH_* value except for the x32 ABI, which has its own token.
    package let rawValue: UInt32

    /// Takes an SCMP_ARCH_* token as it is.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The architecture of a lower-case libseccomp name such as `x86_64`; nil when the library does not know it.
    /// - SeeAlso: seccomp_arch_resolve_name(3)
    package init?(name: String) {
        // SAFETY: the string is only read during the call.
        let token = unsafe name.withCString { unsafe seccomp_arch_resolve_name($0) }
        guard token != 0 else { return nil }
        rawValue = token
    }

    /// x86-64 in its 64-bit ABI.
    package static let x86_64 = SeccompArchitecture(rawValue: 0xc000_003e)
    /// The x32 ABI of x86-64: the same AUDIT_ARCH, call numbers with bit 30 set.
    package static let x32 = SeccompArchitecture(rawValue: 0x4000_003e)
    /// 32-bit x86.
    package static let x86 = SeccompArchitecture(rawValue: 0x4000_0003)
    /// 64-bit Arm.
    package static let aarch64 = SeccompArchitecture(rawValue: 0xc000_00b7)

    /// The architecture of this process.
    /// - SeeAlso: seccomp_arch_native(3)
    package static var native: SeccompArchitecture {
        SeccompArchitecture(rawValue: seccomp_arch_native())
    }

    /// What `seccomp_data.arch` holds for calls of this architecture (AUDIT_ARCH_*).
    package var auditValue: UInt32 {
        self == .x32 ? SeccompArchitecture.x86_64.rawValue : rawValue
    }

    /// The number of the system call `name` here: negative for calls that only other architectures have,
    /// nil when libseccomp does not know the name at all.
    /// - SeeAlso: seccomp_syscall_resolve_name_arch(3)
    package func number(ofCall name: String) -> Int32? {
        // C would take only what stands before a NUL.
        guard !name.utf8.contains(0) else { return nil }
        // SAFETY: the string is only read during the call.
        let number = unsafe name.withCString { unsafe seccomp_syscall_resolve_name_arch(rawValue, $0) }
        return number == -1 ? nil : number
    }
}

/// The version of the linked libseccomp.
package enum SeccompLibrary {
    /// Major, minor and micro version.
    /// - SeeAlso: seccomp_version(3)
    package static var version: (major: UInt32, minor: UInt32, micro: UInt32) {
        // SAFETY: the library returns the address of a constant of its own, or null.
        guard let version = unsafe seccomp_version() else { return (0, 0, 0) }
        return unsafe (version.pointee.major, version.pointee.minor, version.pointee.micro)
    }
}
