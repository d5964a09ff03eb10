// A network namespace made by a process beside the caller. Making one takes the kernel longer than all other kinds
// together; meanwhile the caller can do something else.
#define _GNU_SOURCE
#include "clinux.h"

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int cl_has_idle_processor(void) {
    char text[64];
    unsigned long mask[64];
    int file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    if (length <= 0 || bytes <= 0) return 0;
    text[length] = 0;
    // "0.13 0.22 0.18 1/279 4711": the fourth is how many threads run or could run now, this one among them.
    const char *field = text;
    for (int i = 0; i < 3 && field != NULL; i++) field = strchr(field + 1, ' ');
    if (field == NULL) return 0;
    long running = strtol(field, NULL, 10), processors = 0;
    for (size_t i = 0; i < (size_t)bytes / sizeof *mask; i++) processors += __builtin_popcountl(mask[i]);
    return running < processors;
}

static int holds(const char *from, const char *to, const char *word) {
    return memmem(from, (size_t)(to - from), word, strlen(word)) != NULL;
}

int cl_seems_to_want_network(const void *text, size_t length) {
    const char *start = text, *end = start + length;
    const char *kind = memmem(start, length, "\"network\"", 9);
    if (kind == NULL) return 0;
    const char *opening = memrchr(start, '{', (size_t)(kind - start));
    const char *closing = memchr(kind, '}', (size_t)(end - kind));
    if (opening == NULL || closing == NULL) return 0;
    return holds(opening, kind, "\"type\"") && !holds(opening, closing, "\"path\"") && !holds(start, end, "\"uidMappings\"");
}

#if defined(__x86_64__) || defined(__aarch64__)

static struct {
    _Alignas(16) char stack[8192];
    int file;  // of the namespace, or −errno
    int busy;
} maker;

/// A system call that leaves errno alone: it is the caller's, whose memory the maker shares.
static long call(long number, long a, long b, long c, long d) {
    long result;
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    result = x0;
#endif
    return result;
}

/// Sets `lo` up. Failures are left to whoever needs the interface: it looks again.
static void set_up_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    long socket = call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
    if (socket < 0) return;
    call(SYS_ioctl, socket, SIOCSIFFLAGS, (long)&request, 0);
    call(SYS_close, socket, 0, 0, 0);
}

static long open_own_namespace(void) {
    return call(SYS_openat, AT_FDCWD, (long)"/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0);
}

static int make(void *unused) {
    (void)unused;
    long home = open_own_namespace();
    if (home < 0) return 0;
    long result = call(SYS_unshare, CLONE_NEWNET, 0, 0, 0);
    if (result == 0) {
        result = open_own_namespace();
        set_up_loopback();
    }
    // The caller joins it and returns. Root of a user namespace may not, where the host's network is still its own.
    long way = call(SYS_setns, home, CLONE_NEWNET, 0, 0);
    if (way < 0 && result >= 0) {
        call(SYS_close, result, 0, 0, 0);
        result = way;
    }
    call(SYS_close, home, 0, 0, 0);
    maker.file = (int)result;
    return 0;
}

long cl_network_begin(int *pidfd) {
    if (maker.busy) return -EBUSY;
    maker.file = -ECHILD;
    long result = CL_RET(clone(make, maker.stack + sizeof maker.stack, CLONE_VM | CLONE_FILES | CLONE_PIDFD, NULL, pidfd));
    if (result >= 0) maker.busy = 1;
    return result;
}

long cl_network_end(int pidfd) {
    siginfo_t info;
    long result;
    do {
        result = CL_RET(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL));
    } while (result == -EINTR);
    // Without its end being known, its stack cannot be used again.
    if (result < 0) return result;
    maker.busy = 0;
    return maker.file;
}

#else

long cl_network_begin(int *pidfd) {
    (void)pidfd;
    return -ENOSYS;
}

long cl_network_end(int pidfd) {
    (void)pidfd;
    return -ECHILD;
}

#endif
