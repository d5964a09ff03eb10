// libseccomp as Swift sees it. Function-like macros (SCMP_ACT_ERRNO and so on) are not imported; SeccompAction spells them.
#pragma once
#include <seccomp.h>
