/* The status server of a process: plain HTTP for probes and Prometheus, on libmicrohttpd within the program's own loop.
 *
 *     GET /healthz   200 "ok" as long as the loop turns
 *     GET /readyz    200 "ready", or 503 and one line saying why not
 *     GET /metrics   200, Prometheus text format 0.0.4
 *
 * HEAD too; anything else is 404 or 405. Few connections, little memory, short timeouts: whoever talks to it badly harms
 * nobody but himself. There is no access control: bind it to an address that only the right people reach. */
#ifndef GM_LINE_STATUS_H
#define GM_LINE_STATUS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/conf.h"

struct ev_loop;
struct status;

struct status_handlers {
    void *context;
    /* True if ready; otherwise appends a few words without line end. */
    bool (*ready)(void *context, struct buf *reason);
    /* Appends metrics in Prometheus text format; lines end in '\n'. At most 1 MiB. */
    void (*metrics)(void *context, struct buf *out);
};

/* 0 if addr has the form that status_start takes; else -1 and what is wrong in words. */
int status_check_addr(const char *addr, struct conf_error *error_r);
/* Listens on addr ("host:port", "[::1]:9100", ":9100" for all addresses; port 0 picks a free one). Handlers are copied and
 * called from the loop. NULL, with the reason in words, if it cannot be: a busy port is known at once. */
struct status *status_start(struct ev_loop *loop, const char *addr, const struct status_handlers *handlers, struct conf_error *error_r);
/* The port that it listens on. */
int status_port(const struct status *status);
/* Closes everything; NULL is harmless. */
void status_stop(struct status **status);

#endif
