/* Calls over libcurl; contract in llm_http.h. */
#include "summarizer/llm_http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/multi.h"

#define LIMIT_WAIT_MS 600000 /* a longer wait for a rate limit counts as this */
#define CONNECT_MS    10000  /* name, connection and TLS, or the whole time if that is less */

struct llm_http {
    struct multi multi;
    char *url;
    struct curl_slist *headers;
    size_t answer_max;
    struct llm_http_call *calls; /* doubly linked */
};

struct llm_http_call {
    struct llm_http_call *prev, *next;
    struct llm_http *http;
    CURL *easy;
    struct buf answer;
    char error[CURL_ERROR_SIZE];
    llm_http_done_fn *done;
    void *context;
};

/* ---- one call ---- */

static void call_free(struct llm_http_call *call)
{
    struct llm_http *http = call->http;
    if (call->prev)
        call->prev->next = call->next;
    else
        http->calls = call->next;
    if (call->next) call->next->prev = call->prev;
    curl_multi_remove_handle(http->multi.curl, call->easy);
    curl_easy_cleanup(call->easy);
    buf_release(&call->answer);
    free(call);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct llm_http_call *call = context;
    return buf_add(&call->answer, data, size * count) ? size * count : 0;
}

static const struct {
    CURLcode code;
    enum llm_http_how how;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, LLM_HTTP_UNREACHABLE},     {CURLE_COULDNT_RESOLVE_PROXY, LLM_HTTP_UNREACHABLE},
    {CURLE_COULDNT_CONNECT, LLM_HTTP_UNREACHABLE},          {CURLE_SSL_CONNECT_ERROR, LLM_HTTP_UNREACHABLE},
    {CURLE_PEER_FAILED_VERIFICATION, LLM_HTTP_UNREACHABLE}, {CURLE_OPERATION_TIMEDOUT, LLM_HTTP_SLOW},
};

static enum llm_http_how judge(const struct llm_http_call *call, CURLcode code)
{
    if (code == CURLE_OK) return LLM_HTTP_ANSWERED;
    if (buf_failed(&call->answer)) return LLM_HTTP_TOO_LARGE;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].code == code) return failures[i].how;
    return LLM_HTTP_BROKEN;
}

/* "1s", "6m0s", "250ms", "12.5": ms; 0 if it is something else. */
static int64_t duration_ms(const char *text)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
    double sum = 0;
    while (*text) {
        char *end;
        double number = strtod(text, &end);
        size_t i = 0, n = strspn(end, "hms");
        if (end == text || !(number >= 0) || number > 1e6) return 0;
        while (i < 5 && (strlen(units[i].unit) != n || strncmp(end, units[i].unit, n) != 0)) i++;
        if (i == 5) return 0;
        sum += number * units[i].ms;
        text = end + n;
    }
    return sum < LIMIT_WAIT_MS ? (int64_t)sum : LIMIT_WAIT_MS;
}

static const char *header_of(CURL *easy, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : "";
}

/* The headers of OpenAI, which others have taken over. */
static int64_t limit_ms(CURL *easy)
{
    static const char *const names[][2] = {{"x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"},
                                           {"x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"}};
    int64_t most = 0;
    for (size_t i = 0; i < 2; i++) {
        int64_t wait = strcmp(header_of(easy, names[i][0]), "0") == 0 ? duration_ms(header_of(easy, names[i][1])) : 0;
        if (wait > most) most = wait;
    }
    return most;
}

/* Printable ASCII only: it goes into a table and before people. */
static void copy_id(char id[LLM_ID_BYTES], const char *value)
{
    size_t n = 0;
    for (; value[n] > ' ' && value[n] <= '~' && n < LLM_ID_BYTES - 1; n++) id[n] = value[n];
    id[n] = '\0';
}

static void call_done(struct llm_http_call *call, CURLcode code)
{
    struct buf answer = call->answer;
    char error[CURL_ERROR_SIZE], id[LLM_ID_BYTES] = "";
    curl_off_t wait = 0;
    long status = 0;
    llm_http_done_fn *done = call->done;
    void *context = call->context;
    enum llm_http_how how = judge(call, code);
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &wait);
    copy_id(id, header_of(call->easy, "x-request-id"));
    int64_t limit = limit_ms(call->easy);
    snprintf(error, sizeof error, "%s", *call->error ? call->error : curl_easy_strerror(code));
    buf_init(&call->answer, 0);
    call_free(call);
    struct llm_http_reply reply = {.how = how,
                                   .status = status,
                                   .body = buf_str(&answer),
                                   .length = answer.len,
                                   .limit_ms = limit,
                                   .retry_after_ms = wait > 0 ? wait * 1000 : 0,
                                   .id = id,
                                   .detail = how == LLM_HTTP_ANSWERED || how == LLM_HTTP_TOO_LARGE ? "" : error};
    done(context, &reply);
    buf_release(&answer);
}

static void collect(void *context)
{
    struct llm_http *http = context;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi.curl, &left))) {
        struct llm_http_call *call;
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        call_done(call, code);
    }
}

/* ---- public ---- */

static void add_header(struct llm_http *http, const char *line)
{
    struct curl_slist *more = curl_slist_append(http->headers, line);
    if (!more) log_panic("out of memory");
    http->headers = more;
}

struct llm_http *llm_http_new(struct ev_loop *loop, const struct llm_http_config *config)
{
    struct llm_http *http = mem_zalloc(sizeof *http);
    multi_init(&http->multi, loop, collect, http);
    http->url = mem_strdup(config->url);
    http->answer_max = config->answer_max;
    curl_multi_setopt(http->multi.curl, CURLMOPT_MAXCONNECTS, (long)config->connections);
    add_header(http, "Content-Type: application/json");
    add_header(http, "Accept: application/json");
    add_header(http, "Expect:"); /* no round trip before a long body */
    if (*config->key) {
        struct buf line = BUF_INIT(16384);
        buf_addf(&line, "Authorization: Bearer %s", config->key);
        add_header(http, buf_str(&line));
        if (line.data) explicit_bzero(line.data, line.len);
        buf_release(&line);
    }
    return http;
}

void llm_http_free(struct llm_http **http)
{
    struct llm_http *h = *http;
    if (!h) return;
    while (h->calls) call_free(h->calls);
    multi_release(&h->multi);
    curl_slist_free_all(h->headers);
    free(h->url);
    free(h);
    *http = NULL;
}

struct llm_http_call *llm_http_post(struct llm_http *http, const char *body, size_t n, int64_t timeout_ms, llm_http_done_fn *done,
                                    void *context)
{
    struct llm_http_call *call = mem_zalloc(sizeof *call);
    CURL *easy = curl_easy_init();
    if (!easy) log_panic("out of memory");
    *call = (struct llm_http_call){.http = http, .easy = easy, .done = done, .context = context, .next = http->calls};
    buf_init(&call->answer, http->answer_max);
    if (http->calls) http->calls->prev = call;
    http->calls = call;
    curl_easy_setopt(easy, CURLOPT_URL, http->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Gistmill/" GM_VERSION);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    if (curl_multi_add_handle(http->multi.curl, easy) != CURLM_OK) log_panic("libcurl does not take a transfer");
    return call;
}

void llm_http_cancel(struct llm_http_call *call)
{
    call_free(call);
}
