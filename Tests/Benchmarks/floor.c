// The floor: what the kernel takes to make the container that a default configuration describes, with nothing around.
//
//     floor ROOTFS PROGRAM [ARG…]
//
// Clones the namespaces, makes the mounts, device nodes, links, masks and read-only paths of the default
// configuration on a cgroup2 host, pivots, executes the program and waits. It reads no configuration, makes no
// control group, drops no capability and checks nothing but that each call worked.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(long result, const char *what) {
    if (result >= 0) return;
    dprintf(2, "floor: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static const struct {
    const char *kind, *target;
    unsigned long flags;
    const char *data;
} mounts[] = {
    {"proc", "proc", 0, NULL},
    {"tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"},
    {"devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {"tmpfs", "dev/shm", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k"},
    {"mqueue", "dev/mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL},
    {"sysfs", "sys", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL},
    {"cgroup2", "sys/fs/cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RELATIME | MS_RDONLY, NULL},
};
static const struct {
    const char *path;
    unsigned major, minor;
} nodes[] = {
    {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};
static const char *links[][2] = {
    {"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
    {"/proc/self/fd/2", "dev/stderr"}, {"/proc/kcore", "dev/core"}, {"pts/ptmx", "dev/ptmx"},
};
static const char *masked[] = {
    "proc/acpi", "proc/asound", "proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list", "proc/timer_stats",
    "proc/sched_debug", "sys/firmware", "proc/scsi",
};
static const char *read_only[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void fill_root(void) {
    for (size_t i = 0; i < COUNT(mounts); i++) {
        if (i > 1 && i < 5) must(mkdir(mounts[i].target, 0755), mounts[i].target);
        must(mount(mounts[i].kind, mounts[i].target, mounts[i].kind, mounts[i].flags, mounts[i].data), mounts[i].target);
    }
    for (size_t i = 0; i < COUNT(nodes); i++)
        must(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
    for (size_t i = 0; i < COUNT(links); i++) must(symlink(links[i][0], links[i][1]), links[i][1]);
}

static void hide(void) {
    for (size_t i = 0; i < COUNT(masked); i++) {
        struct stat st;
        if (stat(masked[i], &st)) continue;
        if (S_ISDIR(st.st_mode)) must(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1"), masked[i]);
        else must(mount("dev/null", masked[i], NULL, MS_BIND, NULL), masked[i]);
    }
    for (size_t i = 0; i < COUNT(read_only); i++) {
        if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL)) continue;
        must(mount(NULL, read_only[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
             read_only[i]);
    }
}

static void contain(char **argv) {
    umask(0);
    must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "propagation");
    must(mount(argv[1], argv[1], NULL, MS_BIND | MS_REC, NULL), "bind the root");
    must(chdir(argv[1]), argv[1]);
    fill_root();
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "leave the old root");
    must(chdir("/"), "/");
    hide();
    must(mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), "read-only root");
    must(sethostname("floor", 5), "host name");
    execv(argv[2], argv + 2);
    must(-1, argv[2]);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    struct clone_args arguments = {
        .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP,
        .exit_signal = SIGCHLD,
    };
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    must(child, "clone3");
    if (child == 0) contain(argv);
    int status;
    must(waitpid((pid_t)child, &status, 0), "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
