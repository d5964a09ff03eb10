internal import CLinux

/// Whether the kernel knows these SECCOMP_FILTER_FLAG_* bits together: it complains about the missing program only
/// after it has accepted the flags.
/// - SeeAlso: seccomp(2) SECCOMP_SET_MODE_FILTER
package func kernelKnowsFilterFlags(_ flags: UInt32) -> Bool {
    let setModeFilter: UInt32 = 1
    return cl_seccomp(setModeFilter, flags, nil) == -Int(Errno.EFAULT.rawValue)
}
