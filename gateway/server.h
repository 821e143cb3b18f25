/* The HTTP server: libmicrohttpd with epoll and a few threads. It reads requests within their caps, asks the table of routes, hands
 * work to workers and sends what they answered. The only file that knows the library. */
#ifndef GM_GATEWAY_SERVER_H
#define GM_GATEWAY_SERVER_H

#include "base/conf.h"

struct request;

/* Listens on GATEWAY_ADDR. 0, or -1 with the reason in words. */
int server_start(struct conf_error *error_r);
int server_port(void);
/* True if nobody outside this machine can connect. */
bool server_is_local(void);
/* No new connections. What is under way goes on. */
void server_quiesce(void);
/* Ends it: every parked request and sleeping stream must have been woken before. */
void server_stop(void);
/* Closes connections whose request, or whose reading of the answer, takes longer than allowed. Once a second, from one thread. */
void server_reap(void);
/* The answer of a request that was given to a worker is there. From any thread; the pointer is dead afterwards. */
void server_answered(struct request *req);

#endif
