#include "clinux.h"

// Kept here because it belongs to the process: a clone has its own copy, and the program has one thread.
static int staging[] = {-1, -1, -1};

int cl_staging_value(int which) { return staging[which]; }

void cl_staging_set(int which, int value) { staging[which] = value; }
