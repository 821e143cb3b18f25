/* The HTTP server; contract in server.h. Whoever talks to it badly harms nobody but himself: heads and bodies are capped, a request and
 * the reading of an answer have their time, and no thread here ever waits for the database. */
#include "gateway/server.h"

#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/routes.h"
#include "gateway/work.h"
#include "line/listen.h"

#define BACKLOG        1024
#define REPLY_MS       120000     /* for reading an answer that was made in memory */
#define DISCARD_MAX    (16 << 20) /* bytes of a body that is too large and yet read: the client hears of it only at its end */
#define FAREWELL_MS    2000       /* for sending the last answers */
#define STREAM_BLOCK   4096       /* of a stream's answer at once */
#define USER_TIMEOUT_S 30         /* a peer that confirms nothing for so long is gone */

/* A connection, for the clock on requests. */
struct peer {
    struct peer *prev, *next;
    int fd;
    int64_t deadline_ms; /* monotonic; 0: none */
    bool asks;           /* its request has not come as a whole */
    bool is_gone;        /* it was, at the last look: nothing more comes from it */
};

static struct {
    struct MHD_Daemon *daemon;
    int fd;
    bool local;
    pthread_mutex_t lock; /* of the list */
    struct peer peers;    /* its head */
} server = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- connections and their time ---- */

/* asks: a request is to come within that time; else it is there, and the time is for reading the answer. */
static void peer_until(struct MHD_Connection *connection, int64_t ms, bool asks)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info ? info->socket_context : NULL;
    if (!peer) return;
    pthread_mutex_lock(&server.lock);
    peer->deadline_ms = ms ? clock_mono_ms() + ms : 0;
    peer->asks = asks;
    peer->is_gone = false;
    pthread_mutex_unlock(&server.lock);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    (void)context;
    struct peer *peer = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        peer = mem_zalloc(sizeof *peer);
        peer->fd = info ? info->connect_fd : -1;
        peer->deadline_ms = clock_mono_ms() + GATEWAY_REQUEST_S * 1000;
        peer->asks = true;
        *socket_context = peer;
        pthread_mutex_lock(&server.lock);
        peer->next = server.peers.next;
        peer->prev = &server.peers;
        peer->next->prev = peer->prev->next = peer;
        pthread_mutex_unlock(&server.lock);
        gateway_stats.connections++;
    } else if (peer) {
        pthread_mutex_lock(&server.lock); /* the descriptor is closed after this call, so nobody shuts down another one of its number */
        peer->prev->next = peer->next;
        peer->next->prev = peer->prev;
        pthread_mutex_unlock(&server.lock);
        free(peer);
        *socket_context = NULL;
        gateway_stats.connections--;
    }
}

/* Now and then libmicrohttpd 0.9.75 misses the end of connections that came to nothing, and keeps them until their time is up. Looked at twice,
 * a second apart: what was just read may be a whole request, whose sender has no more to say but wants the answer. */
static bool left_without_asking(struct peer *peer)
{
    char byte;
    bool was_gone = peer->is_gone;
    peer->is_gone = peer->asks && recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    return was_gone && peer->is_gone;
}

void server_reap(void)
{
    int64_t now = clock_mono_ms();
    pthread_mutex_lock(&server.lock);
    for (struct peer *peer = server.peers.next; peer != &server.peers; peer = peer->next) {
        bool late = peer->deadline_ms && peer->deadline_ms <= now;
        if (!left_without_asking(peer) && !late) continue;
        shutdown(peer->fd, SHUT_RDWR); /* its thread sees the end of the connection and closes it */
        peer->deadline_ms = 0;
        peer->asks = false;
    }
    pthread_mutex_unlock(&server.lock);
}

/* ---- what handlers ask for ---- */

static const char *value_of(const struct request *req, enum MHD_ValueKind kind, const char *name)
{
    const char *value = NULL;
    size_t n = 0;
    if (MHD_lookup_connection_value_n(req->connection, kind, name, strlen(name), &value, &n) != MHD_YES || !value) return NULL;
    return strlen(value) == n ? value : NULL;
}

const char *request_query(const struct request *req, const char *name)
{
    return value_of(req, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(const struct request *req, const char *name)
{
    return value_of(req, MHD_HEADER_KIND, name);
}

void stream_wake(struct request *req)
{
    MHD_resume_connection(req->connection);
}

void server_answered(struct request *req)
{
    MHD_resume_connection(req->connection);
}

/* ---- sending ---- */

static ssize_t on_read(void *context, uint64_t pos, char *out, size_t max)
{
    struct stream *stream = context;
    struct MHD_Connection *connection = stream->request->connection;
    (void)pos;
    ssize_t n = stream->read(stream, out, max);
    if (n == STREAM_END) return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == STREAM_BROKEN) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n > 0) return n;
    MHD_suspend_connection(connection); /* before anybody may wake it */
    if (!stream->sleep(stream)) MHD_resume_connection(connection);
    return 0;
}

