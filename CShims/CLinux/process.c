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

// Not by /proc/self/fd: inside a container that is whatever its image and configuration have put there, and a descriptor
// that was left out would lead to the host. poll(2) marks the numbers that are no descriptors, many at a time.
void cl_close_one_by_one(int first, int last, int on_exec) {
    struct pollfd numbers[512];
    int batch = sizeof numbers / sizeof numbers[0];
    const int end = last < 1 << 20 ? last : (1 << 20) - 1;
    for (int start = first; start <= end;) {
        const int count = end - start + 1 < batch ? end - start + 1 : batch;
        for (int i = 0; i < count; i++) numbers[i] = (struct pollfd){.fd = start + i};
        const int known = poll(numbers, (nfds_t)count, 0);
        if (known < 0 && errno == EINVAL && batch > 1) {  // more entries than RLIMIT_NOFILE
            batch /= 2;
            continue;
        }
        for (int i = 0; i < count; i++) {
            if (known >= 0 && (numbers[i].revents & POLLNVAL)) continue;
            if (on_exec)
                fcntl(start + i, F_SETFD, FD_CLOEXEC);
            else
                close(start + i);
        }
        start += count;
    }
}
