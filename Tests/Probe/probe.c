// The program that tests run inside a container. It is linked statically and prints JSON, one object per verb:
//
//     probe VERB [ARG…] [-- VERB [ARG…]]…
//
// Each object holds "verb" and, where the verb is one call, "result" and "errno" ("" when it succeeded).
// A failing call never ends the sequence; `exit N` does. Without it the exit code is 0.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "facts.h"
#include "json.h"
#include "verbs.h"

int argument_count;
char **arguments;
static char **program_arguments;

const char *argument(int index, const char *fallback) {
    return index < argument_count ? arguments[index] : fallback;
}
long number(int index, long fallback) {
    return index < argument_count ? strtol(arguments[index], NULL, 0) : fallback;
}
void outcome(long result) {
    int code = result < 0 ? errno : 0;
    json_key_number("result", result);
    json_key_text("errno", code ? strerrorname_np(code) : "");
}
void nap(double seconds) {
    struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) && errno == EINTR) {}
}

// ---- the process itself ----

static void do_report(void) { facts_report(program_arguments); }
static void do_terminal(void) { facts_terminal(); }
static void do_processes(void) { facts_visible_processes(); }
static void do_exit(void) { _exit((int)number(0, 0)); }

// sleep [SECONDS]: and takes in orphans meanwhile, as a first process should.
static void do_sleep(void) {
    signal(SIGCHLD, SIG_IGN);
    nap(strtod(argument(0, "3600"), NULL));
}

static void do_raise(void) {
    signal((int)number(0, SIGTERM), SIG_DFL);
    outcome(kill(getpid(), (int)number(0, SIGTERM)));
}

static volatile sig_atomic_t caught;
static void catch_signal(int signal_number) { caught = signal_number; }

// trap CODE: says "ready", waits for any signal that can be caught, prints it, exits with CODE.
static void do_trap(void) {
    struct sigaction action = {.sa_handler = catch_signal};
    for (int s = 1; s < 65; s++) sigaction(s, &action, NULL);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    json_key_bool("ready", 1);
    json_close();
    while (!caught || caught == SIGCONT) sigsuspend(&none);
    json_open();
    json_key_number("signal", caught);
    json_close();
    _exit((int)number(0, 0));
}

// winch: says "ready", waits for SIGWINCH, prints the terminal's size.
static void do_winch(void) {
    struct sigaction action = {.sa_handler = catch_signal};
    sigset_t winch, old;
    sigemptyset(&winch);
    sigaddset(&winch, SIGWINCH);
    sigprocmask(SIG_BLOCK, &winch, &old);
    sigaction(SIGWINCH, &action, NULL);
    json_key_bool("ready", 1);
    json_close();
    while (caught != SIGWINCH) sigsuspend(&old);
    json_open();
    facts_terminal();
}

static void do_setuid(void) { outcome(setuid((uid_t)number(0, 0))); }

// exec PATH ARG…: replaces the probe.
static void do_exec(void) {
    arguments[argument_count] = NULL;  // a separator or the end stood here
    outcome(execvp(arguments[0], arguments));
}

static void do_chdir(void) { outcome(chdir(argument(0, "/"))); }

