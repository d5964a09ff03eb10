// What the probe can say about its own process: one JSON object, everything read from the kernel at the time.
#include "facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "json.h"

extern char **environ;

static void file_text(const char *key, const char *path) {
    static char text[1 << 18];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    json_key(key);
    if (fd < 0) {
        json_null();
        return;
    }
    for (ssize_t n; used < sizeof text && (n = read(fd, text + used, sizeof text - used)) > 0;) used += (size_t)n;
    close(fd);
    json_bytes(text, used);
}

static void link_text(const char *key, const char *path) {
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target);
    json_key(key);
    if (n < 0) json_null();
    else json_bytes(target, (size_t)n);
}

static void ids(void) {
    uid_t r, e, s;
    gid_t groups[512];
    getresuid(&r, &e, &s);
    json_key("uids");
    json_array();
    json_number(r), json_number(e), json_number(s);
    json_end();
    getresgid(&r, &e, &s);
    json_key("gids");
    json_array();
    json_number(r), json_number(e), json_number(s);
    json_end();
    int count = getgroups(512, groups);
    json_key("groups");
    json_array();
    for (int i = 0; i < count; i++) json_number(groups[i]);
    json_end();
}

static void limits(void) {
    static const char *names[] = {"CPU",   "FSIZE",   "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
                                  "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};
    json_key("rlimits");
    json_object();
    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)i, &limit)) continue;
        json_key(names[i]);
        json_array();
        json_number((long long)limit.rlim_cur), json_number((long long)limit.rlim_max);  // -1 is unlimited
        json_end();
    }
    json_end();
}

// Lines "Key:\tvalue" of /proc/self/status, as strings.
static void status(void) {
    char line[4096];
    FILE *file = fopen("/proc/self/status", "re");
    json_key("status");
    if (!file) {
        json_null();
        return;
    }
    json_object();
    while (fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon) continue;
        *colon = 0;
        char *value = colon + 1 + strspn(colon + 1, " \t");
        value[strcspn(value, "\n")] = 0;
        json_key_text(line, value);
    }
    json_end();
    fclose(file);
}

// Found by asking about every number, so that it works without /proc and without opening anything.
static void descriptors(void) {
    json_key("fds");
    json_object();
    for (int fd = 0; fd < 1024; fd++) {
        struct stat st;
        char number[16], path[64], target[PATH_MAX];
        if (fstat(fd, &st)) continue;
        snprintf(number, sizeof number, "%d", fd);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof target);
        json_key(number);
        if (n < 0) json_text("?");
        else json_bytes(target, (size_t)n);
    }
    json_end();
}

static void namespaces(void) {
    static const char *names[] = {"pid", "net", "mnt", "ipc", "uts", "user", "cgroup", "time", "pid_for_children"};
    json_key("ns");
    json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        link_text(names[i], path);
    }
    json_end();
}

static void signals(void) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    json_key("blocked");
    json_array();
    for (int s = 1; s < 65; s++)
        if (sigismember(&blocked, s) == 1) json_number(s);
    json_end();
    json_key("ignored");
    json_array();
    for (int s = 1; s < 65; s++) {
        struct sigaction action;
        if (!sigaction(s, NULL, &action) && action.sa_handler == SIG_IGN) json_number(s);
    }
    json_end();
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    json_key_number("pdeathsig", death);
}

void facts_terminal(void) {
    json_key("tty");
    json_object();
    json_key("isatty");
    json_array();
    for (int fd = 0; fd < 3; fd++) json_bool(isatty(fd));
    json_end();
    struct winsize size;
    if (!ioctl(0, TIOCGWINSZ, &size)) {
        json_key_number("rows", size.ws_row);
        json_key_number("columns", size.ws_col);
    }
    link_text("name", "/proc/self/fd/0");
    int controlling = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    json_key_bool("controlling", controlling >= 0);
    if (controlling >= 0) {
        json_key_number("foreground", tcgetpgrp(controlling));
        close(controlling);
    }
    json_end();
}

static void scheduling(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
        uint32_t util_min, util_max;
    } attributes = {0};
    json_key("sched");
    json_object();
    if (!syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0)) {
        json_key_number("policy", attributes.policy);
        json_key_number("flags", (long long)attributes.flags);
        json_key_number("nice", attributes.nice);
        json_key_number("priority", attributes.priority);
    }
    long priority = syscall(SYS_ioprio_get, 1, 0);
    json_key_number("ioprio_class", priority >> 13);
    json_key_number("ioprio_level", priority & 0x1fff);
    cpu_set_t set;
    json_key("affinity");
    json_array();
    if (!sched_getaffinity(0, sizeof set, &set))
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &set)) json_number(cpu);
    json_end();
    int mode = -1;
    unsigned long nodes[16] = {0};
    if (!syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0)) {
        json_key_number("mempolicy", mode);
        json_key_number("memnodes", (long long)nodes[0]);
    }
    json_end();
}

static void host_names(void) {
    struct utsname name;
    uname(&name);
    json_key_text("hostname", name.nodename);
    json_key_text("domainname", name.domainname);
    json_key_text("machine", name.machine);
    json_key_text("release", name.release);
}

static void keyring(void) {
    char description[256] = "";
    long serial = syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3 /* session */, 0);
    json_key_number("keyring", serial);
    if (serial > 0) syscall(SYS_keyctl, 6 /* DESCRIBE */, serial, description, sizeof description - 1);
    json_key_text("keyring_description", description);
}

void facts_visible_processes(void) {
    DIR *directory = opendir("/proc");
    json_key("processes");
    json_array();
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') json_number(atoi(entry->d_name));
    json_end();
    if (directory) closedir(directory);
}

void facts_report(char **argv) {
    char cwd[PATH_MAX];
    descriptors();  // first: before anything here opens a file
    json_key("argv");
    json_array();
    for (char **word = argv; *word; word++) json_text(*word);
    json_end();
    json_key("env");
    json_array();
    for (char **variable = environ; *variable; variable++) json_text(*variable);
    json_end();
    json_key("cwd");
    if (getcwd(cwd, sizeof cwd)) json_text(cwd);
    else json_null();
    json_key_number("pid", getpid());
    json_key_number("ppid", getppid());
    json_key_number("pgid", getpgid(0));
    json_key_number("sid", getsid(0));
    mode_t mask = umask(0);
    umask(mask);
    json_key_number("umask", mask);
    json_key_number("personality", personality(0xffffffff));
    json_key_bool("dumpable", prctl(PR_GET_DUMPABLE));
    json_key_bool("subreaper", ({ int value = 0; prctl(PR_GET_CHILD_SUBREAPER, &value); value; }));
    ids();
    limits();
    signals();
    scheduling();
    host_names();
    keyring();
    facts_terminal();
    namespaces();
    status();
    facts_visible_processes();
    file_text("mountinfo", "/proc/self/mountinfo");
    file_text("cgroup", "/proc/self/cgroup");
    file_text("uid_map", "/proc/self/uid_map");
    file_text("gid_map", "/proc/self/gid_map");
    file_text("setgroups", "/proc/self/setgroups");
    file_text("oom_score_adj", "/proc/self/oom_score_adj");
    file_text("uptime", "/proc/uptime");
    file_text("net_dev", "/proc/net/dev");
    file_text("timens_offsets", "/proc/self/timens_offsets");
    link_text("exe", "/proc/self/exe");
    link_text("root", "/proc/self/root");
}
