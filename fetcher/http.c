/* HTTP transfers on libcurl and libev; contract in http.h.
 *
 * The library reports what it waits for (socket_wanted, timer_wanted), libev says when it happens, the library then calls
 * back with lines and bytes. Ends are collected in `ended` and told one by one by deliver(), outside of the library, so
 * that a caller may start and abort transfers from its callback. */
#include "fetcher/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <ev.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/unpack.h"
#include "fetcher/names.h"
#include "line/multi.h"

#define SWEEP_S           0.1 /* how exactly the limits of time are kept */
#define LOW_SPEED_MS      10000
#define DISCARD_MAX       65536 /* of a body that nobody wants: read so far to keep the connection */
#define KEEP_BUFFER       (256u << 10)
#define DNS_CACHE_S       300L
#define IDLE_CONNECTION_S 115L /* servers close after 5 to 120 s */
#define SHARDS            8    /* docs/PERFORMANCE.md has what each number gives */

struct http_transfer {
    struct http_transfer *prev, *next; /* in active or ended, or next in spare */
    struct list *list;
    struct http *http;
    struct shard *shard;
    CURL *easy;
    bool https;                 /* how easy is set up */
    struct curl_slist *headers; /* of a conditional request; NULL: those of all */

    bool cut, any_type, every_status, keep_head;
    http_done_fn *done;
    void *context;
    struct http_response response;
    struct unpack *unpack; /* of a body that is wanted and compressed */
    size_t packed;         /* bytes of the body as they came */

    int64_t started, sent_at; /* monotonic ms; sent_at 0: not sent yet */
    size_t head_bytes;
    enum http_failure stop; /* why a callback of ours ended it */
    bool stopped, opened, starved;
    bool asked, named; /* the resolver for the name, which is not kept from before; it gave an address */
    char refused[128]; /* words about an address that was refused */
    int64_t marked_at, marked_bytes;
    char error[CURL_ERROR_SIZE];
};

struct list {
    struct http_transfer *head, *tail;
    size_t count;
};

/* The hosts of one hash, their connections and addresses. At the end of each transfer the library looks at every connection that it keeps
 * (curl_multi_remove_handle, for those of CURLOPT_CONNECT_ONLY), so several with few are faster than one with all. */
struct shard {
    struct multi multi;
    struct http *http;
    bool has_addresses; /* of http->resolve */
};

struct http {
    struct shard shards[SHARDS];
    struct ev_loop *loop;
    ev_timer sweep;
    struct http_config config;
    char *ca_file;
    struct curl_slist *headers, *connect_to, *resolve;
    struct list active, ended;
    struct list doubtful; /* ended with HTTP_NO_NAME: is it the name, or our resolver? */
    struct names *names;
    struct http_transfer *spare;
    struct http_stats stats;
};

static void list_add(struct list *l, struct http_transfer *t)
{
    t->list = l;
    t->prev = l->tail;
    t->next = NULL;
    if (l->tail)
        l->tail->next = t;
    else
        l->head = t;
    l->tail = t;
    l->count++;
}

static void list_remove(struct http_transfer *t)
{
    struct list *l = t->list;
    if (t->prev)
        t->prev->next = t->next;
    else
        l->head = t->next;
    if (t->next)
        t->next->prev = t->prev;
    else
        l->tail = t->prev;
    l->count--;
    t->list = NULL;
}

/* ---- what the library calls while a transfer runs ---- */

