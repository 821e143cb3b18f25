/* Calls of the API; contract in api.h. */
#include "cli/api.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/text.h"

#define ANSWER_MAX  (64u << 20) /* bytes: a thousand pages, or one article with its Markdown, many times over */
#define PATIENCE_MS 30000       /* for a gateway that asks for time */
#define WAIT_LEAST  500         /* ms */
#define WORDS_SHOWN 600         /* bytes of an error that is not ours */

/* ---- paths ---- */

static void encode(struct buf *path, const char *value)
{
    for (; *value; value++) {
        if (isalnum((unsigned char)*value) || strchr("-._~", *value))
            buf_add_char(path, *value);
        else
            buf_addf(path, "%%%02X", (unsigned)(unsigned char)*value);
    }
}

void api_segment(struct buf *path, const char *value)
{
    buf_add_char(path, '/');
    encode(path, value);
}

void api_query(struct buf *path, const char *name, const char *value)
{
    if (!value) return;
    buf_addf(path, "%c%s=", strchr(buf_str(path), '?') ? '&' : '?', name);
    encode(path, value);
}

void api_query_number(struct buf *path, const char *name, int64_t value)
{
    buf_addf(path, "%c%s=%lld", strchr(buf_str(path), '?') ? '&' : '?', name, (long long)value);
}

/* ---- answers ---- */

static const struct {
    long status;
    enum outcome outcome;
} outcomes[] = {
    {400, OUTCOME_USAGE},   {401, OUTCOME_REFUSED}, {403, OUTCOME_REFUSED}, {404, OUTCOME_UNKNOWN},
    {410, OUTCOME_UNKNOWN}, {413, OUTCOME_USAGE},   {414, OUTCOME_USAGE},   {429, OUTCOME_AWAY},
    {502, OUTCOME_AWAY},    {503, OUTCOME_AWAY},    {504, OUTCOME_AWAY},
};

