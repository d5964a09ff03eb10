// The Swift runtime's crash reporter is left out. At each start it looks for an external program that would print a
// backtrace (some 15 system calls, 64 KiB of settings); beside a static program that stands alone it never is. With
// the symbols below the linker does not take the reporter's object out of the runtime's archive.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/// What the runtime asks when it is about to abort; all zero is "off".
__attribute__((aligned(16))) char _swift_backtraceSettings[512];

/// Named by the runtime's start file to keep the reporter in; nobody calls it.
bool _swift_backtrace_isThunkFunction(const char *name);
bool _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return false;
}

// The words of the command line, for the standard library's CommandLine. Its own way to them is to search the stack,
// whose bounds it takes from /proc/self/maps; a constructor of glibc is simply given them. Named here, that object is
// not taken out of the archive either.
static char **words;
static int word_count;

__attribute__((constructor)) static void keep_words(int count, char **arguments) {
    words = arguments;
    word_count = count;
}

/// Copies that the standard library keeps for the life of the program.
char **_swift_stdlib_getUnsafeArgvArgc(int *count);
char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
    char **copies = calloc((size_t)word_count + 1, sizeof *copies);
    if (copies == NULL) abort();
    for (int i = 0; i < word_count; i++)
        if ((copies[i] = strdup(words[i])) == NULL) abort();
    *count = word_count;
    return copies;
}

/// What a host of scripts would call; nobody does.
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);
void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count) {
    words = arguments;
    word_count = count;
}
