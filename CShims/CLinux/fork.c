#include "clinux.h"

#include <unistd.h>

long cl_fork(void) { return CL_RET(fork()); }