// orphans N: leaves N processes behind that ignore SIGTERM and sleep.
static void do_orphans(void) {
    for (long i = 0; i < number(0, 1); i++) {
        pid_t child = fork();
        if (child < 0) {
            outcome(child);
            return;
        }
        if (child == 0) {
            signal(SIGTERM, SIG_IGN);
            if (fork() == 0)
                for (;;) pause();
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    outcome(0);
}

static void do_processor(void) { json_key_number("processor", sched_getcpu()); }

// ---- resources ----

// hog MIB: takes memory and touches every page of it.
static void do_hog(void) {
    size_t size = (size_t)number(0, 1) << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; memory != MAP_FAILED && i < size; i += 4096) memory[i] = 1;
    outcome(memory == MAP_FAILED ? -1 : 0);
}

// forkbomb N: makes up to N children that stay; tells how many and why it stopped; then ends them.
static void do_forkbomb(void) {
    long made = 0, wanted = number(0, 1000);
    pid_t *children = calloc((size_t)wanted, sizeof *children);
    for (; made < wanted; made++) {
        children[made] = fork();
        if (children[made] == 0)
            for (;;) pause();
        if (children[made] < 0) break;
    }
    int code = made < wanted ? errno : 0;
    json_key_number("made", made);
    json_key_text("errno", code ? strerrorname_np(code) : "");
    for (long i = 0; i < made; i++) kill(children[i], SIGKILL);
    for (long i = 0; i < made; i++) waitpid(children[i], NULL, 0);
}

// burn SECONDS: spins for that wall time; tells the CPU time it got, in milliseconds.
static void do_burn(void) {
    struct timespec begin, now, cpu;
    double seconds = strtod(argument(0, "1"), NULL);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while ((double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 < seconds);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    json_key_number("cpu_ms", cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000);
}

// fill PATH MIB: writes that much to a file.
static void do_fill(void) {
    static char block[1 << 20];
    int fd = open(argument(0, "/fill"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    long result = fd < 0 ? -1 : 0;
    for (long i = 0; fd >= 0 && i < number(1, 1) && result >= 0; i++) result = write(fd, block, sizeof block);
    outcome(result);
    if (fd >= 0) close(fd);
}

// ---- standard streams ----

static void do_echo(void) { json_key_text("text", argument(0, "")); }
static void do_complain(void) { dprintf(2, "%s\n", argument(0, "")); }

// line: one line of standard input.
static void do_line(void) {
    char text[4096];
    size_t used = 0;
    ssize_t n = 0;
    while (used < sizeof text && (n = read(0, text + used, 1)) == 1 && text[used++] != '\n') {}
    json_key("text");
    json_bytes(text, used);
    json_key_bool("end", n == 0);
}

static void do_cat(void) {
    char text[1 << 16];
    for (ssize_t n; (n = read(0, text, sizeof text)) > 0;)
        if (write(1, text, (size_t)n) != n) break;
}

// flood MIB: that much on standard output, in lines of 64 bytes.
static void do_flood(void) {
    static char block[1 << 16];
    for (size_t i = 0; i < sizeof block; i++) block[i] = i % 64 == 63 ? '\n' : 'x';
    long result = 0;
    for (long i = 0; i < number(0, 1) * 16 && result >= 0; i++) result = write(1, block, sizeof block);
    outcome(result);
}

// ---- what must be refused ----

// syscall NR [ARG…]: by number, in the native ABI.
static void do_syscall(void) {
    outcome(syscall(number(0, 0), number(1, 0), number(2, 0), number(3, 0), number(4, 0), number(5, 0), number(6, 0)));
}

// int80 NR: the i386 entry; a result in -4095…-1 is an errno.
static void do_int80(void) {
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number(0, 20)), "b"(number(1, 0)), "c"(0L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
    errno = result < 0 ? (int)-result : 0;
    outcome(result < 0 ? -1 : result);
#else
    errno = ENOSYS;
    outcome(-1);
#endif
}

static void do_unshare(void) { outcome(unshare((int)number(0, CLONE_NEWUSER))); }
static void do_mount(void) {
    outcome(mount(argument(0, "none"), argument(1, "/mnt"), argument(2, "tmpfs"), (unsigned long)number(3, 0), argument(4, NULL)));
}
static void do_umount(void) { outcome(umount2(argument(0, "/mnt"), (int)number(1, 0))); }
static void do_sethostname(void) { outcome(sethostname(argument(0, "x"), strlen(argument(0, "x")))); }
static void do_tiocsti(void) { outcome(ioctl((int)number(0, 0), TIOCSTI, argument(1, "x"))); }
static void do_ptrace(void) { outcome(ptrace(PTRACE_SEIZE, (pid_t)number(0, 1), NULL, NULL)); }

static void do_open_by_handle(void) {
    union {
        struct file_handle handle;
        char bytes[sizeof(struct file_handle) + 8];
    } root = {.handle = {.handle_bytes = 8, .handle_type = 1}};
    ((uint32_t *)root.handle.f_handle)[0] = 2;
    int mount_fd = open(argument(0, "/"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    outcome(open_by_handle_at(mount_fd, &root.handle, O_RDONLY));
}

// ---- network and ipc ----

// bind PORT: on all IPv4 addresses.
static void do_bind(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(0, 80))};
    outcome(fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address));
    if (fd >= 0) close(fd);
}

// loopback: connects to itself over 127.0.0.1.
static void do_loopback(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int result = bind(listener, (struct sockaddr *)&address, length);
    if (!result) result = listen(listener, 1);
    if (!result) result = getsockname(listener, (struct sockaddr *)&address, &length);
    if (!result) result = connect(client, (struct sockaddr *)&address, length);
    outcome(result);
    close(listener), close(client);
}

static void do_mqueue(void) {
    mqd_t queue = mq_open(argument(0, "/probe"), O_CREAT | O_RDWR, 0600, NULL);
    outcome(queue == (mqd_t)-1 ? -1 : 0);
}

// notify SOCKET [TEXT]: sends READY=1 as a service does, or another text.
static void do_notify(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, argument(0, ""), sizeof address.sun_path - 1);
    const char *text = argument(1, "READY=1");
    outcome(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof address));
    close(fd);
}

// descriptor FD TEXT: writes to an fd that it was given.
static void do_descriptor(void) { outcome(write((int)number(0, 3), argument(1, ""), strlen(argument(1, "")))); }

static const struct verb {
    const char *name;
    void (*run)(void);
} verbs[] = {
    {"report", do_report}, {"terminal", do_terminal}, {"processes", do_processes}, {"exit", do_exit}, {"sleep", do_sleep},
    {"raise", do_raise}, {"trap", do_trap}, {"winch", do_winch}, {"setuid", do_setuid}, {"exec", do_exec},
    {"chdir", do_chdir}, {"orphans", do_orphans}, {"processor", do_processor}, {"hog", do_hog},
    {"forkbomb", do_forkbomb}, {"burn", do_burn}, {"fill", do_fill}, {"open", do_open}, {"read", do_read},
    {"write", do_write}, {"stat", do_stat}, {"lstat", do_lstat}, {"readlink", do_readlink}, {"list", do_list},
    {"statfs", do_statfs}, {"mkdir", do_mkdir}, {"rmdir", do_rmdir}, {"unlink", do_unlink}, {"symlink", do_symlink},
    {"chown", do_chown}, {"access", do_access}, {"mknod", do_mknod}, {"wait-for", do_wait_for}, {"echo", do_echo},
    {"complain", do_complain}, {"line", do_line}, {"cat", do_cat}, {"flood", do_flood}, {"syscall", do_syscall},
    {"int80", do_int80}, {"unshare", do_unshare}, {"mount", do_mount}, {"umount", do_umount},
    {"sethostname", do_sethostname}, {"tiocsti", do_tiocsti}, {"ptrace", do_ptrace},
    {"open-by-handle", do_open_by_handle}, {"bind", do_bind}, {"loopback", do_loopback}, {"mqueue", do_mqueue},
    {"swap", do_swap}, {"writable", do_writable}, {"spy", do_spy}, {"notify", do_notify}, {"descriptor", do_descriptor},
};

static void run_verb(const char *name) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, name)) continue;
        // `cat`, `flood` and `complain` write raw bytes: no object around them.
        int raw = verbs[i].run == do_cat || verbs[i].run == do_flood || verbs[i].run == do_complain;
        if (raw) {
            json_open();
            verbs[i].run();
            return;
        }
        json_open();
        json_key_text("verb", name);
        verbs[i].run();
        json_close();
        return;
    }
    dprintf(2, "probe: no verb '%s'\n", name);
    _exit(64);
}

int main(int argc, char **argv) {
    program_arguments = argv;
    for (int i = 1; i < argc;) {
        int end = i;
        while (end < argc && strcmp(argv[end], "--")) end++;
        arguments = &argv[i + 1];
        argument_count = end - i - 1;
        run_verb(argv[i]);
        i = end + 1;
    }
    return 0;
}
