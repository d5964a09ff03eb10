#include "clinux.h"

// A section of its own: scripts/build puts the commit here after linking, so that a new commit compiles nothing anew.
__attribute__((used, section("skiff_commit"))) static volatile const char commit[64] = "unknown";

const char *cl_build_commit(void) { return (const char *)(uintptr_t)commit; }
