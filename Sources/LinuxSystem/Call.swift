/// The system calls and library functions that an error can name. The raw value travels from the container's init
/// to the runtime, so both are always the same binary.
package enum Call: UInt16, Sendable {
    case accept4 = 1, bind, bpf, capget, capset, chdir, chroot, clockGettime, clone3, close, closeRange,
        connect
    case copyFileRange, dup, epollCtl, epollWait, eventfd, execveat, faccessat, fchdir, fchmod, fchown, fcntl
    case flock, fsconfig, fsmount, fsopen, fspick, fstatfs, fsync, ftruncate, getcwd, getdents, getgroups
    case getresuid, getrusage, getsockname, inotify, ioctl, ioprioSet, keyctl, kill, linkat, listen, lseek,
        memfdCreate
    case mkdirat, mknodat, mount, mountSetattr, moveMount, nanosleep, openTree, openat, openat2, personality
    case pidfdGetfd, pidfdOpen, pidfdSendSignal, pipe2, pivotRoot, poll, prctl, prlimit, read, readlinkat
    case receiveMessage, renameat2, schedSetaffinity, schedSetattr, seccomp, sendMessage, sendfile,
        setMempolicy
    case setdomainname, setgroups, sethostname, setns, setpgid, setresgid, setresuid, setsid, shutdown
    case sigaction, signalfd, sigprocmask, socket, socketpair, splice, statfs, statx, symlinkat, syncfs
    case tcgetattr, tcsetattr, timerfd, umask, umount, unlinkat, unshare, utimensat, waitid, write, xattr,
        fstatat, rtnetlink

    /// The name as the manual pages have it, with the section: `openat2(2)`.
    package var name: String {
        switch self {
        case .closeRange: "close_range(2)"
        case .clockGettime: "clock_gettime(2)"
        case .copyFileRange: "copy_file_range(2)"
        case .epollCtl: "epoll_ctl(2)"
        case .epollWait: "epoll_wait(2)"
        case .fchown: "fchownat(2)"
        case .fstatat: "fstatat(2)"
        case .getdents: "getdents64(2)"
        case .ioprioSet: "ioprio_set(2)"
        case .memfdCreate: "memfd_create(2)"
        case .mountSetattr: "mount_setattr(2)"
        case .moveMount: "move_mount(2)"
        case .openTree: "open_tree(2)"
        case .pidfdGetfd: "pidfd_getfd(2)"
        case .pidfdOpen: "pidfd_open(2)"
        case .pidfdSendSignal: "pidfd_send_signal(2)"
        case .pivotRoot: "pivot_root(2)"
        case .receiveMessage: "recvmsg(2)"
        case .rtnetlink: "rtnetlink(7)"
        case .schedSetaffinity: "sched_setaffinity(2)"
        case .schedSetattr: "sched_setattr(2)"
        case .sendMessage: "sendmsg(2)"
        case .setMempolicy: "set_mempolicy(2)"
        case .sigaction: "rt_sigaction(2)"
        case .sigprocmask: "rt_sigprocmask(2)"
        case .timerfd: "timerfd_create(2)"
        case .tcgetattr: "tcgetattr(3)"
        case .tcsetattr: "tcsetattr(3)"
        case .umount: "umount2(2)"
        case .xattr: "xattr(7)"
        default: "\(self)(2)"
        }
    }
}