/* Every way to a server leads through here, after the name was resolved: the one place where addresses are judged. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *t = context;
    (void)purpose;
    char host[64] = "", port[8] = "";
    const struct address_rules *rules = t->http->config.rules;
    t->named = true;
    const char *kind = address_refused(rules, &address->addr, address->addrlen);
    getnameinfo(&address->addr, address->addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    bool bad_port = !kind && address_port_refused(rules, (unsigned)strtoul(port, NULL, 10));
    if (kind) snprintf(t->refused, sizeof t->refused, "%s address %s", kind, host);
    if (bad_port) snprintf(t->refused, sizeof t->refused, "port %s of %s, which browsers refuse, too", port, host);
    if (kind || bad_port) return CURL_SOCKET_BAD;
    int fd = t->http->config.open_socket(&address->addr, address->socktype | SOCK_CLOEXEC, address->protocol);
    t->opened = true;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) t->starved = true;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int name_is_asked_for(void *state, void *reserved, void *context)
{
    struct http_transfer *t = context;
    (void)state, (void)reserved;
    t->asked = true;
    return 0;
}

static int request_goes_out(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct http_transfer *t = context;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    t->sent_at = t->marked_at = clock_mono_ms();
    t->shard->has_addresses = true;
    return CURL_PREREQFUNC_OK;
}

/* Ends the transfer from within a callback: the library takes 0 for an error. */
static size_t stop(struct http_transfer *t, enum http_failure why)
{
    t->stopped = true;
    t->stop = why;
    return 0;
}

static bool body_wanted(const struct http_transfer *t)
{
    long status = t->response.head.status;
    return t->every_status || (status >= 200 && status < 300);
}

static bool type_wanted(const struct http_transfer *t)
{
    const char *url = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    return head_type_wanted(t->response.head.content_type, url ? url : "");
}

/* The head is complete: go on with the body? */
static bool head_accepted(struct http_transfer *t)
{
    const struct head *head = &t->response.head;
    if (head->status < 200 || head->status == 304) return true; /* no body, whatever length it names */
    /* Each layer multiplies by up to 1,000 what the next one has to read. Those of the transfer nobody has offered to take; the library
     * would undo them unseen by on_body, and be content with half of one. */
    if (head->codings > 1 || head->transfer_codings > 0) {
        snprintf(t->response.detail, sizeof t->response.detail, "compressed %u times over, and %u times in transfer", head->codings,
                 head->transfer_codings);
        stop(t, HTTP_LAYERED);
        return false;
    }
    if (!body_wanted(t)) {
        if (head->length <= DISCARD_MAX) return true;
        stop(t, HTTP_FINE);
        return false;
    }
    if (head->status < 300 && !t->any_type && !type_wanted(t)) {
        snprintf(t->response.detail, sizeof t->response.detail, "%s", head->content_type);
        stop(t, HTTP_WRONG_TYPE);
        return false;
    }
    if (head->length > (int64_t)t->response.body.max && !t->cut) {
        snprintf(t->response.detail, sizeof t->response.detail, "%lld bytes announced, at most %zu are taken (FETCH_MAX_BYTES)",
                 (long long)head->length, t->response.body.max);
        stop(t, HTTP_TOO_LARGE);
        return false;
    }
    if (*head->coding && !(t->unpack = unpack_new(head->coding))) {
        snprintf(t->response.detail, sizeof t->response.detail, "Content-Encoding %s is not known", head->coding);
        stop(t, HTTP_UNDECODABLE);
        return false;
    }
    if (head->length > 0 && head->length <= (int64_t)t->response.body.max) buf_reserve(&t->response.body, (size_t)head->length);
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct http_transfer *t = context;
    size_t n = size * count;
    t->head_bytes += n;
    if (t->head_bytes > LIMIT_HEADERS) {
        snprintf(t->response.detail, sizeof t->response.detail, "more than %u bytes of headers", LIMIT_HEADERS);
        return stop(t, HTTP_TOO_LARGE);
    }
    if (t->keep_head) buf_add(&t->response.raw_head, line, n);
    bool before = t->response.head.complete;
    head_line(&t->response.head, line, n);
    if (!before && t->response.head.complete && !head_accepted(t)) return 0;
    return n;
}

