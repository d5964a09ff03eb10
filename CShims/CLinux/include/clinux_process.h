/// Processes, ids, limits, scheduling.
#pragma once

#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>

/// clone3(2) without a new stack: like fork(2), the child goes on with a copy of the caller's memory.
/// `pidfd` is filled in the parent when `flags` hold CLONE_PIDFD; `cgroup_fd` counts with CLONE_INTO_CGROUP.
/// Returns 0 in the child. glibc's fork handlers do not run and its cached thread id is the parent's.
long cl_clone3(uint64_t flags, int *pidfd, int exit_signal, int cgroup_fd);

/// fork(3) of the C library, for programs with several threads: the child may allocate memory and start threads itself.
long cl_fork(void);

/// Whether fewer threads want to run than there are processors for this process, by /proc/loadavg; 0 if unknown.
int cl_has_idle_processor(void);
/// Whether a configuration, as text, looks as if it asked for a new network namespace without a new user namespace.
int cl_seems_to_want_network(const void *text, size_t length);
/// Starts a process that shares the caller's memory and descriptors, makes a network namespace, sets its loopback
/// interface up if it can, and ends. The caller goes on meanwhile. One at a time; -ENOSYS on other processors.
long cl_network_begin(int *pidfd);
/// Waits for that process and returns the descriptor of the namespace.
long cl_network_end(int pidfd);

