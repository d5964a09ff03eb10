/// Calls as the kernel has them, for finding out what it can; the others fall back to older ones in places.
#pragma once

/// clone3(2) with arguments that no kernel takes: EINVAL from those that have the call.
static inline long cl_bare_clone3(void) { return CL_RET(syscall(SYS_clone3, NULL, 0)); }
/// kcmp(2) of the caller's descriptors 0 with themselves (KCMP_FILE).
static inline long cl_bare_kcmp(int pid) { return CL_RET(syscall(SYS_kcmp, pid, pid, 0, 0, 0)); }
/// prctl(2) PR_SET_MM_MAP_SIZE: the size of what PR_SET_MM_MAP takes.
static inline long cl_bare_map_size(void) {
    unsigned size = 0;
    return CL_RET(prctl(35, 15, &size, 0, 0));
}
/// uname(2): the release, as text that ends with 0, in `release` of 65 bytes.
static inline long cl_release(char *release) {
    // struct new_utsname: six texts of 65 bytes, the third is the release.
    char names[6][65];
    long result = CL_RET(syscall(SYS_uname, names));
    if (result >= 0)
        for (int i = 0; i < 65; i++) release[i] = names[2][i];
    return result;
}
/// ioctl(2) SECCOMP_IOCTL_NOTIF_ADDFD for a notification that there is not: ENOENT from kernels that have it.
static inline long cl_bare_add_fd(int listener) {
    // struct seccomp_notif_addfd: id, flags, source descriptor, new descriptor and its flags.
    struct {
        uint64_t id;
        uint32_t words[4];
    } request = {~(uint64_t)0, {0, 0, 0, 0}};
    return CL_RET(ioctl(listener, 0x40182103UL, &request));
}
/// ioctl(2) FS_IOC_MEASURE_VERITY: ENODATA for a file without it, where the file system can have it.
static inline long cl_bare_verity(int fd) {
    struct {
        uint16_t algorithm, size;
        uint8_t digest[64];
    } digest = {0, 64, {0}};
    return CL_RET(ioctl(fd, 0xC0046686UL, &digest));
}