static void on_stream_free(void *context)
{
    struct stream *stream = context;
    gateway_stats.streams--;
    stream->free(stream);
}

static struct MHD_Response *response_of(struct request *req)
{
    struct answer *a = &req->answer;
    if (a->stream) {
        struct stream *stream = a->stream;
        a->stream = NULL; /* the response frees it */
        gateway_stats.streams++;
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_read, stream, on_stream_free);
    }
    if (a->fixed) return MHD_create_response_from_buffer(a->fixed_len, (void *)(uintptr_t)a->fixed, MHD_RESPMEM_PERSISTENT);
    /* The body lives as long as the request, which is freed after the last byte was sent. */
    return MHD_create_response_from_buffer(a->body.len, a->body.data, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_answer(struct request *req)
{
    struct answer *a = &req->answer;
    if (buf_failed(&a->body)) answer_fault(req, FAULT_INTERNAL, NULL, "the answer is too large");
    bool streams = a->stream != NULL;
    struct MHD_Response *response = response_of(req);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", a->type ? a->type : "application/json; charset=utf-8");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    bool cached = false;
    for (int i = 0; i < a->header_count; i++) {
        MHD_add_response_header(response, a->headers[i].name, a->headers[i].value);
        cached = cached || strcmp(a->headers[i].name, "Cache-Control") == 0;
    }
    if (!cached) MHD_add_response_header(response, "Cache-Control", "no-store");
    peer_until(req->connection, streams ? 0 : REPLY_MS, false);
    gateway_stats.requests++;
    if (a->status >= 500) gateway_stats.faults_5xx++;
    if (a->status >= 400 && a->status < 500) gateway_stats.faults_4xx++;
    gateway_stats.bytes += a->fixed ? a->fixed_len : a->body.len;
    enum MHD_Result result = MHD_queue_response(req->connection, a->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- receiving ---- */

static const struct {
    const char *name;
    enum method method;
} methods[] = {{"GET", METHOD_GET}, {"HEAD", METHOD_GET}, {"POST", METHOD_POST}, {"DELETE", METHOD_DELETE}};

static struct request *request_new(struct MHD_Connection *connection, const char *path, const char *method)
{
    struct request *req = mem_zalloc(sizeof *req);
    req->connection = connection;
    req->path = path;
    req->method = METHOD_OTHER;
    req->begun_us = clock_mono_us();
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i].name) == 0) req->method = methods[i].method;
    req->is_head = strcmp(method, "HEAD") == 0;
    buf_init(&req->body, (size_t)gateway_conf.body_max);
    buf_init(&req->answer.body, GATEWAY_ANSWER_MAX);
    buf_init(&req->note, 10000);
    return req;
}

static void answer_too_large(struct request *req)
{
    answer_fault(req, FAULT_TOO_LARGE, NULL, "the body is larger than %lld bytes", (long long)gateway_conf.body_max);
}

/* What can be said before the body has come. False: the answer is there. */
static bool judge_head(struct request *req)
{
    static const char *const names[] = {[METHOD_GET] = "GET, HEAD", [METHOD_POST] = "POST", [METHOD_DELETE] = "DELETE"};
    unsigned allow = 0;
    req->route = route_find(req->method, req->path, req->args, &allow);
    const char *length = request_header(req, "Content-Length");
    if (length && strtoll(length, NULL, 10) > DISCARD_MAX) {
        answer_too_large(req);
    } else if (!req->route && !allow) {
        answer_fault(req, FAULT_UNKNOWN, NULL, "there is nothing at this path; /openapi.json says what there is");
    } else if (!req->route) {
        char list[60] = "";
        for (int m = METHOD_GET; m <= METHOD_DELETE; m++)
            if (allow & 1u << m) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list ? ", " : "", names[m]);
        answer_fault(req, FAULT_METHOD, NULL, "this path knows %s", list);
        answer_header(req, "Allow", "%s", list);
    } else {
        return true;
    }
    return false;
}

/* Reads the body of routes that want one. False: the answer is there. */
static bool judge_body(struct request *req)
{
    const char *type = request_header(req, "Content-Type");
    if (req->method == METHOD_POST &&
        (!type || strncasecmp(type, "application/json", 16) != 0 || (type[16] && !strchr("; \t", type[16])))) {
        /* A form or a script of another site cannot send this type without asking first, and we never allow it. */
        answer_fault(req, FAULT_MEDIA_TYPE, NULL, "a POST must have the Content-Type application/json");
        return false;
    }
    if (!(req->route->flags & ROUTE_JSON)) return true;
    const char *body = buf_str(&req->body), *end = NULL;
    bool text = utf8_valid(body, req->body.len) && !strstr(body, "\\u0000"); /* what PostgreSQL can keep */
    req->json = text ? cJSON_ParseWithOpts(body, &end, 1) : NULL;
    if (!cJSON_IsObject(req->json)) {
        answer_fault(req, FAULT_BAD_REQUEST, NULL, "the body must be a JSON object");
        return false;
    }
    return true;
}

