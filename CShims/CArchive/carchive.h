// libarchive as Swift sees it. Only reading is used: entries are placed by ImageTransfer's own writer.
#pragma once

// Without _GNU_SOURCE, as CLinux and Swift's Glibc: with it Swift refuses the two definitions of fd_set.
#include <archive.h>
#include <archive_entry.h>

// Type-casting macros are not imported by Swift.
enum {
    CARCHIVE_KIND_MASK = 0170000,
    CARCHIVE_KIND_REGULAR = 0100000,
    CARCHIVE_KIND_DIRECTORY = 0040000,
    CARCHIVE_KIND_SYMLINK = 0120000,
    CARCHIVE_KIND_CHARACTER = 0020000,
    CARCHIVE_KIND_BLOCK = 0060000,
    CARCHIVE_KIND_FIFO = 0010000,
};
