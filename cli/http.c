/* HTTP over libcurl; contract in http.h. */
#include "cli/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define CONNECT_MS 10000
#define TICK_MS    200
#define ERROR_MAX  (64u << 10) /* bytes of an answer that is not wanted as a stream */

struct http {
    CURLM *multi;
    CURL *easy;
    char *key;
};

struct transfer {
    const struct http_request *request;
    struct http_reply *reply;
    CURL *easy;
    int64_t heard_ms; /* when bytes last came */
    bool stopped;
};

struct http *http_new(const char *key)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return NULL;
    struct http *http = mem_zalloc(sizeof *http);
    http->key = mem_strdup(key);
    http->multi = curl_multi_init();
    http->easy = curl_easy_init();
    if (!http->multi || !http->easy) http_free(&http);
    return http;
}

void http_free(struct http **http)
{
    struct http *h = *http;
    if (!h) return;
    if (h->easy) curl_easy_cleanup(h->easy);
    if (h->multi) curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    free(h->key);
    free(h);
    *http = NULL;
}

void http_reply_release(struct http_reply *reply)
{
    buf_release(&reply->body);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t n = size * count;
    long status = 0;
    t->heard_ms = clock_mono_ms();
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->request->on_bytes && status == 200) {
        t->stopped = !t->request->on_bytes(t->request->context, data, n);
        return t->stopped ? CURL_WRITEFUNC_ERROR : n;
    }
    return buf_add(&t->reply->body, data, n) ? n : CURL_WRITEFUNC_ERROR;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    (void)data;
    t->heard_ms = clock_mono_ms();
    return size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    if (!value || !*value) return list;
    size_t n = strlen(name) + strlen(value) + 3;
    char *line = mem_alloc(n);
    snprintf(line, n, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(list, line);
    free(line);
    if (!longer) abort();
    return longer;
}

static struct curl_slist *headers(const struct http *http, const struct http_request *request)
{
    struct curl_slist *list = add_header(NULL, "Accept", request->accept ? request->accept : "application/json");
    if (*http->key) {
        size_t n = strlen(http->key) + sizeof "Bearer ";
        char *bearer = mem_alloc(n);
        snprintf(bearer, n, "Bearer %s", http->key);
        list = add_header(list, "Authorization", bearer);
        free(bearer);
    }
    /* Also without a body: a gateway takes nothing that a form of another site could send. */
    if (strcmp(request->method, "GET") != 0) list = add_header(list, "Content-Type", "application/json");
    list = add_header(list, "Idempotency-Key", request->idempotency_key);
    return add_header(list, "Last-Event-ID", request->last_event_id);
}

/* A proxy of the environment is for the world, not for a gateway on this machine. */
static bool is_local(const char *url)
{
    CURLU *u = curl_url();
    char *host = NULL;
    bool local = false;
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        local = strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
    curl_free(host);
    curl_url_cleanup(u);
    return local;
}

const char *http_check_url(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *query = NULL;
    const char *fault = NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        fault = "must be a URL such as http://127.0.0.1:8080";
    else if (curl_url_get(u, CURLUPART_QUERY, &query, 0) == CURLUE_OK || strchr(url, '#'))
        fault = "must have neither ? nor #";
    curl_free(scheme);
    curl_free(query);
    curl_url_cleanup(u);
    return fault;
}

static void set_up(struct http *http, struct transfer *t, struct curl_slist *list, char *words)
{
    const struct http_request *request = t->request;
    CURL *easy = http->easy;
    curl_easy_reset(easy); /* keeps connections */
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (strcmp(request->method, "POST") == 0) {
        const char *body = request->body ? request->body : "";
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    if (is_local(request->url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "gistmill/" GM_VERSION);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
}

/* Turns the loop until the transfer has ended. False: ended by us, for how. */
static bool turn(struct http *http, struct transfer *t, CURLcode *code_r, enum http_how *how_r)
{
    int running = 1, left;
    for (;;) {
        curl_multi_perform(http->multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
            if (message->msg != CURLMSG_DONE) continue;
            *code_r = message->data.result;
            return true;
        }
        *how_r = HTTP_STOPPED;
        if (t->request->on_tick && !t->request->on_tick(t->request->context)) return false;
        *how_r = HTTP_SLOW;
        if (clock_mono_ms() - t->heard_ms > t->request->idle_ms) return false;
        curl_multi_poll(http->multi, NULL, 0, TICK_MS, NULL);
    }
}

static const struct {
    CURLcode code;
    enum http_how how;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_UNREACHABLE},     {CURLE_COULDNT_RESOLVE_PROXY, HTTP_UNREACHABLE},
    {CURLE_COULDNT_CONNECT, HTTP_UNREACHABLE},          {CURLE_SSL_CONNECT_ERROR, HTTP_UNREACHABLE},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_UNREACHABLE}, {CURLE_OPERATION_TIMEDOUT, HTTP_UNREACHABLE}, /* of connecting: no other is set */
};

static enum http_how judge(const struct transfer *t, CURLcode code)
{
    if (code == CURLE_OK) return HTTP_ANSWERED;
    if (t->stopped) return HTTP_STOPPED;
    if (buf_failed(&t->reply->body)) return HTTP_TOO_LARGE;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].code == code) return failures[i].how;
    return HTTP_BROKEN;
}

static void read_head(CURL *easy, struct http_reply *reply)
{
    curl_off_t wait = 0;
    const char *type = NULL;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
    snprintf(reply->type, sizeof reply->type, "%s", type ? type : "");
    reply->retry_after_ms = wait > 86400 ? 86400000 : (int64_t)wait * 1000;
}

void http_run(struct http *http, const struct http_request *request, struct http_reply *reply_r)
{
    char words[CURL_ERROR_SIZE] = "";
    CURLcode code = CURLE_OK;
    *reply_r = (struct http_reply){.how = HTTP_BROKEN};
    buf_init(&reply_r->body, request->on_bytes ? ERROR_MAX : request->max);
    struct transfer t = {.request = request, .reply = reply_r, .easy = http->easy, .heard_ms = clock_mono_ms()};
    struct curl_slist *list = headers(http, request);
    set_up(http, &t, list, words);
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK) abort();
    if (turn(http, &t, &code, &reply_r->how)) {
        reply_r->how = judge(&t, code);
        if (code != CURLE_OK)
            snprintf(reply_r->detail, sizeof reply_r->detail, "%s",
                     *words && code != CURLE_COULDNT_CONNECT ? words : curl_easy_strerror(code)); /* that one's words say it twice */
    } else if (reply_r->how == HTTP_SLOW) {
        snprintf(reply_r->detail, sizeof reply_r->detail, "no answer within %lld s", (long long)(request->idle_ms + 999) / 1000);
    }
    read_head(http->easy, reply_r);
    curl_multi_remove_handle(http->multi, http->easy);
    curl_slist_free_all(list);
}
