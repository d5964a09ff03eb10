// Verbs about files.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "verbs.h"

static int open_flags(const char *mode) {
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (strchr(mode, 'c')) flags |= O_CREAT;
    if (strchr(mode, 'a')) flags |= O_APPEND;
    if (strchr(mode, 't')) flags |= O_TRUNC;
    if (strchr(mode, 'd')) flags |= O_DIRECTORY;
    if (strchr(mode, 'r') && strchr(mode, 'w')) return flags | O_RDWR;
    return flags | (strchr(mode, 'w') ? O_WRONLY : O_RDONLY);
}

// open PATH MODE: MODE has letters of r w c(reate) a(ppend) t(runcate) d(irectory).
void do_open(void) {
    int fd = open(argument(0, "/"), open_flags(argument(1, "r")), 0644);
    outcome(fd < 0 ? -1 : 0);
    if (fd >= 0) close(fd);
}

void do_read(void) {
    static char text[1 << 16];
    int fd = open(argument(0, "/"), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    outcome(n);
    if (n >= 0) {
        json_key("text");
        json_bytes(text, (size_t)n);
    }
    if (fd >= 0) close(fd);
}

// write PATH TEXT [MODE]
void do_write(void) {
    int fd = open(argument(0, "/"), open_flags(argument(2, "wct")), 0644);
    outcome(fd < 0 ? -1 : write(fd, argument(1, ""), strlen(argument(1, ""))));
    if (fd >= 0) close(fd);
}

static void describe(const struct stat *st) {
    static const char *kinds[16] = {[1] = "fifo", [2] = "char", [4] = "dir", [6] = "block", [8] = "file", [10] = "link",
                                    [12] = "socket"};
    json_key_text("kind", kinds[(st->st_mode & S_IFMT) >> 12]);
    json_key_number("mode", st->st_mode & 07777);
    json_key_number("uid", st->st_uid);
    json_key_number("gid", st->st_gid);
    json_key_number("size", st->st_size);
    json_key_number("nlink", (long long)st->st_nlink);
    json_key_number("major", major(st->st_rdev));
    json_key_number("minor", minor(st->st_rdev));
    json_key_number("mtime", st->st_mtime);
}
void do_stat(void) {
    struct stat st;
    int result = stat(argument(0, "/"), &st);
    outcome(result);
    if (!result) describe(&st);
}
void do_lstat(void) {
    struct stat st;
    int result = lstat(argument(0, "/"), &st);
    outcome(result);
    if (!result) describe(&st);
}
void do_readlink(void) {
    char target[4096];
    ssize_t n = readlink(argument(0, "/"), target, sizeof target);
    outcome(n);
    if (n >= 0) {
        json_key("target");
        json_bytes(target, (size_t)n);
    }
}
void do_list(void) {
    DIR *directory = opendir(argument(0, "/"));
    outcome(directory ? 0 : -1);
    json_key("names");
    json_array();
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) json_text(entry->d_name);
    json_end();
    if (directory) closedir(directory);
}
void do_statfs(void) {
    struct statfs fs;
    int result = statfs(argument(0, "/"), &fs);
    outcome(result);
    if (result) return;
    json_key_number("type", fs.f_type);
    json_key_number("bytes", (long long)fs.f_blocks * fs.f_bsize);
    json_key_number("files", (long long)fs.f_files);
    json_key_number("flags", fs.f_flags);
}
void do_mkdir(void) { outcome(mkdir(argument(0, "/d"), 0755)); }
void do_rmdir(void) { outcome(rmdir(argument(0, "/d"))); }
void do_unlink(void) { outcome(unlink(argument(0, "/f"))); }
void do_symlink(void) { outcome(symlink(argument(0, "/"), argument(1, "/l"))); }
void do_chown(void) { outcome(chown(argument(0, "/f"), (uid_t)number(1, 0), (gid_t)number(2, 0))); }
void do_access(void) { outcome(access(argument(0, "/"), (int)number(1, 0))); }

// mknod PATH c|b|p MAJOR MINOR
void do_mknod(void) {
    const char *kind = argument(1, "c");
    mode_t mode = *kind == 'p' ? S_IFIFO : *kind == 'b' ? S_IFBLK : S_IFCHR;
    outcome(mknod(argument(0, "/n"), mode | 0600, makedev((unsigned)number(2, 1), (unsigned)number(3, 3))));
}

// wait-for PATH [SECONDS]: until the file is there.
void do_wait_for(void) {
    long polls = number(1, 10) * 100;
    while (polls-- > 0 && access(argument(0, "/go"), F_OK)) nap(0.01);
    outcome(access(argument(0, "/go"), F_OK));
}

// swap A B: exchanges two names as fast as it can, for ever.
void do_swap(void) {
    for (;;) syscall(SYS_renameat2, AT_FDCWD, argument(0, "a"), AT_FDCWD, argument(1, "b"), 2 /* RENAME_EXCHANGE */);
}

static int note_writable(const char *path, const struct stat *st, int kind, struct FTW *place) {
    (void)place;
    if (kind == FTW_D && strtol(path + strlen("/proc/"), NULL, 10) > 0 && !strncmp(path, "/proc/", 6)) return FTW_SKIP_SUBTREE;
    if (kind != FTW_F || !S_ISREG(st->st_mode)) return FTW_CONTINUE;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return FTW_CONTINUE;
    close(fd);
    json_text(path);
    return FTW_CONTINUE;
}

// writable DIRECTORY: files below it that can be opened for writing, those of processes left out.
void do_writable(void) {
    json_key("paths");
    json_array();
    nftw(argument(0, "/proc"), note_writable, 32, FTW_PHYS | FTW_MOUNT | FTW_ACTIONRETVAL);
    json_end();
}

// spy COUNT SECONDS: looks at the descriptors of the next processes from their birth on, COUNT of them or until the time is
// over; "seen" and the "directories" that they had open, those of the root file system left out.
void do_spy(void) {
    long wanted = number(0, 1), seen = 0, pid = getpid() + 1;
    time_t end = time(NULL) + number(1, 10);
    char path[64], link[512];
    struct stat own;
    if (stat("/", &own)) _exit(1);
    json_key("directories");
    json_array();
    while (seen < wanted && time(NULL) < end) {
        struct stat st;
        long ahead = 0;  // one that was gone again is not waited for
        do snprintf(path, sizeof path, "/proc/%ld", pid + ahead); while (stat(path, &st) && ++ahead < 6);
        if (ahead == 6) continue;
        pid += ahead;
        do {  // until it is gone, or has had time enough
            for (int fd = 3; fd < 32; fd++) {
                snprintf(path, sizeof path, "/proc/%ld/fd/%d", pid, fd);
                if (stat(path, &st) || !S_ISDIR(st.st_mode) || st.st_dev == own.st_dev) continue;
                ssize_t length = readlink(path, link, sizeof link);
                json_bytes(length > 0 ? link : "?", length > 0 ? (size_t)length : 1);
            }
            snprintf(path, sizeof path, "/proc/%ld/fd", pid);
        } while (!stat(path, &st) && time(NULL) < end);
        seen++, pid++;
    }
    json_end();
    json_key_number("seen", seen);
}
