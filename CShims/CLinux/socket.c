#include <arpa/inet.h>
#include <netinet/in.h>
#include "clinux.h"

#include <net/if.h>
#include <string.h>

enum { maximum_fds = 8 };

long cl_unix_address(int fd, const char *path, size_t length, int binds) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (length == 0 || length >= sizeof address.sun_path) return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    const struct sockaddr *generic = (const struct sockaddr *)&address;
    return binds ? CL_RET(bind(fd, generic, size)) : CL_RET(connect(fd, generic, size));
}

long cl_unix_connect_abstract(int fd, const char *name, size_t length) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (length == 0 || length >= sizeof address.sun_path) return -ENAMETOOLONG;
    memcpy(address.sun_path + 1, name, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return CL_RET(connect(fd, (const struct sockaddr *)&address, size));
}

long cl_send_fds(int socket, const void *data, size_t size, const int *fds, size_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(maximum_fds * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > maximum_fds) return -EINVAL;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    }
    return CL_RET(sendmsg(socket, &message, MSG_NOSIGNAL));
}

long cl_receive_fds(int socket, void *data, size_t size, int *fds, size_t *count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(maximum_fds * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    size_t capacity = *count < maximum_fds ? *count : maximum_fds;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    *count = 0;
    long result = CL_RET(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
    if (result < 0) return result;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t arrived = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < arrived; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (*count < capacity)
                fds[(*count)++] = fd;
            else
                close(fd);
        }
    }
    return message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EMSGSIZE : result;
}

long cl_interface_up(const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    size_t length = strlen(name);
    if (length >= sizeof request.ifr_name) return -ENAMETOOLONG;
    memcpy(request.ifr_name, name, length);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -(long)errno;
    long result = CL_RET(ioctl(fd, SIOCGIFFLAGS, &request));
    if (result >= 0 && (request.ifr_flags & IFF_UP) == 0) {
        request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
        result = CL_RET(ioctl(fd, SIOCSIFFLAGS, &request));
    }
    close(fd);
    return result;
}

long cl_loopback_socket(int six, uint16_t port) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 longer = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr *address = six ? (const struct sockaddr *)&longer : (const struct sockaddr *)&four;
    int on = 1;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, six ? sizeof longer : sizeof four) < 0) {
        long error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

long cl_socket_port(int fd) {
    struct sockaddr_in6 address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -errno;
    return ntohs(address.sin6_port); // at the same place in both families
}