/* As unpack_add. */
static enum unpack_status add_plain(struct buf *body, const char *bytes, size_t n)
{
    size_t room = body->max - body->len;
    buf_add(body, bytes, n < room ? n : room);
    return n <= room ? UNPACK_OK : UNPACK_FULL;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_transfer *t = context;
    struct http_response *r = &t->response;
    size_t n = size * count;
    t->packed += n;
    if (!body_wanted(t)) {
        r->bytes = (int64_t)t->packed;
        return t->packed <= DISCARD_MAX ? n : stop(t, HTTP_FINE);
    }
    enum unpack_status status = t->unpack ? unpack_add(t->unpack, bytes, n, &r->body) : add_plain(&r->body, bytes, n);
    r->bytes = (int64_t)r->body.len;
    if (status == UNPACK_FULL && t->cut) return stop(t, HTTP_FINE);
    if (status == UNPACK_FULL) {
        snprintf(r->detail, sizeof r->detail, "more than %zu bytes (FETCH_MAX_BYTES)", r->body.max);
        return stop(t, HTTP_TOO_LARGE);
    }
    if (status == UNPACK_BROKEN) {
        snprintf(r->detail, sizeof r->detail, "not %s, or damaged, after %zu bytes", r->head.coding, r->body.len);
        return stop(t, HTTP_UNDECODABLE);
    }
    if (t->packed > r->body.max + DISCARD_MAX) { /* compressed data can be long and hold nothing */
        snprintf(r->detail, sizeof r->detail, "%zu compressed bytes, at most %zu are taken", t->packed, r->body.max + DISCARD_MAX);
        return stop(t, HTTP_TOO_LARGE);
    }
    return n;
}

/* ---- the end of a transfer ---- */

/* How each result of the library is to be read. What is not listed is HTTP_BROKEN. */
static const struct {
    CURLcode result;
    enum http_failure failure;
} failures[] = {
    {CURLE_URL_MALFORMAT, HTTP_BAD_URL},         {CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_NAME},
    {CURLE_COULDNT_CONNECT, HTTP_NO_CONNECTION}, {CURLE_OPERATION_TIMEDOUT, HTTP_SLOW},
    {CURLE_SSL_CONNECT_ERROR, HTTP_NO_TLS},      {CURLE_PEER_FAILED_VERIFICATION, HTTP_NO_TLS},
    {CURLE_SSL_CERTPROBLEM, HTTP_NO_TLS},        {CURLE_SSL_CIPHER, HTTP_NO_TLS},
    {CURLE_SSL_ISSUER_ERROR, HTTP_NO_TLS},       {CURLE_SSL_PINNEDPUBKEYNOTMATCH, HTTP_NO_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, HTTP_NO_TLS},  {CURLE_SSL_CLIENTCERT, HTTP_NO_TLS},
    {CURLE_USE_SSL_FAILED, HTTP_NO_TLS},         {CURLE_BAD_CONTENT_ENCODING, HTTP_UNDECODABLE},
    {CURLE_FILESIZE_EXCEEDED, HTTP_TOO_LARGE},   {CURLE_OUT_OF_MEMORY, HTTP_STARVED},
    {CURLE_FAILED_INIT, HTTP_STARVED},           {CURLE_SSL_ENGINE_INITFAILED, HTTP_STARVED},
    {CURLE_SSL_CACERT_BADFILE, HTTP_STARVED},
};

static enum http_failure failure_of(CURLcode result)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].result == result) return failures[i].failure;
    return HTTP_BROKEN;
}

/* Out of time: in which phase? */
static enum http_failure slow_phase(struct http_transfer *t, char *detail, size_t size)
{
    curl_off_t named = 0;
    long connected = 0; /* TCP; the time of the connect is known after the handshake only */
    int64_t ms = clock_mono_ms() - t->started;
    curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &named);
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connected);
    if (t->sent_at) {
        snprintf(detail, size, "not done after %lld ms, %lld bytes of the body came", (long long)ms, (long long)t->response.bytes);
        return HTTP_SLOW;
    }
    if (named == 0) {
        snprintf(detail, size, "the name was not resolved within %lld ms", (long long)ms);
        return HTTP_NO_NAME;
    }
    if (connected == 0) {
        snprintf(detail, size, "not connected within %lld ms", (long long)ms);
        return HTTP_NO_CONNECTION;
    }
    snprintf(detail, size, "no TLS handshake within %lld ms", (long long)ms);
    return HTTP_SLOW;
}

