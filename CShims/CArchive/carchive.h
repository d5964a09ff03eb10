// libarchive as Swift sees it. Only reading is used: entries are placed by ImageTransfer's own writer.
#pragma once

// The same view of the C library as CLinux, or Swift refuses the two definitions of fd_set.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

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
