package import CapabilityBinding
package import RuntimeSpec

/// The filter of containers that the engine makes: what Docker's default profile allows, no more.
///
/// An allow list; everything else fails with EPERM, and calls newer than the list with ENOSYS. Some calls depend on
/// the capabilities of the container: who may not mount does not need mount(2) either.
/// - SeeAlso: https://docs.docker.com/engine/security/seccomp/
package enum DefaultSeccomp {
    /// The profile for a container whose bounding set is `capabilities`, on the architecture of this process.
    package static func profile(capabilities: CapabilitySet) -> SeccompSpec {
        var rules = [allow(names(always))]
        for (capability, list) in conditional where capabilities.contains(Capability(rawValue: capability)) {
            rules.append(allow(names(list)))
        }
        rules += socketRules + personalityRules
        if !capabilities.contains(.sysAdmin) { rules += cloneRules }
        #if arch(x86_64)
            rules.append(allow(names("arch_prctl modify_ldt")))
            let architectures: [SeccompSpec.Architecture] = [.x86_64, .x86, .x32]
        #elseif arch(arm64)
            rules.append(
                allow(
                    names(
                        "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls")
                ))
            let architectures: [SeccompSpec.Architecture] = [.aarch64, .arm]
        #else
            let architectures: [SeccompSpec.Architecture] = []
        #endif
        return SeccompSpec(
            defaultAction: .errno, defaultErrnoRet: 1, architectures: architectures, syscalls: rules)
    }

    /// The address families 0 to 45 that are left out: DECnet, NETBEUI, SECURITY, KEY … that have no business in a
    /// container, AF_ALG (38) and AF_VSOCK (40), which reaches the hypervisor.
    private static let socketRules: [SeccompSpec.SyscallRule] = {
        var rules = [socketRule(.less, 12)]
        for family: UInt64 in [
            13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44,
            45,
        ] {
            rules.append(socketRule(.equal, family))
        }
        return rules
    }()

    private static func socketRule(_ op: SeccompSpec.Operator, _ family: UInt64) -> SeccompSpec.SyscallRule {
        allow(["socket"], [SeccompSpec.Argument(index: 0, value: family, op: op)])
    }

    /// PER_LINUX, PER_LINUX32, each also with UNAME26, and the question what it is now.
    private static let personalityRules = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff].map { (value: UInt64) in
        allow(["personality"], [SeccompSpec.Argument(index: 0, value: value, op: .equal)])
    }

    /// clone(2) without any CLONE_NEW* flag; clone3(2), whose flags are in memory where no filter sees them, is
    /// reported as missing, and C libraries fall back to clone(2).
    private static var cloneRules: [SeccompSpec.SyscallRule] {
        #if arch(s390x)
            let flagsArgument: UInt32 = 1
        #else
            let flagsArgument: UInt32 = 0
        #endif
        let namespaces = SeccompSpec.Argument(
            index: flagsArgument, value: 0x7e02_0000, valueTwo: 0, op: .maskedEqual)
        return [
            allow(["clone"], [namespaces]),
            SeccompSpec.SyscallRule(names: ["clone3"], action: .errno, errnoRet: 38),
        ]
    }

    private static func allow(
        _ names: [String], _ args: [SeccompSpec.Argument] = []
    ) -> SeccompSpec.SyscallRule {
        SeccompSpec.SyscallRule(names: names, action: .allow, args: args)
    }

    private static func names(_ list: String) -> [String] {
        list.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    }

    /// Capability number and the calls that come with it.
    private static let conditional: [(UInt8, String)] = [
        (2, "open_by_handle_at"),  // CAP_DAC_READ_SEARCH
        (16, "delete_module init_module finit_module"),  // CAP_SYS_MODULE
        (17, "iopl ioperm"),  // CAP_SYS_RAWIO
        (18, "chroot"),  // CAP_SYS_CHROOT
        (19, "kcmp pidfd_getfd process_madvise"),  // CAP_SYS_PTRACE
        (20, "acct"),  // CAP_SYS_PACCT
        (
            21,  // CAP_SYS_ADMIN
            """
            bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
            lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl
            quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare
            """
        ),
        (22, "reboot"),  // CAP_SYS_BOOT
        (23, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),  // CAP_SYS_NICE
        (25, "settimeofday stime clock_settime clock_settime64"),  // CAP_SYS_TIME
        (26, "vhangup"),  // CAP_SYS_TTY_CONFIG
        (34, "syslog"),  // CAP_SYSLOG
        (38, "perf_event_open"),  // CAP_PERFMON
        (39, "bpf"),  // CAP_BPF
    ]

    // lint:table
    private static let always = """
        _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod
        chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
        clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range
        creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
        epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
        fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32
        fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
        fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64
        futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents
        getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
        getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid
        getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32
        getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel
        io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get
        ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32
        lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr
        lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat
        mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
        mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal
        msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
        open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect
        poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv
        process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink
        readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr
        removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction
        rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
        rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
        sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
        sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64
        sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid
        setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32
        setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid
        setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
        sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx
        symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete
        timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
        timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64
        ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork
        vmsplice wait4 waitid waitpid write writev
        """
}