static enum http_failure judge(struct http_transfer *t, CURLcode result)
{
    char *detail = t->response.detail;
    size_t size = sizeof t->response.detail;
    if (t->stopped) return t->stop;
    if (result == CURLE_OK && t->unpack && !unpack_whole(t->unpack)) { /* its length, as announced, says nothing about that */
        snprintf(detail, size, "cut short: %zu bytes of %s do not come to an end", t->packed, t->response.head.coding);
        return HTTP_UNDECODABLE;
    }
    if (result == CURLE_OK && t->response.head.complete) return HTTP_FINE;
    if (result == CURLE_OK) { /* the library takes a head that breaks off for a short answer */
        snprintf(detail, size, "the head broke off");
        return HTTP_BROKEN;
    }
    if (result == CURLE_OUT_OF_MEMORY && t->sent_at && !t->response.head.complete) { /* its word for a line above 100 KB */
        snprintf(detail, size, "a header line that is too long");
        return HTTP_TOO_LARGE;
    }
    if (t->starved) {
        snprintf(detail, size, "no descriptors or memory for a connection");
        return HTTP_STARVED;
    }
    /* With several addresses, those that may be used were tried. */
    if (result == CURLE_COULDNT_CONNECT && t->refused[0] && !t->opened) {
        snprintf(detail, size, "%s", t->refused);
        return HTTP_BLOCKED;
    }
    if (result == CURLE_OPERATION_TIMEDOUT) return slow_phase(t, detail, size);
    snprintf(detail, size, "%s", t->error[0] ? t->error : curl_easy_strerror(result));
    return failure_of(result);
}

static void note_name(struct http_transfer *t)
{
    const char *url = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (t->asked && t->named && url) names_resolved(t->http->names, url);
}

static void end(struct http_transfer *t, enum http_failure failure)
{
    struct http *http = t->http;
    long connects = 0;
    note_name(t);
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_multi_remove_handle(t->shard->multi.curl, t->easy);
    http->stats.connections += (uint64_t)connects;
    http->stats.finished++;
    http->stats.bytes += t->response.bytes;
    unpack_free(&t->unpack);
    t->response.failure = failure;
    t->response.ms = clock_mono_ms() - t->started;
    list_remove(t);
    bool nameless = failure == HTTP_NO_NAME && t->asked;
    if (nameless && names_ask(http->names)) {
        list_add(&http->doubtful, t);
        return;
    }
    if (nameless && names_away(http->names, t->started)) t->response.failure = HTTP_NO_RESOLVER;
    list_add(&http->ended, t);
}

