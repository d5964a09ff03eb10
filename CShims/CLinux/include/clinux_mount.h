/// The mount calls, old and new.
#pragma once

#include <sys/mount.h>

/// The kernel's struct mount_attr (mount_setattr(2)); glibc's own clashes with linux/mount.h.
struct cl_mount_attr {
    uint64_t attr_set;
    uint64_t attr_clr;
    uint64_t propagation;
    uint64_t userns_fd;
};

/// fsopen(2) with FSOPEN_CLOEXEC.
static inline long cl_fsopen(const char *name) { return CL_RET(syscall(SYS_fsopen, name, 1U)); }
/// fsconfig(2)
static inline long cl_fsconfig(int fd, uint64_t command, const char *key, const void *value, int aux) {
    return CL_RET(syscall(SYS_fsconfig, fd, (unsigned)command, key, value, aux));
}
/// fsmount(2) with FSMOUNT_CLOEXEC.
static inline long cl_fsmount(int fd, uint64_t attributes) {
    return CL_RET(syscall(SYS_fsmount, fd, 1U, (unsigned)attributes));
}
/// fspick(2) with FSPICK_CLOEXEC | FSPICK_EMPTY_PATH.
static inline long cl_fspick(int dir, const char *path) { return CL_RET(syscall(SYS_fspick, dir, path, 0x9U)); }
/// open_tree(2) with OPEN_TREE_CLOEXEC.
static inline long cl_open_tree(int dir, const char *path, uint64_t flags) {
    return CL_RET(syscall(SYS_open_tree, dir, path, (unsigned)(flags | O_CLOEXEC)));
}
/// move_mount(2)
static inline long cl_move_mount(int from, const char *from_path, int to, const char *to_path, uint64_t flags) {
    return CL_RET(syscall(SYS_move_mount, from, from_path, to, to_path, (unsigned)flags));
}
/// mount_setattr(2)
static inline long cl_mount_setattr(int dir, const char *path, uint64_t flags, const struct cl_mount_attr *attr) {
    return CL_RET(syscall(SYS_mount_setattr, dir, path, (unsigned)flags, attr, sizeof *attr));
}
/// mount(2)
static inline long cl_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return CL_RET(mount(source, target, type, flags, data));
}
/// umount2(2)
static inline long cl_umount(const char *target, uint64_t flags) { return CL_RET(umount2(target, (int)flags)); }
/// pivot_root(2)
static inline long cl_pivot_root(const char *new_root, const char *put_old) {
    return CL_RET(syscall(SYS_pivot_root, new_root, put_old));
}
/// chroot(2)
static inline long cl_chroot(const char *path) { return CL_RET(chroot(path)); }

/// What MountStaging.swift remembers for the whole process, -1 until it is set: the host's procfs, the staging place, the
/// number of trees staged so far.
enum cl_staging { CL_STAGING_PROCFS, CL_STAGING_PLACE, CL_STAGING_COUNT };
int cl_staging_value(int which);
void cl_staging_set(int which, int value);
