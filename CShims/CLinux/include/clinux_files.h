/// Files, directories, attributes.
#pragma once

#include <dirent.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/// Turns the -1 of libc into -errno.
#define CL_RET(call)                       \
    ({                                     \
        long cl_result = (long)(call);     \
        cl_result < 0 ? -(long)errno : cl_result; \
    })

/// open(2) relative to a directory.
static inline long cl_openat(int dir, const char *path, uint64_t flags, uint32_t mode) {
    return CL_RET(syscall(SYS_openat, dir, path, (int)flags, mode));
}
/// openat2(2)
static inline long cl_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return CL_RET(syscall(SYS_openat2, dir, path, &how, sizeof how));
}
/// close(2). Never retried: on Linux the descriptor is gone whatever it returns.
static inline long cl_close(int fd) { return CL_RET(close(fd)); }
/// read(2)
static inline long cl_read(int fd, void *buffer, size_t count) { return CL_RET(read(fd, buffer, count)); }
/// pread(2)
static inline long cl_pread(int fd, void *buffer, size_t count, int64_t offset) {
    return CL_RET(pread(fd, buffer, count, offset));
}
/// write(2)
static inline long cl_write(int fd, const void *buffer, size_t count) { return CL_RET(write(fd, buffer, count)); }
/// pwrite(2)
static inline long cl_pwrite(int fd, const void *buffer, size_t count, int64_t offset) {
    return CL_RET(pwrite(fd, buffer, count, offset));
}
/// lseek(2)
static inline long cl_lseek(int fd, int64_t offset, int whence) { return CL_RET(lseek(fd, offset, whence)); }
/// sendfile(2)
static inline long cl_sendfile(int out, int in, size_t count) { return CL_RET(sendfile(out, in, NULL, count)); }
/// copy_file_range(2)
static inline long cl_copy_file_range(int in, int out, size_t count) {
    return CL_RET(syscall(SYS_copy_file_range, in, NULL, out, NULL, count, 0));
}
/// splice(2) between two descriptors of which one is a pipe.
static inline long cl_splice(int in, int out, size_t count, uint32_t flags) {
    return CL_RET(syscall(SYS_splice, in, NULL, out, NULL, count, flags));
}
/// ftruncate(2)
static inline long cl_ftruncate(int fd, int64_t length) { return CL_RET(ftruncate(fd, length)); }
/// fallocate(2)
static inline long cl_fsync(int fd) { return CL_RET(fsync(fd)); }
/// syncfs(2)
static inline long cl_syncfs(int fd) { return CL_RET(syscall(SYS_syncfs, fd)); }
/// dup3(2) with O_CLOEXEC by choice.
static inline long cl_dup3(int from, int to, uint64_t flags) { return CL_RET(syscall(SYS_dup3, from, to, (int)flags)); }
/// fcntl(2) F_DUPFD_CLOEXEC
static inline long cl_dup_cloexec(int fd, int lowest) { return CL_RET(fcntl(fd, F_DUPFD_CLOEXEC, lowest)); }
/// fcntl(2) with an integer argument.
static inline long cl_fcntl(int fd, int command, uint64_t argument) { return CL_RET(fcntl(fd, command, argument)); }
/// pipe2(2) with O_CLOEXEC.
static inline long cl_pipe(int fds[2], uint64_t flags) { return CL_RET(syscall(SYS_pipe2, fds, (int)(flags | CL_O_CLOEXEC))); }
/// memfd_create(2)
static inline long cl_memfd_create(const char *name, uint64_t flags) {
    return CL_RET(syscall(SYS_memfd_create, name, (unsigned)flags));
}
/// flock(2)
static inline long cl_flock(int fd, int operation) { return CL_RET(flock(fd, operation)); }