#define SET(option, value)                                                                                                                 \
    do {                                                                                                                                   \
        CURLcode set_result = curl_easy_setopt(easy, CURLOPT_##option, value);                                                             \
        if (set_result != CURLE_OK) log_panic("curl: " #option ": %s", curl_easy_strerror(set_result));                                    \
    } while (0)

/* The validators go out as they came in. One with control bytes, which no head of ours holds, would write headers of its own. */
static void add_validator(struct http_transfer *t, const char *name, const char *value)
{
    if (!value || !*value) return;
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) return;
    struct buf line;
    buf_init(&line, LIMIT_HEADERS);
    buf_addf(&line, "%s: %s", name, value);
    t->headers = curl_slist_append(t->headers, buf_str(&line));
    buf_release(&line);
}

static void set_validators(struct http_transfer *t, const struct http_request *request)
{
    CURL *easy = t->easy;
    add_validator(t, "If-None-Match", request->etag);
    add_validator(t, "If-Modified-Since", request->last_modified);
    t->response.conditional = t->headers != NULL;
    if (!t->headers) return;
    for (const struct curl_slist *h = t->http->headers; h; h = h->next) t->headers = curl_slist_append(t->headers, h->data);
    SET(HTTPHEADER, t->headers);
}

static void drop_validators(struct http_transfer *t)
{
    CURL *easy = t->easy;
    if (!t->headers) return;
    SET(HTTPHEADER, t->http->headers);
    curl_slist_free_all(t->headers);
    t->headers = NULL;
}

static void recycle(struct http_transfer *t)
{
    drop_validators(t);
    unpack_free(&t->unpack); /* of one that was broken off */
    if (t->response.body.cap > KEEP_BUFFER)
        buf_release(&t->response.body);
    else
        buf_reset(&t->response.body);
    buf_reset(&t->response.raw_head);
    t->next = t->http->spare;
    t->http->spare = t;
}

/* Tells callers what ended. */
static void deliver(struct http *http)
{
    struct http_transfer *t;
    while ((t = http->ended.head)) {
        list_remove(t);
        t->done(t->context, &t->response);
        recycle(t);
    }
    if (http->active.count == 0) ev_timer_stop(http->loop, &http->sweep);
}

static void on_resolver(void *context, bool answers)
{
    struct http *http = context;
    struct http_transfer *t;
    while ((t = http->doubtful.head)) {
        if (!answers || names_away(http->names, t->started)) t->response.failure = HTTP_NO_RESOLVER;
        list_remove(t);
        list_add(&http->ended, t);
    }
    deliver(http);
}

static void collect(void *context)
{
    struct shard *shard = context;
    struct http *http = shard->http;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(shard->multi.curl, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        struct http_transfer *t;
        CURLcode result = message->data.result; /* message dies with curl_multi_remove_handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        end(t, judge(t, result));
    }
    deliver(http);
}

/* True, with words, if the transfer has broken a time limit that the library does not know. */
static bool too_slow(struct http_transfer *t, int64_t now)
{
    const struct http_config *config = &t->http->config;
    char *detail = t->response.detail;
    size_t size = sizeof t->response.detail;
    if (!t->sent_at) return false;
    if (t->head_bytes == 0) {
        if (now - t->sent_at < config->first_byte_ms) return false;
        snprintf(detail, size, "no answer within %lld ms", (long long)(now - t->sent_at));
        return true;
    }
    if (config->low_speed == 0 || now - t->marked_at < LOW_SPEED_MS) return false;
    int64_t bytes = (int64_t)(t->packed + t->head_bytes); /* as they came over the wire */
    if (bytes - t->marked_bytes < config->low_speed * LOW_SPEED_MS / 1000) {
        snprintf(detail, size, "fewer than %lld bytes a second", (long long)config->low_speed);
        return true;
    }
    t->marked_at = now;
    t->marked_bytes = bytes;
    return false;
}

static void on_sweep(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct http *http = w->data;
    struct http_transfer *next;
    int64_t now = clock_mono_ms();
    (void)loop, (void)revents;
    for (struct http_transfer *t = http->active.head; t; t = next) {
        next = t->next;
        if (too_slow(t, now)) end(t, HTTP_SLOW);
    }
    deliver(http);
}

/* ---- life ---- */

/* Room for the connections kept; half of the descriptors stay for what is under way. */
static void raise_descriptors(struct http *http)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur / 2 < (rlim_t)http->config.connections) http->config.connections = (int64_t)(limit.rlim_cur / 2);
}

/* The words of text as a list; false if one has fewer than `colons` colons (those within brackets count, too). */
static bool split(struct curl_slist **list_r, const char *text, const char *between, int colons)
{
    bool good = true;
    *list_r = NULL;
    for (const char *at = text + strspn(text, between); *at; at += strspn(at, between)) {
        size_t n = strcspn(at, between);
        char *word = mem_strndup(at, n);
        int seen = 0;
        for (size_t i = 0; i < n; i++) seen += word[i] == ':';
        good = good && seen >= colons;
        *list_r = curl_slist_append(*list_r, word);
        free(word);
        at += n;
    }
    return good;
}

static bool split_connect_to(struct curl_slist **list_r, const char *text)
{
    return split(list_r, text, ", \t\n", 3);
}

static bool split_resolve(struct curl_slist **list_r, const char *text)
{
    return split(list_r, text, " \t\n", 2);
}

bool http_words(const char *connect_to, const char *resolve, char *error_r, size_t size)
{
    struct curl_slist *list;
    bool good = split_connect_to(&list, connect_to);
    if (!good) snprintf(error_r, size, "FETCH_CONNECT_TO: not HOST:PORT:CONNECT-HOST:CONNECT-PORT");
    curl_slist_free_all(list);
    if (!good) return false;
    good = split_resolve(&list, resolve);
    if (!good) snprintf(error_r, size, "FETCH_RESOLVE: not HOST:PORT:ADDRESS");
    curl_slist_free_all(list);
    return good;
}

static int default_socket(const struct sockaddr *address, int type, int protocol)
{
    return socket(address->sa_family, type, protocol);
}

/* All of every request that stays the same. The library's own options for these lines would print each of them twice. */
static void set_headers(struct http *http, const char *user_agent)
{
    struct buf agent = BUF_INIT(LIMIT_HEADERS);
    buf_addf(&agent, "User-Agent: %s", user_agent);
    http->headers = curl_slist_append(NULL, buf_str(&agent));
    curl_slist_append(http->headers, "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,text/plain;q=0.8,*/*;q=0.5");
    curl_slist_append(http->headers, "Accept-Encoding: " UNPACK_CODINGS);
    buf_release(&agent);
}

struct http *http_new(const struct http_config *config, struct ev_loop *loop)
{
    struct http *http = mem_zalloc(sizeof *http);
    http->config = *config;
    http->loop = loop;
    http->ca_file = config->ca_file && *config->ca_file ? mem_strdup(config->ca_file) : NULL;
    if (!http->config.open_socket) http->config.open_socket = default_socket;
    http->names = names_new(loop, on_resolver, http);
    ev_timer_init(&http->sweep, on_sweep, SWEEP_S, SWEEP_S);
    http->sweep.data = http;
    split_connect_to(&http->connect_to, config->connect_to);
    split_resolve(&http->resolve, config->resolve);
    set_headers(http, config->user_agent);
    raise_descriptors(http);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &http->shards[i];
        shard->http = http;
        multi_init(&shard->multi, loop, collect, shard);
        curl_multi_setopt(shard->multi.curl, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        curl_multi_setopt(shard->multi.curl, CURLMOPT_MAXCONNECTS, (long)((http->config.connections + SHARDS - 1) / SHARDS));
    }
    return http;
}

static void transfer_free(struct http_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    unpack_free(&t->unpack);
    buf_release(&t->response.body);
    buf_release(&t->response.raw_head);
    free(t);
}

void http_free(struct http **http)
{
    struct http *h = *http;
    if (!h) return;
    while (h->active.head) http_abort(h->active.head);
    while (h->ended.head) http_abort(h->ended.head);
    while (h->doubtful.head) http_abort(h->doubtful.head);
    names_free(&h->names);
    while (h->spare) {
        struct http_transfer *t = h->spare;
        h->spare = t->next;
        transfer_free(t);
    }
    for (size_t i = 0; i < SHARDS; i++) multi_release(&h->shards[i].multi);
    ev_timer_stop(h->loop, &h->sweep);
    curl_slist_free_all(h->headers);
    curl_slist_free_all(h->connect_to);
    curl_slist_free_all(h->resolve);
    free(h->ca_file);
    free(h);
    *http = NULL;
}

/* What stays the same for all transfers of a handle. */
static struct http_transfer *transfer_new(struct http *http)
{
    struct http_transfer *t = mem_zalloc(sizeof *t);
    CURL *easy = t->easy = curl_easy_init();
    const struct http_config *config = &http->config;
    if (!easy) log_panic("out of memory");
    t->http = http;
    SET(PRIVATE, t);
    SET(PROTOCOLS_STR, "http,https");
    SET(PROXY, ""); /* also none from the environment: a proxy would reach what open_socket refuses */
    SET(FOLLOWLOCATION, 0L);
    SET(DISALLOW_USERNAME_IN_URL, 1L);
    SET(PATH_AS_IS, 1L); /* URLs are canonical */
    SET(HTTPHEADER, http->headers);
    SET(HTTP_CONTENT_DECODING, 0L); /* it takes half a stream for a whole one */
    SET(CONNECTTIMEOUT_MS, (long)config->connect_ms);
    SET(DNS_CACHE_TIMEOUT, DNS_CACHE_S);
    SET(MAXAGE_CONN, IDLE_CONNECTION_S);
    SET(NOSIGNAL, 1L);
    SET(QUICK_EXIT, 1L); /* do not wait for a thread that still resolves a name */
    SET(CAPATH, NULL);   /* with a directory the library would not keep the parsed certificates */
    if (http->ca_file) SET(CAINFO, http->ca_file);
    if (http->connect_to) SET(CONNECT_TO, http->connect_to);
    if (http->resolve) SET(RESOLVE, http->resolve); /* a handle takes "*" from it, a shard the addresses */
    SET(OPENSOCKETFUNCTION, open_socket);
    SET(OPENSOCKETDATA, t);
    SET(RESOLVER_START_FUNCTION, name_is_asked_for);
    SET(RESOLVER_START_DATA, t);
    SET(PREREQFUNCTION, request_goes_out);
    SET(PREREQDATA, t);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, t);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, t);
    SET(ERRORBUFFER, t->error);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    buf_init(&t->response.raw_head, LIMIT_HEADERS);
    return t;
}

