// Starts the program again through a read-only overlay before it has cost anything (CVE-2019-5736, see SelfSeal.swift).
//
// The Swift side decides whether the program must be sealed, and does it whenever this has not. What is done here is
// the usual case only, as early as possible: the C library's own start takes 0.2 ms where a hypervisor traps CPUID, the
// Swift runtime's about as long, and all of it would be thrown away by the second start. Whatever is unusual, and
// every failure, is left to the Swift side, which explains it.
//
// No C library here: no thread-local storage, no errno, no relocated function; so no stack protector either.
#include "cstart.h"

#if defined(__x86_64__)
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

__asm__(
    ".text\n"
    ".globl skiff_start\n"
    ".type skiff_start, @function\n"
    "skiff_start:\n"
    "    xorl %ebp, %ebp\n"
    "    movq %rsp, %rbx\n"
    "    movq %rdx, %r12\n"
    "    movq %rsp, %rdi\n"
    "    andq $-16, %rsp\n"
    "    call skiff_seal_early\n"
    "    movq %r12, %rdx\n"
    "    movq %rbx, %rsp\n"
    "    jmp _start\n"
    ".size skiff_start, . - skiff_start\n");

static inline long call(long number, long a, long b, long c, long d, long e) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

static int equal(const char *a, const char *b) {
    while (*a != 0 && *a == *b) a++, b++;
    return *a == *b;
}

/// Whether a word is `-b…`, `--bundle` or `--bundle=…`.
static int names_bundle(const char *word) {
    static const char option[] = "--bundle";
    if (word[0] == '-' && word[1] == 'b') return 1;
    for (size_t i = 0; i < sizeof option - 1; i++)
        if (word[i] != option[i]) return 0;
    return 1;
}

/// Whether the program was called by the name of another runtime (see CommandStyle.swift).
static int speaks_for_another(const char *name) {
    const char *last = name;
    for (; *name != 0; name++)
        if (*name == '/') last = name + 1;
    return equal(last, "runc") || equal(last, "crun");
}

/// Whether the first words name a verb that puts this program beside a container's processes. The value of an option
/// may look like one: then the program is sealed without need. `run` counts with a bundle only, which other runtimes'
/// always has: with an image, this program first has to find its helper beside its file, and seals itself later.
static int wants_seal(long count, char **arguments) {
    int runs = 0;
    const int bundles_only = count > 0 && speaks_for_another(arguments[0]);
    for (long i = 1; i < count && i < 16; i++) {
        const char *word = arguments[i];
        if (equal(word, "create") || equal(word, "exec")) return 1;
        if (equal(word, "run")) {
            if (bundles_only) return 1;
            runs = 1;
        }
        if (runs && names_bundle(word)) return 1;
    }
    return 0;
}

/// Whether the file of the program is one that an overlay would seal: on a file system that is written to, and not
/// sealed or protected already.
static int needs_overlay(const char *self) {
    struct statfs where;
    struct statx what;
    if (call(SYS_geteuid, 0, 0, 0, 0, 0) != 0) return 0;
    if (call(SYS_statfs, (long)self, (long)&where, 0, 0, 0) < 0) return 0;
    if (where.f_type == OVERLAYFS_SUPER_MAGIC || where.f_type == TMPFS_MAGIC) return 0;
    if (where.f_type == EROFS_SUPER_MAGIC_V1 || where.f_type == SQUASHFS_MAGIC || where.f_type == ISOFS_SUPER_MAGIC)
        return 0;
    if (call(SYS_statx, AT_FDCWD, (long)self, 0, STATX_TYPE, (long)&what) < 0) return 0;
    return (what.stx_attributes & (STATX_ATTR_VERITY | STATX_ATTR_IMMUTABLE)) == 0;
}

/// Closes a descriptor and returns -1.
static long drop(long descriptor) {
    call(SYS_close, descriptor, 0, 0, 0, 0);
    return -1;
}

/// Writes the option of an overlay of `directory` and /sys to `to`, which has `room`: in the form that Linux before 6.7
/// knows, too. It takes 255 bytes, and some characters mean something in it; then 0 is the answer.
static int layers(const char *directory, char *to, long room) {
    static const char second[] = ":/sys";
    const long limit = room < 256 ? room : 256;
    long length = 0;
    for (; directory[length] != 0; length++) {
        const char byte = directory[length];
        if (length + (long)sizeof second >= limit || byte == ':' || byte == ',' || byte == '\\') return 0;
        to[length] = byte;
    }
    for (unsigned i = 0; i < sizeof second; i++) to[length + i] = second[i];
    return 1;
}

/// A detached overlay of the directories in `lower` without an upper layer.
static long overlay(const char *lower) {
    const long string = FSCONFIG_SET_STRING;
    const long attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    long context = call(SYS_fsopen, (long)"overlay", FSOPEN_CLOEXEC, 0, 0, 0);
    if (context < 0) return context;
    if (call(SYS_fsconfig, context, string, (long)"lowerdir", (long)lower, 0) < 0) return drop(context);
    if (call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0) < 0) return drop(context);
    long tree = call(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes, 0, 0);
    drop(context);
    return tree;
}

/// `stack` is what the kernel gives a new program: the number of arguments, the arguments, NULL, the environment.
__attribute__((used, no_stack_protector)) void skiff_seal_early(long *stack) {
    static const char self[] = "/proc/self/exe";
    static char path[4096];  // not on the stack: a fresh page of it would be zeroed in vain
    long count = stack[0];
    char **arguments = (char **)(stack + 1);
    char **environment = arguments + count + 1;
    if (!wants_seal(count, arguments) || !needs_overlay(self)) return;
    long length = call(SYS_readlinkat, AT_FDCWD, (long)self, (long)path, sizeof path - 1, 0);
    if (length <= 1 || path[0] != '/') return;
    long name = length;
    while (path[name - 1] != '/') name--;
    if (name == 1) return;
    path[name - 1] = 0;
    // One lower layer is not enough; the second only has to exist and be elsewhere.
    char *lower = path + length + 1;
    if (length + 1 >= (long)sizeof path || !layers(path, lower, (long)sizeof path - length - 1)) return;
    long tree = overlay(lower);
    if (tree < 0) return;
    call(SYS_execveat, tree, (long)(path + name), (long)arguments, (long)environment, 0);
    drop(tree);
}
#endif
