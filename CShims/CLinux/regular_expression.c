#include <regex.h>

#include "clinux.h"

long cl_match(const char *pattern, const char *text) {
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) return -EINVAL;
    int result = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return result == 0;
}
