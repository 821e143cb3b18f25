/* Listening on an address that a person has written. */
#ifndef GM_LINE_LISTEN_H
#define GM_LINE_LISTEN_H

#include "base/conf.h"

/* 0 if addr has the form "host:port" ("[::1]:9100", ":9100" for all addresses; port 0 picks a free one); else -1 and what is wrong
 * in words. name: the configuration variable that it is from. */
int listen_check(const char *name, const char *addr, struct conf_error *error_r);
/* A non-blocking TCP socket that listens there, or -1 with the reason in words: a busy port is known at once. */
int listen_open(const char *name, const char *addr, int backlog, struct conf_error *error_r);
/* The port that a socket is bound to, 0 if there is none. */
int listen_port(int fd);
/* True if a socket is bound to a loopback address, where nobody outside this machine reaches it. */
bool listen_is_loopback(int fd);

#endif