/// unshare(2)
static inline long cl_unshare(uint64_t flags) { return CL_RET(syscall(SYS_unshare, flags)); }
/// setns(2)
static inline long cl_setns(int fd, uint64_t kind) { return CL_RET(syscall(SYS_setns, fd, (int)kind)); }
/// pidfd_open(2)
static inline long cl_pidfd_open(int pid) { return CL_RET(syscall(SYS_pidfd_open, pid, 0)); }
/// pidfd_send_signal(2)
static inline long cl_pidfd_send_signal(int pidfd, int signal) {
    return CL_RET(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}
/// pidfd_getfd(2)
static inline long cl_pidfd_getfd(int pidfd, int fd) { return CL_RET(syscall(SYS_pidfd_getfd, pidfd, fd, 0)); }
/// waitid(2); idtype P_PID (1), P_PIDFD (3) or P_ALL (0); fills code (CLD_*), status, pid and the child's usage.
static inline long cl_waitid(int idtype, int id, int options, int *code, int *status, int *pid, struct rusage *usage) {
    siginfo_t info;
    info.si_pid = 0;
    long result = CL_RET(syscall(SYS_waitid, idtype, id, &info, options, usage));
    if (result == 0) {
        *code = info.si_code;
        *status = info.si_status;
        *pid = info.si_pid;
    }
    return result;
}
/// kill(2)
static inline long cl_kill(int pid, int signal) { return CL_RET(kill(pid, signal)); }
/// execveat(2); returns only on failure.
static inline long cl_execveat(int dir, const char *path, char *const argv[], char *const envp[], uint64_t flags) {
    return CL_RET(syscall(SYS_execveat, dir, path, argv, envp, (int)flags));
}
/// execve(2); returns only on failure.
static inline long cl_execve(const char *path, char *const argv[], char *const envp[]) {
    return CL_RET(execve(path, argv, envp));
}
extern char **environ;
/// The environment that this program was started with, see environ(7).
static inline char **cl_environment(void) { return environ; }
/// getenv(3)
static inline const char *cl_environment_value(const char *name) { return getenv(name); }
/// The arguments that this program was started with, NULL-terminated.
char **cl_arguments(void);
/// exit_group(2): no atexit handlers, no flushing.
static inline __attribute__((noreturn)) void cl_exit(int code) {
    for (;;) syscall(SYS_exit_group, code);
}
static inline int cl_getpid(void) { return (int)syscall(SYS_getpid); }
static inline int cl_getppid(void) { return (int)syscall(SYS_getppid); }
static inline uint32_t cl_getuid(void) { return getuid(); }
static inline uint32_t cl_geteuid(void) { return geteuid(); }
static inline uint32_t cl_getgid(void) { return getgid(); }
static inline uint32_t cl_getegid(void) { return getegid(); }
/// setresuid(2) as the bare call: for this thread only, which is the only one.
static inline long cl_setresuid(uint32_t uid) { return CL_RET(syscall(SYS_setresuid, uid, uid, uid)); }
/// setresgid(2)
static inline long cl_setresgid(uint32_t gid) { return CL_RET(syscall(SYS_setresgid, gid, gid, gid)); }
/// getresuid(2)
static inline long cl_getresuid(uint32_t ids[3]) { return CL_RET(syscall(SYS_getresuid, ids, ids + 1, ids + 2)); }
/// getresgid(2)
static inline long cl_getresgid(uint32_t ids[3]) { return CL_RET(syscall(SYS_getresgid, ids, ids + 1, ids + 2)); }
/// setgroups(2)
static inline long cl_setgroups(size_t count, const uint32_t *groups) {
    return CL_RET(syscall(SYS_setgroups, count, groups));
}
/// getgroups(2)
static inline long cl_getgroups(int count, uint32_t *groups) { return CL_RET(syscall(SYS_getgroups, count, groups)); }
/// setsid(2)
static inline long cl_setsid(void) { return CL_RET(setsid()); }
/// setpgid(2)
static inline long cl_setpgid(int pid, int group) { return CL_RET(setpgid(pid, group)); }
/// tcsetpgrp(3)
static inline long cl_tcsetpgrp(int fd, int group) { return CL_RET(tcsetpgrp(fd, group)); }
/// umask(2)
static inline uint32_t cl_umask(uint32_t mask) { return umask(mask); }
/// chdir(2)
static inline long cl_chdir(const char *path) { return CL_RET(chdir(path)); }
/// fchdir(2)
static inline long cl_fchdir(int fd) { return CL_RET(fchdir(fd)); }
/// getcwd(2) as the bare call: a path outside the root starts with "(unreachable)".
static inline long cl_getcwd(char *buffer, size_t size) { return CL_RET(syscall(SYS_getcwd, buffer, size)); }
/// sethostname(2)
static inline long cl_sethostname(const char *name, size_t length) { return CL_RET(sethostname(name, length)); }
/// setdomainname(2)
static inline long cl_setdomainname(const char *name, size_t length) { return CL_RET(setdomainname(name, length)); }
/// prctl(2)
static inline long cl_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return CL_RET(prctl(option, a, b, c, d));
}
/// prlimit(2) on another process or, with pid 0, on this one. Either pointer may be NULL.
static inline long cl_prlimit(int pid, int resource, const struct rlimit *new_limit, struct rlimit *old_limit) {
    return CL_RET(syscall(SYS_prlimit64, pid, resource, new_limit, old_limit));
}
/// getrusage(2)
static inline long cl_getrusage(int who, struct rusage *usage) { return CL_RET(getrusage(who, usage)); }
/// close_range(2); flags: 4 is CLOSE_RANGE_CLOEXEC.
static inline long cl_close_range(uint32_t first, uint32_t last, uint32_t flags) {
    return CL_RET(syscall(SYS_close_range, first, last, flags));
}
/// Does what close_range(2) does, number by number up to the default of fs.nr_open.
void cl_close_one_by_one(int first, int last, int on_exec);
/// personality(2)
static inline long cl_personality(uint64_t domain) { return CL_RET(personality(domain)); }
/// ioprio_set(2) for a process (who 1) or process group (who 2).
static inline long cl_ioprio_set(int which, int who, int priority) {
    return CL_RET(syscall(SYS_ioprio_set, which, who, priority));
}
/// struct sched_attr of sched_setattr(2), first published size.
struct cl_sched_attr {
    uint32_t size;
    uint32_t sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime;
    uint64_t sched_deadline;
    uint64_t sched_period;
};
/// sched_setattr(2)
static inline long cl_sched_setattr(int pid, const struct cl_sched_attr *attr) {
    return CL_RET(syscall(SYS_sched_setattr, pid, attr, 0));
}
/// sched_setaffinity(2) with a bit mask of `size` bytes.
static inline long cl_sched_setaffinity(int pid, size_t size, const uint64_t *mask) {
    return CL_RET(syscall(SYS_sched_setaffinity, pid, size, mask));
}
/// sched_setaffinity(2) to every processor that there may be.
static inline long cl_sched_reset_affinity(int pid) {
    uint64_t mask[128];
    for (int i = 0; i < 128; i++) mask[i] = UINT64_MAX;
    return CL_RET(syscall(SYS_sched_setaffinity, pid, sizeof mask, mask));
}
/// sched_getaffinity(2); returns the number of bytes written.
static inline long cl_sched_getaffinity(int pid, size_t size, uint64_t *mask) {
    return CL_RET(syscall(SYS_sched_getaffinity, pid, size, mask));
}
/// set_mempolicy(2)
static inline long cl_set_mempolicy(int mode, const uint64_t *nodes, uint64_t bits) {
    return CL_RET(syscall(SYS_set_mempolicy, mode, nodes, bits));
}
/// capget(2) of the calling thread, 64-bit sets.
long cl_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
/// capset(2) of the calling thread, 64-bit sets.
long cl_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
/// seccomp(2) SECCOMP_SET_MODE_FILTER over `count` instructions of eight bytes.
long cl_seccomp_load(const void *instructions, uint16_t count, uint32_t flags);
/// seccomp(2) with any operation.
static inline long cl_seccomp(uint32_t operation, uint32_t flags, void *argument) {
    return CL_RET(syscall(SYS_seccomp, operation, flags, argument));
}
/// keyctl(2) KEYCTL_JOIN_SESSION_KEYRING
static inline long cl_join_session_keyring(const char *name) { return CL_RET(syscall(SYS_keyctl, 1, name)); }
/// keyctl(2) with integer arguments.
static inline long cl_keyctl(int operation, uint64_t a, uint64_t b, uint64_t c) {
    return CL_RET(syscall(SYS_keyctl, operation, a, b, c));
}
/// bpf(2) over a zeroed attribute buffer of the caller's.
static inline long cl_bpf(int command, void *attributes, uint32_t size) {
    return CL_RET(syscall(SYS_bpf, command, attributes, size));
}
/// clock_gettime(2)
static inline long cl_clock_gettime(int clock, struct timespec *time) { return CL_RET(clock_gettime(clock, time)); }
/// nanosleep(2)
static inline long cl_nanosleep(const struct timespec *time) { return CL_RET(nanosleep(time, NULL)); }

/// The commit that the program was built from, or "unknown".
const char *cl_build_commit(void);

/// Whether a text matches an extended regular expression: 1 or 0; -EINVAL if that is none. See regex(7).
long cl_match(const char *pattern, const char *text);
