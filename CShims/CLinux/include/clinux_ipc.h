/// Signals, sockets, polling, terminals.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

/// Blocks every signal; the old 64-bit mask goes to `old` when not NULL (rt_sigprocmask(2)).
static inline long cl_block_all_signals(uint64_t *old) {
    uint64_t all = ~(uint64_t)0;
    return CL_RET(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, old, sizeof all));
}
/// Sets the signal mask to `mask`.
static inline long cl_set_signal_mask(uint64_t mask) {
    return CL_RET(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask));
}
/// Every disposition that differs from the default becomes SIG_DFL (rt_sigaction(2)); SIGKILL and SIGSTOP are skipped.
long cl_reset_signal_dispositions(void);
/// Ignores one signal.
static inline long cl_ignore_signal(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -(long)errno : 0; }
/// signalfd4(2) with SFD_CLOEXEC | SFD_NONBLOCK for a 64-bit mask; fd -1 makes a new one.
static inline long cl_signalfd(int fd, uint64_t mask) {
    return CL_RET(syscall(SYS_signalfd4, fd, &mask, sizeof mask, SFD_CLOEXEC | SFD_NONBLOCK));
}
/// poll(2)
static inline long cl_poll(struct pollfd *fds, uint32_t count, int milliseconds) {
    return CL_RET(poll(fds, count, milliseconds));
}
/// epoll_create1(2) with EPOLL_CLOEXEC.
static inline long cl_epoll_create(void) { return CL_RET(epoll_create1(EPOLL_CLOEXEC)); }
/// epoll_ctl(2)
static inline long cl_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return CL_RET(epoll_ctl(epoll, operation, fd, &event));
}
/// epoll_wait(2) for a single event.
static inline long cl_epoll_wait(int epoll, int milliseconds, uint32_t *events, uint64_t *data) {
    struct epoll_event event = {0};
    long result = CL_RET(epoll_wait(epoll, &event, 1, milliseconds));
    *events = event.events;
    *data = event.data.u64;
    return result;
}
/// eventfd(2)
static inline long cl_eventfd(void) { return CL_RET(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
/// timerfd_create(2) on CLOCK_MONOTONIC, not blocking.
static inline long cl_timerfd_create(void) {
    return CL_RET(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}
/// timerfd_settime(2): first expiry and interval in nanoseconds; 0 disarms.
static inline long cl_timerfd_set(int fd, int64_t first, int64_t interval) {
    struct itimerspec value = {
        .it_value = {.tv_sec = first / 1000000000, .tv_nsec = first % 1000000000},
        .it_interval = {.tv_sec = interval / 1000000000, .tv_nsec = interval % 1000000000},
    };
    return CL_RET(timerfd_settime(fd, 0, &value, NULL));
}
/// inotify_init1(2)
static inline long cl_inotify_init(void) { return CL_RET(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }
/// inotify_add_watch(2)
static inline long cl_inotify_add(int fd, const char *path, uint32_t mask) {
    return CL_RET(inotify_add_watch(fd, path, mask));
}

/// socketpair(2) AF_UNIX with SOCK_CLOEXEC; `type` is SOCK_STREAM (1), SOCK_DGRAM (2) or SOCK_SEQPACKET (5).
static inline long cl_socketpair(int type, int fds[2]) {
    return CL_RET(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds));
}
/// socket(2) with SOCK_CLOEXEC.
static inline long cl_socket(int domain, int type, int protocol) {
    return CL_RET(socket(domain, type | SOCK_CLOEXEC, protocol));
}
/// connect(2) (or bind(2) when `binds` is set) to a path-based unix address of at most 107 bytes.
long cl_unix_address(int fd, const char *path, size_t length, int binds);

/// connect(2) to an abstract unix address of at most 107 bytes.
long cl_unix_connect_abstract(int fd, const char *name, size_t length);
/// A TCP socket bound to a port of the loopback address (bind(2)), of IPv6 when `six` is set; it does not block.
long cl_loopback_socket(int six, uint16_t port);
/// The port of a bound TCP socket (getsockname(2)).
long cl_socket_port(int fd);
/// listen(2)
static inline long cl_listen(int fd, int backlog) { return CL_RET(listen(fd, backlog)); }
/// accept4(2) with SOCK_CLOEXEC.
static inline long cl_accept(int fd) { return CL_RET(syscall(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC)); }
/// shutdown(2)
static inline long cl_shutdown(int fd, int how) { return CL_RET(shutdown(fd, how)); }
/// sendmsg(2) of one buffer with up to 8 descriptors by SCM_RIGHTS, MSG_NOSIGNAL.
long cl_send_fds(int socket, const void *data, size_t size, const int *fds, size_t count);
/// recvmsg(2) into one buffer; descriptors arrive with O_CLOEXEC, their number in *count (in: capacity ≤ 8).
/// MSG_TRUNC in the reply gives -EMSGSIZE.
long cl_receive_fds(int socket, void *data, size_t size, int *fds, size_t *count);

/// ioctl(2) with an integer argument.
static inline long cl_ioctl(int fd, uint64_t request, uint64_t argument) { return CL_RET(ioctl(fd, request, argument)); }
/// TIOCGWINSZ
static inline long cl_get_window_size(int fd, struct winsize *size) { return CL_RET(ioctl(fd, TIOCGWINSZ, size)); }
/// TIOCSWINSZ
static inline long cl_set_window_size(int fd, const struct winsize *size) { return CL_RET(ioctl(fd, TIOCSWINSZ, size)); }
/// TIOCSCTTY
static inline long cl_set_controlling_terminal(int fd) { return CL_RET(ioctl(fd, TIOCSCTTY, 0)); }
/// TIOCGPTPEER: opens the replica of a pty by its primary, whatever is mounted where.
static inline long cl_open_pty_peer(int primary) { return CL_RET(ioctl(primary, 0x5441, O_RDWR | O_NOCTTY | O_CLOEXEC)); }
/// TIOCGPTN: number of a pty.
static inline long cl_pty_number(int primary, uint32_t *number) { return CL_RET(ioctl(primary, 0x80045430, number)); }
/// TIOCSPTLCK with 0: unlocks the replica.
static inline long cl_unlock_pty(int primary) {
    int zero = 0;
    return CL_RET(ioctl(primary, 0x40045431, &zero));
}
/// tcgetattr(3)
static inline long cl_get_terminal(int fd, struct termios *state) { return CL_RET(tcgetattr(fd, state)); }
/// tcsetattr(3), TCSANOW.
static inline long cl_set_terminal(int fd, const struct termios *state) { return CL_RET(tcsetattr(fd, TCSANOW, state)); }
/// cfmakeraw(3)
static inline void cl_make_raw(struct termios *state) { cfmakeraw(state); }
/// Turns the processing of output on: newlines become carriage return and newline. termios(3), OPOST
static inline void cl_process_output(struct termios *state) { state->c_oflag |= OPOST; }
/// Leaves newlines in output as they are. termios(3), ONLCR
static inline void cl_keep_newlines(struct termios *state) { state->c_oflag &= ~(tcflag_t)ONLCR; }
/// isatty(3)
static inline int cl_isatty(int fd) { return isatty(fd); }
/// Sets IFF_UP on a network interface of this network namespace by SIOCGIFFLAGS and SIOCSIFFLAGS, if it lacks it.
long cl_interface_up(const char *name);
