/* Listening; contract in listen.h. */
#include "line/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static int fault(struct conf_error *error, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(error->text, sizeof error->text, format, ap);
    va_end(ap);
    return -1;
}

/* "host:port" into its parts; brackets are taken off. */
static int split_addr(const char *name, const char *addr, char host_r[256], char port_r[6], struct conf_error *error)
{
    const char *host = addr, *colon = strrchr(addr, ':');
    size_t n = colon ? (size_t)(colon - addr) : 0, digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (!colon || digits == 0 || digits > 5 || colon[1 + digits] || strtol(colon + 1, NULL, 10) > 65535 || n > 255)
        return fault(error, "%s=%.100s: must be host:port, with a port from 0 to 65535", name, addr);
    if (n >= 2 && addr[0] == '[' && addr[n - 1] == ']') {
        host++;
        n -= 2;
    } else if (memchr(addr, ':', n)) {
        return fault(error, "%s=%.100s: write an IPv6 address in brackets", name, addr);
    }
    memcpy(host_r, host, n);
    host_r[n] = '\0';
    memcpy(port_r, colon + 1, digits + 1);
    return 0;
}

int listen_check(const char *name, const char *addr, struct conf_error *error_r)
{
    char host[256], port[6];
    return split_addr(name, addr, host, port, error_r);
}

/* A socket that listens on one of the addresses, or -1 with errno. */
static int listen_on(const struct addrinfo *a, int backlog)
{
    int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); /* old connections in TIME_WAIT do not keep us out */
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int listen_open(const char *name, const char *addr, int backlog, struct conf_error *error)
{
    char host[256], port[6];
    struct addrinfo *all, hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    if (split_addr(name, addr, host, port, error) != 0) return -1;
    int rc = getaddrinfo(*host ? host : NULL, port, &hints, &all);
    if (rc != 0) return fault(error, "%s=%.100s: %s", name, addr, gai_strerror(rc));
    int fd = -1;
    for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
        fd = listen_on(a, backlog);
        if (fd < 0 && errno == EADDRINUSE) break; /* not to end up on the other family by accident */
    }
    if (fd < 0) fault(error, "%s=%.100s: cannot listen: %s", name, addr, strerror(errno));
    freeaddrinfo(all);
    return fd;
}

int listen_port(int fd)
{
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &n) != 0) return 0;
    if (bound.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

bool listen_is_loopback(int fd)
{
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &n) != 0) return false;
    if (bound.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&bound)->sin6_addr);
    return ntohl(((struct sockaddr_in *)&bound)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
