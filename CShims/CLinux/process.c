#include "clinux.h"

static char **arguments;

/// glibc hands them to every constructor. The Swift runtime reads /proc/self/maps to find them.
__attribute__((constructor)) static void remember_arguments(int count, char **vector) {
    (void)count;
    arguments = vector;
}

char **cl_arguments(void) { return arguments; }

long cl_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    long result = CL_RET(syscall(SYS_capget, &header, data));
    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    *inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return result;
}

long cl_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return CL_RET(syscall(SYS_capset, &header, data));
}

long cl_seccomp_load(const void *instructions, uint16_t count, uint32_t flags) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)(uintptr_t)instructions};
    return CL_RET(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

long cl_reset_signal_dispositions(void) {
    struct {
        uintptr_t handler;
        unsigned long flags;
        uintptr_t restorer;
        uint64_t mask;
    } standard = {0, 0, 0, 0}, current;
    for (int number = 1; number <= 64; number++) {
        if (number == SIGKILL || number == SIGSTOP) continue;
        if (syscall(SYS_rt_sigaction, number, NULL, &current, sizeof current.mask) < 0) return -(long)errno;
        if (current.handler == 0) continue;
        if (syscall(SYS_rt_sigaction, number, &standard, NULL, sizeof standard.mask) < 0) return -(long)errno;
    }
    return 0;
}
