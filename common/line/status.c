/* The status server; contract in status.h. The only file on the line that knows libmicrohttpd. */
#include "line/status.h"

#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "line/listen.h"

#define CONNECTIONS_MAX         64u
#define CONNECTIONS_PER_ADDRESS 16u         /* so that one client that hangs leaves room for the probe */
#define MEMORY_MAX              (16u << 10) /* of a connection: request line and headers */
#define TIMEOUT_S               10u
#define METRICS_MAX             (1u << 20)
#define BACKLOG                 64

struct status {
    struct ev_loop *loop;
    struct MHD_Daemon *daemon;
    struct status_handlers handlers;
    int port;
    ev_io io;       /* libmicrohttpd's own epoll descriptor */
    ev_timer timer; /* its timeouts */
};

/* --- answers -------------------------------------------------------------------------------------------------- */

/* Sends code with the content of body, which is released. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, const char *type, struct buf *body)
{
    size_t n = body->len;
    char *text = buf_take(body);
    struct MHD_Response *response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO; /* closes the connection */
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned code, const char *text)
{
    struct buf body = BUF_INIT(METRICS_MAX);
    buf_addf(&body, "%s\n", text);
    return answer(connection, code, "text/plain; charset=utf-8", &body);
}

static enum MHD_Result get_healthz(struct status *status, struct MHD_Connection *connection)
{
    (void)status;
    return answer_text(connection, MHD_HTTP_OK, "ok");
}

static enum MHD_Result get_readyz(struct status *status, struct MHD_Connection *connection)
{
    struct buf reason = BUF_INIT(1000);
    bool ready = status->handlers.ready(status->handlers.context, &reason);
    enum MHD_Result result =
        ready ? answer_text(connection, MHD_HTTP_OK, "ready") : answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, buf_str(&reason));
    buf_release(&reason);
    return result;
}

static enum MHD_Result get_metrics(struct status *status, struct MHD_Connection *connection)
{
    struct buf body = BUF_INIT(METRICS_MAX);
    status->handlers.metrics(status->handlers.context, &body);
    if (!buf_failed(&body)) return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &body);
    buf_release(&body); /* half of it would look like counters that fell */
    return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "too many metrics");
}

static const struct {
    const char *path;
    enum MHD_Result (*get)(struct status *status, struct MHD_Connection *connection);
} routes[] = {{"/healthz", get_healthz}, {"/readyz", get_readyz}, {"/metrics", get_metrics}};

/* Called once when the headers are there, once for each piece of a body, and once at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **request)
{
    static char begun;
    (void)version;
    (void)upload;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD"); /* now: its body is not read */
    if (*request == NULL) {
        *request = &begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(path, routes[i].path) == 0) return routes[i].get(context, connection);
    return answer_text(connection, MHD_HTTP_NOT_FOUND, "/healthz, /readyz or /metrics");
}

/* --- loop ----------------------------------------------------------------------------------------------------- */

static void turn(struct status *status)
{
    MHD_UNSIGNED_LONG_LONG ms;
    MHD_run(status->daemon);
    ev_timer_stop(status->loop, &status->timer);
    if (MHD_get_timeout(status->daemon, &ms) != MHD_YES) return;
    ev_timer_set(&status->timer, (double)ms / 1000, 0.);
    ev_timer_start(status->loop, &status->timer);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    turn(io->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    turn(timer->data);
}

/* --- start and stop ------------------------------------------------------------------------------------------- */

int status_check_addr(const char *addr, struct conf_error *error_r)
{
    return listen_check("METRICS_ADDR", addr, error_r);
}

struct status *status_start(struct ev_loop *loop, const char *addr, const struct status_handlers *handlers, struct conf_error *error_r)
{
    int fd = listen_open("METRICS_ADDR", addr, BACKLOG, error_r);
    if (fd < 0) return NULL;
    struct status *status = mem_zalloc(sizeof *status);
    status->loop = loop;
    status->handlers = *handlers;
    status->port = listen_port(fd);
    status->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, status, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                         CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT,
                         TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
    if (!status->daemon) {
        snprintf(error_r->text, sizeof error_r->text, "METRICS_ADDR=%.100s: the HTTP server does not start", addr);
        close(fd);
        free(status);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(status->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    ev_io_init(&status->io, on_io, info->epoll_fd, EV_READ);
    status->io.data = status;
    ev_io_start(loop, &status->io);
    ev_timer_init(&status->timer, on_timer, 0., 0.);
    status->timer.data = status;
    turn(status);
    return status;
}

int status_port(const struct status *status)
{
    return status->port;
}

void status_stop(struct status **status)
{
    if (!*status) return;
    ev_io_stop((*status)->loop, &(*status)->io);
    ev_timer_stop((*status)->loop, &(*status)->timer);
    MHD_stop_daemon((*status)->daemon); /* closes the listening socket, too */
    free(*status);
    *status = NULL;
}