/* The request is complete: answered here, or given to a worker. */
static enum MHD_Result begin(struct request *req)
{
    req->body_over = true;
    peer_until(req->connection, 0, false);
    if (buf_failed(&req->body)) {
        answer_too_large(req);
        return send_answer(req);
    }
    if (!access_host(req) || !judge_body(req)) return send_answer(req);
    if (req->route->flags & ROUTE_NOW) {
        req->route->handle(req, NULL);
        return send_answer(req);
    }
    req->later = true;
    gateway_stats.later++;
    MHD_suspend_connection(req->connection);
    if (work_give(req, req->route->flags & ROUTE_SLOW)) return MHD_YES;
    gateway_stats.refused_busy++;
    answer_fault(req, FAULT_UNAVAILABLE, NULL, "too many requests at once");
    MHD_resume_connection(req->connection);
    return MHD_YES;
}

/* Called once when the head is there, once for each piece of the body, once at its end, and again after a suspended connection goes on. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **slot)
{
    struct request *req = *slot;
    (void)context, (void)version;
    if (!req) {
        *slot = req = request_new(connection, path, method);
        return judge_head(req) ? MHD_YES : send_answer(req);
    }
    if (req->later) return send_answer(req);
    if (*upload_size > 0) {
        /* No answer may be given before the end of the body, so what is too much is read on for a while, and dropped. */
        req->received += *upload_size;
        if (!buf_failed(&req->body)) buf_add(&req->body, upload, *upload_size);
        *upload_size = 0;
        return req->received <= DISCARD_MAX ? MHD_YES : MHD_NO;
    }
    return begin(req);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode code)
{
    struct request *req = *slot;
    (void)context, (void)code;
    if (!req) return;
    *slot = NULL;
    if (req->later) gateway_stats.later--;
    peer_until(connection, GATEWAY_REQUEST_S * 1000, true);
    if (gateway_conf.access_log && req->answer.status)
        access_log(req, req->answer.fixed ? req->answer.fixed_len : req->answer.body.len, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    answer_clear(req);
    buf_release(&req->body);
    buf_release(&req->answer.body);
    buf_release(&req->note);
    cJSON_Delete(req->json);
    free(req);
}

/* The library's own words go where ours go. */
__attribute__((format(printf, 2, 0))) static void on_words(void *context, const char *format, va_list ap)
{
    char text[400];
    (void)context;
    vsnprintf(text, sizeof text, format, ap);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http: %s", text);
}

/* ---- start and stop ---- */

int server_start(struct conf_error *error_r)
{
    unsigned user_timeout_ms = USER_TIMEOUT_S * 1000;
    int one = 1;
    server.fd = listen_open("GATEWAY_ADDR", gateway_conf.addr, BACKLOG, error_r);
    if (server.fd < 0) return -1;
    server.local = listen_is_loopback(server.fd);
    /* Connections inherit these. */
    setsockopt(server.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
    setsockopt(server.fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    server.peers.next = server.peers.prev = &server.peers;
    server.daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                                     on_request, NULL, MHD_OPTION_EXTERNAL_LOGGER, on_words, NULL, MHD_OPTION_LISTEN_SOCKET, server.fd,
                                     MHD_OPTION_THREAD_POOL_SIZE, (unsigned)GATEWAY_HTTP_THREADS, MHD_OPTION_CONNECTION_LIMIT,
                                     (unsigned)gateway_conf.clients, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)GATEWAY_HEAD_MAX,
                                     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(gateway_conf.idle_ms / 1000), MHD_OPTION_NOTIFY_COMPLETED,
                                     on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL, MHD_OPTION_END);
    if (server.daemon) return 0;
    snprintf(error_r->text, sizeof error_r->text, "GATEWAY_ADDR=%.100s: the HTTP server does not start", gateway_conf.addr);
    close(server.fd);
    return -1;
}

int server_port(void)
{
    return listen_port(server.fd);
}

bool server_is_local(void)
{
    return server.local;
}

void server_quiesce(void)
{
    MHD_quiesce_daemon(server.daemon); /* the socket is ours again */
    close(server.fd);
}

void server_stop(void)
{
    struct pollfd none = {.fd = -1};
    for (int64_t end = clock_mono_ms() + FAREWELL_MS; gateway_stats.later > 0 && clock_mono_ms() < end;) poll(&none, 1, 10);
    MHD_stop_daemon(server.daemon);
    server.daemon = NULL;
}