/// newfstatat(2)
static inline long cl_fstatat(int dir, const char *path, struct stat *status, uint64_t flags) {
    return CL_RET(fstatat(dir, path, status, (int)flags));
}
/// The attributes of statx(2) (STATX_ATTR_*) and the mount's id, with AT_EMPTY_PATH when `path` is empty.
static inline long cl_statx_attributes(int dir, const char *path, uint64_t *attributes, uint64_t *mount_id) {
    // struct statx, 256 bytes: stx_attributes at byte 8, stx_mnt_id at byte 144. Mask: STATX_MNT_ID | STATX_INO.
    uint64_t status[32] = {0};
    uint64_t flags = path[0] ? CL_AT_SYMLINK_NOFOLLOW : CL_AT_EMPTY_PATH;
    long result = CL_RET(syscall(SYS_statx, dir, path, (int)flags, 0x1100U, status));
    if (result == 0) {
        *attributes = status[1];
        *mount_id = status[18];
    }
    return result;
}
/// An id of the mount that `fd` is in: STATX_MNT_ID or STATX_MNT_ID_UNIQUE as `mask`; 0 when the kernel has none.
static inline long cl_statx_mount(int fd, uint64_t mask, uint64_t *id) {
    uint64_t status[32] = {0};
    long result = CL_RET(syscall(SYS_statx, fd, "", (int)CL_AT_EMPTY_PATH, (unsigned)mask, status));
    *id = result == 0 && ((uint32_t)status[0] & mask) ? status[18] : 0;
    return result;
}
/// The type number (and flags, block counts) of the file system that holds `fd`: fstatfs(2).
static inline long cl_fstatfs(int fd, struct statfs *status) { return CL_RET(fstatfs(fd, status)); }
/// statfs(2)
static inline long cl_statfs(const char *path, struct statfs *status) { return CL_RET(statfs(path, status)); }
/// readlinkat(2); an empty path reads the link that `dir` is (O_PATH | O_NOFOLLOW).
static inline long cl_readlinkat(int dir, const char *path, char *buffer, size_t size) {
    return CL_RET(readlinkat(dir, path, buffer, size));
}
/// mkdirat(2)
static inline long cl_mkdirat(int dir, const char *path, uint32_t mode) { return CL_RET(mkdirat(dir, path, mode)); }
/// mknodat(2)
static inline long cl_mknodat(int dir, const char *path, uint32_t mode, uint32_t major_number, uint32_t minor_number) {
    return CL_RET(mknodat(dir, path, mode, makedev(major_number, minor_number)));
}
/// unlinkat(2)
static inline long cl_unlinkat(int dir, const char *path, uint64_t flags) {
    return CL_RET(unlinkat(dir, path, (int)flags));
}
/// symlinkat(2)
static inline long cl_symlinkat(const char *target, int dir, const char *path) {
    return CL_RET(symlinkat(target, dir, path));
}
/// linkat(2)
static inline long cl_linkat(int from, const char *old_path, int to, const char *new_path, uint64_t flags) {
    return CL_RET(linkat(from, old_path, to, new_path, (int)flags));
}
/// renameat2(2)
static inline long cl_renameat2(int from, const char *old_path, int to, const char *new_path, uint32_t flags) {
    return CL_RET(syscall(SYS_renameat2, from, old_path, to, new_path, flags));
}
/// fchmod(2)
static inline long cl_fchmod(int fd, uint32_t mode) { return CL_RET(fchmod(fd, mode)); }
/// fchmodat(2); follows links, so only for names that the caller made.
static inline long cl_fchmodat(int dir, const char *path, uint32_t mode) { return CL_RET(fchmodat(dir, path, mode, 0)); }
/// fchmodat2(2), kernel 6.6: with AT_EMPTY_PATH or AT_SYMLINK_NOFOLLOW.
static inline long cl_fchmodat2(int dir, const char *path, uint32_t mode, uint64_t flags) {
    return CL_RET(syscall(452, dir, path, mode, (unsigned)flags));
}
/// fchownat(2)
static inline long cl_fchownat(int dir, const char *path, uint32_t uid, uint32_t gid, uint64_t flags) {
    return CL_RET(fchownat(dir, path, uid, gid, (int)flags));
}
/// utimensat(2) with access and modification time as seconds and nanoseconds; an empty path means `dir` itself.
static inline long cl_utimensat(int dir, const char *path, const struct timespec times[2], uint64_t flags) {
    return CL_RET(syscall(SYS_utimensat, dir, path[0] || (flags & CL_AT_EMPTY_PATH) ? path : NULL, times, (int)flags));
}
/// faccessat(2) without flags; glibc would make faccessat2, which older seccomp profiles of containers refuse.
static inline long cl_faccessat(int dir, const char *path, int mode) {
    return CL_RET(syscall(SYS_faccessat, dir, path, mode));
}

/// fsetxattr(2)
static inline long cl_fsetxattr(int fd, const char *name, const void *value, size_t size) {
    return CL_RET(fsetxattr(fd, name, value, size, 0));
}
/// lsetxattr(2)
static inline long cl_lsetxattr(const char *path, const char *name, const void *value, size_t size) {
    return CL_RET(lsetxattr(path, name, value, size, 0));
}
/// fgetxattr(2)
static inline long cl_fgetxattr(int fd, const char *name, void *value, size_t size) {
    return CL_RET(fgetxattr(fd, name, value, size));
}
/// lgetxattr(2)
static inline long cl_lgetxattr(const char *path, const char *name, void *value, size_t size) {
    return CL_RET(lgetxattr(path, name, value, size));
}
/// flistxattr(2)
static inline long cl_flistxattr(int fd, char *list, size_t size) { return CL_RET(flistxattr(fd, list, size)); }
/// llistxattr(2)
static inline long cl_llistxattr(const char *path, char *list, size_t size) {
    return CL_RET(llistxattr(path, list, size));
}
/// fremovexattr(2)
static inline long cl_fremovexattr(int fd, const char *name) { return CL_RET(fremovexattr(fd, name)); }

/// getdents64(2) into a caller's buffer of struct linux_dirent64.
static inline long cl_getdents64(int fd, void *buffer, size_t size) {
    return CL_RET(syscall(SYS_getdents64, fd, buffer, (unsigned)size));
}
/// Major and minor numbers of a device.
static inline uint32_t cl_major(uint64_t device) { return major(device); }
static inline uint32_t cl_minor(uint64_t device) { return minor(device); }
