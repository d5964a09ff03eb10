// The Swift runtime's crash reporter is left out. At each start it looks for an external program that would print a
// backtrace (some 15 system calls, 64 KiB of settings); beside a static program that stands alone it never is. With
// the symbols below the linker does not take the reporter's object out of the runtime's archive.
#include <stdbool.h>

/// What the runtime asks when it is about to abort; all zero is "off".
__attribute__((aligned(16))) char _swift_backtraceSettings[512];

/// Named by the runtime's start file to keep the reporter in; nobody calls it.
bool _swift_backtrace_isThunkFunction(const char *name);
bool _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return false;
}