cJSON *api_parse(const struct http_reply *reply)
{
    cJSON *json = cJSON_ParseWithLength(buf_str(&reply->body), reply->body.len);
    if (json && !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}

static void unreachable_words(const struct cli *cli, const struct http_reply *reply, struct buf *words)
{
    static const char *const how[] = {
        [HTTP_UNREACHABLE] = "the gateway cannot be reached at",
        [HTTP_SLOW] = "the gateway does not answer at",
        [HTTP_BROKEN] = "the answer broke off, or was not HTTP, at",
        [HTTP_TOO_LARGE] = "the answer is larger than any of a gateway should be, at",
    };
    if (reply->how == HTTP_STOPPED)
        buf_add_str(words, "stopped");
    else
        buf_addf(words, "%s %s: %s", how[reply->how], cli->url, reply->detail);
}

static void error_words(const struct http_reply *reply, struct buf *words)
{
    cJSON *json = api_parse(reply);
    const char *error = json_text(json, "error"), *field = json_text(json, "details.field");
    if (*error && *field && !strstr(error, field))
        buf_addf(words, "%s: %.*s", field, WORDS_SHOWN, error);
    else if (*error)
        buf_addf(words, "%.*s", WORDS_SHOWN, error);
    else
        buf_addf(words, "HTTP status %ld%s", reply->status, json || reply->body.len == 0 ? "" : ", and no JSON: is this the gateway?");
    if (reply->status == 401) buf_add_str(words, " (the key is taken from GISTMILL_KEY or GISTMILL_KEY_FILE)");
    cJSON_Delete(json);
}

enum outcome api_judge(const struct cli *cli, const struct http_reply *reply, struct buf *words_r)
{
    buf_reset(words_r);
    if (reply->how != HTTP_ANSWERED) {
        unreachable_words(cli, reply, words_r);
        return OUTCOME_AWAY;
    }
    if (reply->status >= 200 && reply->status < 300) return OUTCOME_OK;
    error_words(reply, words_r);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (outcomes[i].status == reply->status) return outcomes[i].outcome;
    return OUTCOME_FAILED;
}

/* ---- calls ---- */

void api_try(struct cli *cli, const char *path, struct http_request *request, struct http_reply *reply_r)
{
    struct buf url = BUF_INIT(API_PATH_MAX + 8192);
    buf_add_str(&url, cli->url);
    buf_add_str(&url, path);
    request->url = buf_str(&url);
    if (!request->method) request->method = "GET";
    if (!request->max) request->max = ANSWER_MAX;
    if (!request->idle_ms) request->idle_ms = cli->timeout_ms;
    http_run(cli->http, request, reply_r);
    request->url = NULL;
    buf_release(&url);
}

static void pause_ms(int64_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* ms to wait before the call may be made again; -1: not at all. */
static int64_t again_after(const struct api_call *call, const struct http_reply *reply, int64_t begun_ms)
{
    bool harmless = !call->method || strcmp(call->method, "GET") == 0 || call->idempotency_key || call->again;
    if (reply->how != HTTP_ANSWERED || (reply->status != 503 && reply->status != 429) || !harmless) return -1;
    int64_t wait = reply->retry_after_ms > WAIT_LEAST ? reply->retry_after_ms : WAIT_LEAST;
    return clock_mono_ms() + wait - begun_ms <= PATIENCE_MS ? wait : -1;
}

static int report(struct cli *cli, const struct http_reply *reply, enum outcome outcome, const char *words)
{
    cJSON *json = reply->how == HTTP_ANSWERED && cli->json ? api_parse(reply) : NULL;
    if (!json || !*json_text(json, "error")) {
        cJSON_Delete(json);
        return complain(cli, outcome, reply->how == HTTP_ANSWERED ? "BAD_ANSWER" : "UNREACHABLE", "%s", words);
    }
    say(cli, "%s", words); /* programs get the gateway's own answer, details and all */
    print_json(json);
    cJSON_Delete(json);
    return (int)outcome;
}

int api_call(struct cli *cli, const struct api_call *call, cJSON **json_r)
{
    struct buf words = BUF_INIT(4096);
    struct http_reply reply;
    char *body = call->body ? cJSON_PrintUnformatted(call->body) : NULL;
    int64_t begun = clock_mono_ms();
    *json_r = NULL;
    for (;;) {
        struct http_request request = {
            .method = call->method, .body = body, .idempotency_key = call->idempotency_key, .idle_ms = call->hold_ms + cli->timeout_ms};
        api_try(cli, call->path, &request, &reply);
        int64_t wait = again_after(call, &reply, begun);
        if (wait < 0) break;
        api_judge(cli, &reply, &words);
        say(cli, "%s; again in %.1f s", buf_str(&words), (double)wait / 1000);
        http_reply_release(&reply);
        pause_ms(wait);
    }
    enum outcome outcome = api_judge(cli, &reply, &words);
    int status = (int)outcome;
    cJSON *json = reply.how == HTTP_ANSWERED ? api_parse(&reply) : NULL;
    if (outcome == OUTCOME_OK && !json)
        status = complain(cli, OUTCOME_FAILED, "BAD_ANSWER", "the answer is no JSON object: is %s a gateway?", cli->url);
    else if (outcome != OUTCOME_OK && !(call->with_state && *json_text(json, "state")))
        status = report(cli, &reply, outcome, buf_str(&words));
    else
        *json_r = json;
    if (!*json_r) cJSON_Delete(json);
    if (*json_r) status = OUTCOME_OK;
    http_reply_release(&reply);
    buf_release(&words);
    free(body);
    return status;
}

int api_data(struct cli *cli, const struct api_call *call, bool want_array, cJSON **data_r)
{
    cJSON *json;
    *data_r = NULL;
    int status = api_call(cli, call, &json);
    if (status != OUTCOME_OK) return status;
    cJSON *data = cJSON_DetachItemFromObjectCaseSensitive(json, "data");
    cJSON_Delete(json);
    if (want_array ? cJSON_IsArray(data) : cJSON_IsObject(data)) {
        *data_r = data;
        return OUTCOME_OK;
    }
    cJSON_Delete(data);
    return complain(cli, OUTCOME_FAILED, "BAD_ANSWER", "the answer has no data: is %s a gateway of this version?", cli->url);
}
