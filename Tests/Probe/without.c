// Runs a program on a kernel that seems to lack some calls:
//
//   without CALL[,CALL…] PROGRAM [ARGUMENT…]
//
// The calls are openat2, clone3, mount_setattr, open_tree, pidfd_open, close_range; `all` is every one of them. They fail
// with ENOSYS for the program and everything that it starts. `cgroup.kill` in the list makes openat(2) fail with
// ENOENT for files of that name: a process beside the program looks at the paths and ends with the last of them. It
// implies openat2, whose arguments it does not look at.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    int number;
} CALLS[] = {
    {"openat2", SYS_openat2},     {"clone3", SYS_clone3},         {"mount_setattr", SYS_mount_setattr},
    {"open_tree", SYS_open_tree}, {"pidfd_open", SYS_pidfd_open}, {"close_range", SYS_close_range},
};
enum { COUNT = sizeof CALLS / sizeof CALLS[0] };

static void fail(const char *what) {
    fprintf(stderr, "without: %s: %s\n", what, strerror(errno));
    exit(120);
}

/// Whether a list of words separated by commas holds `word`.
static int listed(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = list; *at != 0; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, word, length) == 0) return 1;
    return 0;
}

static void check(const char *list) {
    char copy[256];
    snprintf(copy, sizeof copy, "%s", list);
    for (char *word = strtok(copy, ","); word != NULL; word = strtok(NULL, ",")) {
        int known = strcmp(word, "all") == 0 || strcmp(word, "cgroup.kill") == 0;
        for (int i = 0; i < COUNT; i++) known |= strcmp(word, CALLS[i].name) == 0;
        if (!known) {
            fprintf(stderr, "without: no call named %s\n", word);
            exit(120);
        }
    }
}

/// Loads a filter; with `notify`, gives the descriptor that openat(2) is asked about.
static int load(const char *list, int notify) {
    struct sock_filter code[2 * COUNT + 8];
    unsigned n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT; i++) {
        const int wanted = listed(list, "all") || listed(list, CALLS[i].name);
        if (!wanted && !(notify && CALLS[i].number == SYS_openat2)) continue;
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)CALLS[i].number, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    if (notify) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    // No prctl(PR_SET_NO_NEW_PRIVS) for root: that is for containers to say.
    if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no_new_privs");
    const long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
    if (fd < 0) fail("seccomp");
    return (int)fd;
}

/// Whether the path that a process has given to openat(2) is, or ends in, cgroup.kill.
static int means_cgroup_kill(pid_t pid, uint64_t address) {
    char path[4096] = "";
    const uint64_t rest = 4096 - (address & 4095);  // the next page may not be there
    struct iovec here = {path, sizeof path - 1};
    struct iovec there[2] = {{(void *)(uintptr_t)address, rest}, {(void *)(uintptr_t)(address + rest), sizeof path - 1 - rest}};
    if (process_vm_readv(pid, &here, 1, there, rest < sizeof path - 1 ? 2 : 1, 0) < 0) return 0;
    const char *name = strrchr(path, '/');
    return strcmp(name == NULL ? path : name + 1, "cgroup.kill") == 0;
}

/// Answers until no process is left that the filter holds for.
static void supervise(int listener) {
    signal(SIGINT, SIG_IGN);
    for (;;) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        if (poll(&wait, 1, -1) < 0 && errno == EINTR) continue;
        if (wait.revents & POLLHUP) _exit(0);
        struct seccomp_notif question = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0) continue;
        struct seccomp_notif_resp answer = {.id = question.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (means_cgroup_kill((pid_t)question.pid, question.data.args[1]))
            answer = (struct seccomp_notif_resp){.id = question.id, .error = -ENOENT};
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

/// fork(2) that shares the table of descriptors.
static long fork_sharing(void) { return syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0); }

/// The supervisor is started first, by a process that ends, so that the program has no child that it does not know. It
/// shares the table of descriptors and thereby gets the listener; its number comes through a pipe.
static void load_supervised(const char *list) {
    int channel[2], listener;
    if (pipe2(channel, O_CLOEXEC) < 0) fail("pipe");
    const long middle = fork_sharing();
    if (middle < 0) fail("clone");
    if (middle == 0) {
        if (fork_sharing() != 0) _exit(0);
        if (read(channel[0], &listener, sizeof listener) != sizeof listener || unshare(CLONE_FILES) < 0) _exit(1);
        setsid();
        for (int fd = 0; fd < 1024; fd++)
            if (fd != listener) close(fd);
        supervise(listener);
    }
    waitpid((pid_t)middle, NULL, 0);
    listener = load(list, 1);
    if (write(channel[1], &listener, sizeof listener) != sizeof listener) fail("write");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: without CALL[,CALL...] PROGRAM [ARGUMENT...]\n");
        return 120;
    }
    check(argv[1]);
    if (listed(argv[1], "cgroup.kill"))
        load_supervised(argv[1]);
    else
        load(argv[1], 0);
    execvp(argv[2], argv + 2);
    fail(argv[2]);
}
