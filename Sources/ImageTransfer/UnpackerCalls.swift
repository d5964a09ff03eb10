internal import LinuxSystem
internal import SeccompBinding

/// The filter of the unpacker's system calls: memory, threads, descriptors that it has, and files below its root. All
/// others give EPERM: no programs, sockets, mounts, namespaces, other processes.
enum UnpackerCalls {
    private static let allowed = [
        // memory and threads
        "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "futex", "rseq", "set_robust_list",
        "set_tid_address",
        "sched_yield", "sched_getaffinity", "exit", "exit_group", "rt_sigprocmask", "rt_sigaction",
        "rt_sigreturn",
        "sigaltstack", "restart_syscall", "gettid", "getpid", "clock_gettime", "clock_nanosleep", "nanosleep",
        "getrandom", "prlimit64", "sysinfo", "tgkill",
        // descriptors
        "read", "pread64", "readv", "write", "pwrite64", "writev", "lseek", "close", "fcntl", "poll", "ppoll",
        "recvmsg", "sendmsg", "copy_file_range", "sendfile", "ftruncate", "fallocate", "fstat", "fsync",
        "syncfs",
        "sync_file_range", "fchdir",
        // files
        "openat", "openat2", "newfstatat", "statx", "getdents64", "readlinkat", "mkdirat", "mknodat",
        "linkat",
        "symlinkat", "unlinkat", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "utimensat",
        "fgetxattr",
        "fsetxattr", "flistxattr", "lsetxattr",
    ]
    /// CLONE_NEW*: what must not be among the flags of a new thread.
    private static let namespaces: UInt64 = 0x7E02_0000
    private static let noSuchCall: UInt16 = 38
    private static let notPermitted: UInt16 = 1

    /// The filter as the kernel takes it.
    static func program() throws(StepError) -> [UInt8] {
        let step: Step = "make the unpacker's filter of calls"
        let file = try during(step) { () throws(SyscallError) in
            try memoryFile(named: "skiff-unpack", executable: false, sealable: false)
        }
        do throws(SeccompError) {
            let context = try SeccompContext(defaultAction: .errno(notPermitted))
            try context.set(.optimization, 2)
            try addRules(to: context)
            try context.export(to: file.rawValue)
        } catch {
            throw StepError(
                step, refused: "\(error.function)(3) \(error.operand): \(Errno(rawValue: error.errno))")
        }
        return try during(step) { () throws(SyscallError) in
            try file.borrowed.seek(to: 0)
            return try file.borrowed.readAll()
        }
    }

    private static func addRules(to context: borrowing SeccompContext) throws(SeccompError) {
        let machine = SeccompArchitecture.native
        for name in allowed {
            guard let number = machine.number(ofCall: name), number >= 0 else { continue }
            try context.addRule(.allow, call: number)
        }
        // Its flags lie in memory, where a filter does not see them; the C library then uses the other one.
        if let number = machine.number(ofCall: "clone3"), number >= 0 {
            try context.addRule(.errno(noSuchCall), call: number)
        }
        if let number = machine.number(ofCall: "clone") {
            let isThread = SeccompCondition(
                argument: 0, comparison: .maskedEqual, value: namespaces, second: 0)
            try context.addRule(.allow, call: number, conditions: [isThread])
        }
    }
}
