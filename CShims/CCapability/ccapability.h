// libcap as Swift sees it. The cc_ functions return -errno, so that nothing can come between a call and its errno.
#pragma once
#include <errno.h>
#include <sys/capability.h>

/// The three sets of the calling thread; see capget(2).
static inline int cc_capget(cap_user_header_t header, cap_user_data_t data) {
    return capget(header, data) == 0 ? 0 : -errno;
}

/// Replaces the three sets of the calling thread; see capset(2).
static inline int cc_capset(cap_user_header_t header, const cap_user_data_t data) {
    return capset(header, data) == 0 ? 0 : -errno;
}

/// Takes a capability out of the bounding set; see cap_drop_bound(3).
static inline int cc_drop_bound(cap_value_t capability) {
    return cap_drop_bound(capability) == 0 ? 0 : -errno;
}

/// Adds a capability to the ambient set; see cap_set_ambient(3).
static inline int cc_raise_ambient(cap_value_t capability) {
    return cap_set_ambient(capability, CAP_SET) == 0 ? 0 : -errno;
}

/// Empties the ambient set; see cap_reset_ambient(3).
static inline int cc_clear_ambient(void) {
    return cap_reset_ambient() == 0 ? 0 : -errno;
}
