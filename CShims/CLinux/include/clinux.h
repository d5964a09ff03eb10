/// System calls and constants that Swift cannot reach by itself.
///
/// Every function is a leaf without policy: it makes one call and returns its result, or `-errno` captured in the
/// same call, so nothing that happens afterwards can change the reason. EINTR is left to the caller.
#pragma once

// Swift's Glibc module is built without _GNU_SOURCE. These headers must be, too: with it, types such as fd_set have
// another definition, and a program that loads both modules does not compile. What only GNU offers is called by number.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "clinux_constants.h"
#include "clinux_files.h"
#include "clinux_ipc.h"
#include "clinux_mount.h"
#include "clinux_process.h"
#include "clinux_bare.h"
