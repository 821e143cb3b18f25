/* Answers and parameters; contract in http.h. */
#include "gateway/http.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/gateway.h"

static const struct {
    const char *code;
    unsigned status;
} faults[FAULT_COUNT] = {
    [FAULT_BAD_REQUEST] = {"BAD_REQUEST", 400},       [FAULT_UNAUTHORIZED] = {"UNAUTHORIZED", 401},
    [FAULT_FORBIDDEN_HOST] = {"FORBIDDEN_HOST", 403}, [FAULT_UNKNOWN] = {"UNKNOWN", 404},
    [FAULT_METHOD] = {"METHOD_NOT_ALLOWED", 405},     [FAULT_CONFLICT] = {"CONFLICT", 409},
    [FAULT_TOO_LARGE] = {"TOO_LARGE", 413},           [FAULT_MEDIA_TYPE] = {"UNSUPPORTED_MEDIA_TYPE", 415},
    [FAULT_RATE_LIMITED] = {"RATE_LIMITED", 429},     [FAULT_INTERNAL] = {"INTERNAL", 500},
    [FAULT_UNAVAILABLE] = {"UNAVAILABLE", 503},
};

void json_quote(struct buf *out, const char *s)
{
    static const char hex[] = "0123456789abcdef";
    buf_add_char(out, '"');
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p == '"' || *p == '\\') {
            buf_add_char(out, '\\');
            buf_add_char(out, (char)*p);
        } else if (*p < ' ' || *p == 0x7f) {
            buf_add_str(out, "\\u00");
            buf_add_char(out, hex[*p >> 4]);
            buf_add_char(out, hex[*p & 15]);
        } else {
            buf_add_char(out, (char)*p);
        }
    }
    buf_add_char(out, '"');
}

void answer_clear(struct request *req)
{
    struct answer *a = &req->answer;
    a->status = 0;
    a->fixed = NULL;
    a->header_count = 0;
    buf_reset(&a->body);
    if (a->stream) a->stream->free(a->stream);
    a->stream = NULL;
}

void answer_header(struct request *req, const char *name, const char *format, ...)
{
    struct answer *a = &req->answer;
    if (a->header_count == ANSWER_HEADERS) return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(a->headers[a->header_count].value, sizeof a->headers[0].value, format, ap);
    va_end(ap);
    a->headers[a->header_count++].name = name;
}

void answer_json(struct request *req, unsigned status, const char *json)
{
    req->answer.status = status;
    req->answer.type = "application/json; charset=utf-8";
    buf_reset(&req->answer.body);
    buf_add_str(&req->answer.body, json);
}

void answer_stream(struct request *req, const char *type, struct stream *stream)
{
    req->answer.status = 200;
    req->answer.type = type;
    req->answer.stream = stream;
    stream->request = req;
}

void answer_fault(struct request *req, enum fault fault, const char *field, const char *format, ...)
{
    char words[700];
    struct buf clean = BUF_INIT(sizeof words * 3);
    va_list ap;
    va_start(ap, format);
    vsnprintf(words, sizeof words, format, ap);
    va_end(ap);
    utf8_clean(&clean, words, strlen(words)); /* cut somewhere, or as it came */
    answer_clear(req);
    answer_json(req, faults[fault].status, "{\"success\":false,\"code\":");
    struct buf *body = &req->answer.body;
    json_quote(body, faults[fault].code);
    buf_add_str(body, ",\"error\":");
    json_quote(body, buf_str(&clean));
    buf_add_str(body, ",\"details\":{");
    if (field) {
        buf_add_str(body, "\"field\":");
        json_quote(body, field);
    }
    buf_add_str(body, "}}");
    buf_release(&clean);
    if (fault == FAULT_UNAVAILABLE) answer_header(req, "Retry-After", "2");
    if (fault == FAULT_UNAUTHORIZED) answer_header(req, "WWW-Authenticate", "Bearer realm=\"gistmill\"");
}

static bool in_bounds(struct request *req, const char *name, int64_t value, int64_t min, int64_t max, int64_t *value_r)
{
    if (value < min || value > max) {
        answer_fault(req, FAULT_BAD_REQUEST, name, "%s: must be a whole number from %lld to %lld", name, (long long)min, (long long)max);
        return false;
    }
    *value_r = value;
    return true;
}

bool query_int(struct request *req, const char *name, int64_t min, int64_t max, int64_t *value_r)
{
    const char *text = request_query(req, name);
    if (!text || !*text) return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || (*text != '-' && (*text < '0' || *text > '9'))) {
        answer_fault(req, FAULT_BAD_REQUEST, name, "%s: must be a whole number from %lld to %lld", name, (long long)min, (long long)max);
        return false;
    }
    return in_bounds(req, name, value, min, max, value_r);
}

bool query_bool(struct request *req, const char *name, bool *value_r)
{
    const char *text = request_query(req, name);
    if (!text) return true;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        answer_fault(req, FAULT_BAD_REQUEST, name, "%s: must be true or false", name);
        return false;
    }
    *value_r = *text == 't';
    return true;
}

bool json_int(struct request *req, const char *name, int64_t min, int64_t max, int64_t *value_r)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(req->json, name);
    if (!item || cJSON_IsNull(item)) return true;
    if (!cJSON_IsNumber(item) || floor(item->valuedouble) != item->valuedouble || fabs(item->valuedouble) > 1e15) {
        answer_fault(req, FAULT_BAD_REQUEST, name, "%s: must be a whole number from %lld to %lld", name, (long long)min, (long long)max);
        return false;
    }
    return in_bounds(req, name, (int64_t)item->valuedouble, min, max, value_r);
}

bool json_bool(struct request *req, const char *name, bool *value_r)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(req->json, name);
    if (!item || cJSON_IsNull(item)) return true;
    if (!cJSON_IsBool(item)) {
        answer_fault(req, FAULT_BAD_REQUEST, name, "%s: must be true or false", name);
        return false;
    }
    *value_r = cJSON_IsTrue(item);
    return true;
}
