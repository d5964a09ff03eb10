#include "clinux.h"

#include <linux/sched.h>

long cl_clone3(uint64_t flags, int *pidfd, int exit_signal, int cgroup_fd) {
    struct clone_args args = {
        .flags = flags,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = (uint64_t)exit_signal,
        .cgroup = cgroup_fd < 0 ? 0 : (uint64_t)cgroup_fd,
    };
    long result = CL_RET(syscall(SYS_clone3, &args, sizeof args));
    // An outer seccomp filter may answer ENOSYS for clone3; clone(2) does the same without CLONE_INTO_CGROUP.
    if (result == -ENOSYS && (flags >> 32) == 0)
        result = CL_RET(syscall(SYS_clone, flags | (uint64_t)exit_signal, NULL, pidfd, NULL, 0));
    return result;
}