/* Without TLS nobody offers HTTP/2. With it, wait for a connection that may turn out to carry many requests. */
static void set_scheme(struct http_transfer *t, bool https)
{
    CURL *easy = t->easy;
    if (t->https == https) return;
    t->https = https;
    SET(HTTP_VERSION, (long)(https ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(PIPEWAIT, https ? 1L : 0L);
}

static void reset_transfer(struct http_transfer *t, const struct http_request *request)
{
    struct http_response *r = &t->response;
    t->cut = request->cut;
    t->any_type = request->any_type;
    t->every_status = request->every_status;
    t->keep_head = request->keep_head;
    t->started = clock_mono_ms();
    t->sent_at = t->marked_at = t->marked_bytes = 0;
    t->head_bytes = t->packed = 0;
    t->stopped = t->opened = t->starved = t->asked = t->named = false;
    t->refused[0] = '\0';
    t->error[0] = '\0';
    r->failure = HTTP_FINE;
    r->detail[0] = '\0';
    r->bytes = r->ms = 0;
    r->body.max = request->body_max;
    head_reset(&r->head);
}

/* By the host, whatever scheme and port: its address is asked for once (FNV-1a). */
static struct shard *shard_of(struct http *http, const char *url)
{
    const char *host = strstr(url, "://");
    uint32_t hash = 2166136261u;
    for (const char *c = host ? host + 3 : url; *c && !strchr(":/?#", *c); c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
    return &http->shards[hash % SHARDS];
}

struct http_transfer *http_start(struct http *http, const struct http_request *request, http_done_fn *done, void *context)
{
    struct http_transfer *t = http->spare;
    if (t)
        http->spare = t->next;
    else
        t = transfer_new(http);
    reset_transfer(t, request);
    t->done = done;
    t->context = context;
    set_scheme(t, strncmp(request->url, "https:", 6) == 0);
    set_validators(t, request);
    CURL *easy = t->easy;
    SET(URL, request->url);
    t->shard = shard_of(http, request->url);
    if (http->resolve && !t->shard->has_addresses) SET(RESOLVE, http->resolve);
    int64_t total = http->config.total_ms;
    SET(TIMEOUT_MS, (long)(request->total_ms > 0 && request->total_ms < total ? request->total_ms : total));
    if (http->active.count == 0) ev_timer_again(http->loop, &http->sweep);
    list_add(&http->active, t);
    http->stats.started++;
    CURLMcode result = curl_multi_add_handle(t->shard->multi.curl, easy);
    if (result != CURLM_OK) log_panic("curl: %s", curl_multi_strerror(result));
    return t;
}

void http_abort(struct http_transfer *t)
{
    if (t->list == &t->http->active) curl_multi_remove_handle(t->shard->multi.curl, t->easy);
    list_remove(t);
    recycle(t);
}

void http_stats(const struct http *http, struct http_stats *stats_r)
{
    *stats_r = http->stats;
    stats_r->active = http->active.count;
}
