/* Firecrawl v2; contract in firecrawl.h. Field names are those of its client, npm's firecrawl 4 (src/v2/types.ts). */
#include "gateway/firecrawl.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/db.h"
#include "gateway/http.h"
#include "gateway/pages.h"
#include "gateway/requests.h"
#include "gateway/sql.h"
#include "gateway/watch.h"
#include "line/limits.h"
#include "line/url.h"

#define TAKEN_MS    3000
#define LIMIT_PAGES 10000  /* what it crawls at most if nothing is said */
#define SCRAPE_MS   60000  /* a scrape is waited for, if nothing is said; */
#define SCRAPE_MAX  300000 /* at most */
#define BATCH_MAX   10000

/* ---- fields ---- */

/* What a field of theirs becomes. What is in neither table is unknown, and ignored. */
enum how {
    COPY,  /* a field of ours, with the same value */
    SCOPE, /* true: this scope; the last one counts */
    MATCH, /* true: what masks look at */
    CANNOT /* nothing: named in the warning, unless it is said to be as it is anyway */
};
static const struct field {
    const char *name;
    enum how how;
    const char *ours; /* field, or value; with CANNOT: the text that needs no warning */
} crawl_fields[] =
    {
        {"limit", COPY, "limit"},
        {"maxDiscoveryDepth", COPY, "depth"},
        {"includePaths", COPY, "include"},
        {"excludePaths", COPY, "exclude"},
        {"sitemap", COPY, "sitemap"},
        {"regexOnFullURL", MATCH, "url"},
        {"allowSubdomains", SCOPE, "domain"},
        {"allowExternalLinks", SCOPE, "any"},
        {"prompt", CANNOT, NULL},
        {"robotsUserAgent", CANNOT, NULL},
        {"ignoreRobotsTxt", CANNOT, NULL},
        {"ignoreQueryParameters", CANNOT, NULL},
        {"deduplicateSimilarURLs", CANNOT, NULL},
        {"delay", CANNOT, NULL},
        {"maxConcurrency", CANNOT, NULL},
        {"webhook", CANNOT, NULL},
        {"zeroDataRetention", CANNOT, NULL},
        {"appendToId", CANNOT, NULL},
},
  scrape_fields[] = {
      {"headers", CANNOT, NULL},   {"includeTags", CANNOT, NULL},      {"excludeTags", CANNOT, NULL},
      {"waitFor", CANNOT, NULL},   {"mobile", CANNOT, NULL},           {"parsers", CANNOT, NULL},
      {"actions", CANNOT, NULL},   {"location", CANNOT, NULL},         {"skipTlsVerification", CANNOT, NULL},
      {"proxy", CANNOT, "basic"},  {"minAge", CANNOT, NULL},           {"lockdown", CANNOT, NULL},
      {"redactPII", CANNOT, NULL}, {"threatProtection", CANNOT, NULL}, {"profile", CANNOT, NULL},
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Formats that a document has, always. */
static const char *const formats[] = {"markdown", "summary", "links"};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void warn(struct buf *warning, const char *prefix, const char *name)
{
    buf_addf(warning, "%s%s%s", warning->len ? ", " : "not honoured: ", prefix, name);
}

/* True if a client has asked for something by it. */
static bool is_said(const cJSON *item, const char *fine)
{
    if (!item || cJSON_IsNull(item) || cJSON_IsFalse(item)) return false;
    if ((cJSON_IsArray(item) || cJSON_IsObject(item)) && !item->child) return false;
    if (cJSON_IsNumber(item) && item->valuedouble == 0) return false;
    const char *text = cJSON_GetStringValue(item);
    return !text || (*text && (!fine || strcmp(text, fine) != 0));
}

static void read_field(cJSON *seed, const struct field *field, const cJSON *item, struct buf *warning)
{
    if (!item || cJSON_IsNull(item)) return;
    switch (field->how) {
    case COPY: cJSON_AddItemToObject(seed, field->ours, cJSON_Duplicate(item, true)); break;
    case SCOPE:
        if (!cJSON_IsTrue(item)) break;
        cJSON_DeleteItemFromObjectCaseSensitive(seed, "scope");
        cJSON_AddStringToObject(seed, "scope", field->ours);
        break;
    case MATCH:
        if (cJSON_IsTrue(item)) cJSON_AddStringToObject(seed, "match", field->ours);
        break;
    case CANNOT:
        if (is_said(item, field->ours)) warn(warning, "", field->name);
        break;
    }
}

static void read_scrape_options(const cJSON *options, struct buf *warning)
{
    const cJSON *item;
    for (size_t i = 0; i < COUNT(scrape_fields); i++) read_field(NULL, &scrape_fields[i], member(options, scrape_fields[i].name), warning);
    if (cJSON_IsFalse(member(options, "onlyMainContent"))) warn(warning, "", "onlyMainContent");
    cJSON_ArrayForEach(item, member(options, "formats"))
    {
        const char *name = cJSON_GetStringValue(cJSON_IsObject(item) ? member(item, "type") : item);
        size_t i = 0;
        while (name && i < COUNT(formats) && strcmp(name, formats[i]) != 0) i++;
        if (!name || i == COUNT(formats)) warn(warning, "formats ", name && strlen(name) < 40 ? name : "?");
    }
}

/* Firecrawl follows links below the path of the URL, unless it is told to take the whole domain. */
static void set_prefix(cJSON *seed, const cJSON *body, const char *text)
{
    struct url url;
    if (cJSON_IsTrue(member(body, "crawlEntireDomain")) || cJSON_HasObjectItem(seed, "scope") || url_parse(text, &url) != URL_OK) return;
    char *path = url.text + (url_path(url.text) - url.text);
    path[strcspn(path, "?")] = '\0';
    if (strcmp(path, "/") != 0) cJSON_AddStringToObject(seed, "prefix", path);
}

cJSON *fc_seed(const cJSON *body, struct buf *warning, const char **field_r)
{
    const char *url = cJSON_GetStringValue(member(body, "url"));
    *field_r = "url";
    if (!url) return NULL;
    cJSON *seed = cJSON_CreateObject();
    cJSON_AddStringToObject(seed, "url", url);
    for (size_t i = 0; i < COUNT(crawl_fields); i++) read_field(seed, &crawl_fields[i], member(body, crawl_fields[i].name), warning);
    read_scrape_options(member(body, "scrapeOptions"), warning);
    if (!cJSON_HasObjectItem(seed, "limit")) cJSON_AddNumberToObject(seed, "limit", LIMIT_PAGES);
    if (!cJSON_HasObjectItem(seed, "depth")) cJSON_AddNumberToObject(seed, "depth", LIMIT_DEPTH);
    set_prefix(seed, body, url);
    return seed;
}

/* ---- crawls and batches ---- */

/* Where the client sees us: what it called, or what a proxy before us was called. */
static void add_base(struct buf *out, const struct request *req)
{
    const char *host = request_header(req, "Host"), *proto = request_header(req, "X-Forwarded-Proto");
    bool plain = host && *host && strlen(host) < 256;
    for (const char *p = host; plain && *p; p++) plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]", *p);
    if (plain) buf_addf(out, "%s://%s", proto && strcmp(proto, "https") == 0 ? "https" : "http", host);
}

static bool is_batch(const struct request *req)
{
    return strncmp(req->path, "/v2/batch/", 10) == 0;
}

/* req->note: members to go along in the answer. */
static bool crawl_taken(struct request *req, struct db *db, bool last)
{
    struct taken taken;
    if (!request_taken(req, db, &taken)) return true;
    bool ready = taken.is_taken || last;
    if (ready) {
        struct buf *body = &req->answer.body;
        answer_json(req, 200, "{\"success\":true,\"id\":");
        json_quote(body, taken.id);
        buf_add_str(body, ",\"url\":\"");
        add_base(body, req);
        buf_addf(body, "/v2/%s/%s\"%s}", is_batch(req) ? "batch/scrape" : "crawl", taken.id, buf_str(&req->note));
    }
    return ready;
}

static void add_note(struct request *req, const char *name, const struct buf *text)
{
    if (!text->len) return;
    buf_addf(&req->note, ",\"%s\":", name);
    json_quote(&req->note, buf_str(text));
}

static void ask(struct request *req, struct db *db, const cJSON *seed)
{
    char *body = cJSON_PrintUnformatted(seed);
    struct wish wish = {.body = body};
    if (!body || strlen(body) > REQUEST_BODY_MAX) {
        answer_fault(req, FAULT_TOO_LARGE, NULL, "a request has at most %u bytes", REQUEST_BODY_MAX);
    } else if (request_wish(req, db, &wish)) {
        req->deadline_ms = clock_mono_ms() + TAKEN_MS;
        if (!crawl_taken(req, db, false)) req->check = crawl_taken;
    }
    cJSON_free(body);
}

void fc_crawl(struct request *req, struct db *db)
{
    struct buf warning = BUF_INIT(4000);
    const char *field;
    cJSON *seed = fc_seed(req->json, &warning, &field);
    if (!seed) {
        answer_fault(req, FAULT_BAD_REQUEST, field, "%s: missing, or of another type", field);
    } else {
        add_note(req, "warning", &warning);
        ask(req, db, seed);
    }
    cJSON_Delete(seed);
    buf_release(&warning);
}

/* The URLs of a batch; what is none goes to invalid. */
static cJSON *batch_urls(const cJSON *list, cJSON *invalid)
{
    cJSON *urls = cJSON_CreateArray();
    const cJSON *item;
    struct url url;
    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(item);
        bool good = text && url_parse(text, &url) == URL_OK;
        cJSON_AddItemToArray(good ? urls : invalid, cJSON_CreateString(good ? url.text : text ? text : "?"));
    }
    return urls;
}

void fc_batch(struct request *req, struct db *db)
{
    const cJSON *list = member(req->json, "urls");
    struct buf warning = BUF_INIT(4000);
    if (!cJSON_IsArray(list) || !list->child || cJSON_GetArraySize(list) > BATCH_MAX) {
        answer_fault(req, FAULT_BAD_REQUEST, "urls", "urls: must be a list of 1 to %d URLs", BATCH_MAX);
        return;
    }
    cJSON *seed = cJSON_CreateObject(), *invalid = cJSON_CreateArray(), *urls = batch_urls(list, invalid);
    read_scrape_options(req->json, &warning);
    for (size_t i = 0; i < COUNT(crawl_fields); i++)
        if (crawl_fields[i].how == CANNOT) read_field(NULL, &crawl_fields[i], member(req->json, crawl_fields[i].name), &warning);
    if (!urls->child || (invalid->child && cJSON_IsFalse(member(req->json, "ignoreInvalidURLs")))) {
        answer_fault(req, FAULT_BAD_REQUEST, "urls", "urls: %.200s is no URL", cJSON_GetStringValue(invalid->child));
        cJSON_Delete(urls);
    } else {
        cJSON_AddItemToObject(seed, "urls", urls);
        cJSON_AddNumberToObject(seed, "depth", 0);
        cJSON_AddNumberToObject(seed, "limit", BATCH_MAX);
        char *text = cJSON_PrintUnformatted(invalid);
        if (invalid->child && text && strlen(text) < 8000) buf_addf(&req->note, ",\"invalidURLs\":%s", text);
        cJSON_free(text);
        add_note(req, "warning", &warning);
        ask(req, db, seed);
    }
    cJSON_Delete(invalid);
    cJSON_Delete(seed);
    buf_release(&warning);
}

/* ---- what came of it ---- */

/* A page p with article a and summary s, as their Document. Links are those of the article. */
#define DOCUMENT                                                                                                                             \
    "json_build_object('markdown', coalesce(a.markdown, a.text, ''), 'summary', s.text, 'links', (SELECT coalesce(json_agg(DISTINCT m[1]), " \
    "'[]') FROM regexp_matches(a.markdown, '\\]\\((https?://[^)\\s]+)', 'g') m), 'metadata', json_build_object('title', p.title, "           \
    "'description', p.excerpt, 'language', p.lang, 'ogSiteName', p.site, 'publishedTime', p.published, 'author', p.byline, "                 \
    "'sourceURL', p.url, 'url', p.url, 'statusCode', p.status, 'scrapeId', p.id::text, 'cachedAt', " SQL_TIME("p.ended_at") "))"
#define DOCUMENT_JOINS                                                                                                                     \
    "LEFT JOIN article a ON a.content_hash = p.content_hash "                                                                              \
    "LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash"

void fc_status(struct request *req, struct db *db)
{
    /* A page of the answer ends after 8 MiB, as their own do after 10 MB. $2: after this event; $3: or so many documents later; $4: so many. */
    static const struct pg_stmt stmt = {
        "gw_fc_status",
        "WITH c AS (SELECT * FROM crawl WHERE id = " SQL_FIND "), "
        "few AS MATERIALIZED (SELECT p.id, p.event, p.content_hash FROM page p WHERE (p.crawl_id, p.event) > ((SELECT id FROM c), $2) "
        "AND (p.crawl_id, p.event) <= ((SELECT id FROM c), 9223372036854775807) AND p.event IS NOT NULL AND p.content_hash IS NOT NULL "
        "AND (p.state = 'stored' OR p.code = 'UNCHANGED') ORDER BY p.crawl_id, p.event OFFSET $3 LIMIT $4 + 1), "
        "sized AS (SELECT f.*, row_number() OVER w AS n, sum(coalesce(octet_length(a.markdown), 0)) OVER w AS upto "
        "FROM few f LEFT JOIN article a ON a.content_hash = f.content_hash WINDOW w AS (ORDER BY f.event)), "
        "shown AS (SELECT * FROM sized WHERE n = 1 OR (n <= $4 AND upto <= 8388608)) "
        "SELECT json_build_object('success', true, 'status', CASE WHEN c.cancel_at IS NOT NULL THEN 'cancelled' WHEN c.state = 'running' "
        "THEN 'scraping' ELSE c.state::text END, 'total', c.open + c.stored + c.unchanged, 'completed', c.stored + c.unchanged, 'creditsUsed', "
        "c.stored, 'expiresAt', NULL, 'next', CASE WHEN (SELECT count(*) FROM few) > (SELECT count(*) FROM shown) "
        "THEN $5 || c.public_id || '?cursor=' || (SELECT max(event) FROM shown) || '&limit=' || $4 END, "
        "'data', coalesce((SELECT json_agg(" DOCUMENT " ORDER BY p.event) FROM shown JOIN page p ON p.id = shown.id " DOCUMENT_JOINS
        "), '[]')) FROM c"};
    static const struct pg_stmt request = {
        "gw_fc_request",
        "SELECT json_build_object('success', r.error IS NULL, 'status', CASE WHEN r.error IS NULL THEN 'scraping' ELSE 'failed' END, 'error', r.error, "
        "'total', 0, 'completed', 0, 'creditsUsed', 0, 'expiresAt', NULL, 'next', NULL, 'data', '[]'::json) FROM request r "
        "WHERE r.id = CASE WHEN $1 ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN $1::uuid END"};
    int64_t skip = 0, cursor = 0, limit = 100;
    if (!query_int(req, "skip", 0, 1000000000, &skip) || !query_int(req, "cursor", 0, INT64_MAX, &cursor) ||
        !query_int(req, "limit", 1, 1000, &limit))
        return;
    struct buf base = BUF_INIT(400);
    add_base(&base, req);
    buf_add_str(&base, is_batch(req) ? "/v2/batch/scrape/" : "/v2/crawl/");
    struct pg_params *p = db_begin(db);
    pg_add_text(p, req->args[0]);
    pg_add_int(p, cursor);
    pg_add_int(p, skip);
    pg_add_int(p, limit);
    pg_add_text(p, buf_str(&base));
    buf_release(&base);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return;
    bool found = pg_rows(r) > 0;
    if (found) answer_json(req, 200, pg_text(r, 0, 0));
    pg_result_free(r);
    if (found) return;
    pg_add_text(db_begin(db), req->args[0]);
    db_answer(req, db, &request, "there is no such crawl");
}

void fc_errors(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_fc_errors",
        "SELECT json_build_object('success', true, 'errors', coalesce((SELECT json_agg(json_build_object('id', p.id::text, 'timestamp', " SQL_TIME(
            "p.ended_at") ", 'url', p.url, 'code', p.code, 'error', coalesce(p.detail, p.code)) ORDER BY p.event) FROM (SELECT * FROM page "
                          "WHERE crawl_id = c.id AND state = 'error' ORDER BY event LIMIT 10000) p), '[]'), "
                          "'robotsBlocked', coalesce((SELECT json_agg(p.url ORDER BY p.event) FROM (SELECT * FROM page WHERE crawl_id = c.id "
                          "AND code = 'ROBOTS_DISALLOWED' ORDER BY event LIMIT 10000) p), '[]')) FROM crawl c WHERE c.id = " SQL_FIND};
    pg_add_text(db_begin(db), req->args[0]);
    db_answer(req, db, &stmt, "there is no such crawl");
}

void fc_active(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_fc_active",
        "SELECT json_build_object('success', true, 'crawls', coalesce(json_agg(json_build_object('id', c.public_id, 'teamId', 'gistmill', "
        "'url', c.seed, 'options', json_build_object('limit', c.max_pages, 'maxDiscoveryDepth', c.max_depth)) ORDER BY c.id), '[]')) "
        "FROM (SELECT * FROM crawl WHERE state = 'running' AND NOT is_inbox AND purge_at IS NULL ORDER BY id DESC LIMIT 1000) c"};
    db_begin(db);
    db_answer(req, db, &stmt, "none");
}

void fc_cancel(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_fc_cancel", "SELECT crawl_cancel(f.id) ->> 'state' FROM (SELECT crawl_find($1) AS id) f WHERE f.id IS NOT NULL"};
    pg_add_text(db_begin(db), req->args[0]);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return;
    if (pg_rows(r) == 0)
        answer_fault(req, FAULT_UNKNOWN, NULL, "there is no such crawl");
    else
        answer_json(req, 200, "{\"success\":true,\"status\":\"cancelled\"}");
    pg_result_free(r);
}

/* ---- one page ---- */

static const struct pg_stmt scrape_stmt = {
    "gw_fc_scrape",
    SQL_STATE_OF_URL "SELECT told, CASE told WHEN 'ready' THEN (SELECT json_build_object('success', true, 'data', " DOCUMENT
                     ") FROM x p " DOCUMENT_JOINS ") ELSE json_build_object('success', false, 'code', code, 'error', "
                     "coalesce(code, '') || coalesce(': ' || detail, ''), 'details', json_build_object('url', url)) END FROM x"};

static void answer_later(struct request *req)
{
    answer_json(req, 408,
                "{\"success\":false,\"code\":\"SCRAPE_TIMEOUT\",\"error\":\"the page is not ready yet; asking again goes on with it\","
                "\"details\":{\"state\":\"processing_continues\",\"retryAfterSeconds\":5}}");
    answer_header(req, "Retry-After", "5");
}

/* As the client wants it: a page that cannot be had is an error. The warning goes into the document. */
static void dress(struct request *req, enum told told)
{
    struct buf *body = &req->answer.body;
    if (told == TOLD_FAILED) req->answer.status = 422;
    if (told != TOLD_READY || !req->note.len || body->len < 2) return;
    buf_truncate(body, body->len - 1); /* the answer's brace; its last member is the document */
    body->data[body->len - 1] = ',';
    buf_addf(body, "%s}}", buf_str(&req->note) + 1);
}

/* req->digest: the request; req->other: the URL's hash; req->number: what is older does not count. */
static bool scrape_ready(struct request *req, struct db *db, bool last)
{
    struct taken taken;
    enum told told = TOLD_UNKNOWN;
    if (!request_taken(req, db, &taken)) return true;
    if (taken.is_taken) told = url_look(req, db, &scrape_stmt, &req->other, &req->digest, req->number);
    if (told == TOLD_FAULT) return true;
    if (told >= TOLD_FAILED) {
        dress(req, told);
        return true;
    }
    answer_clear(req);
    if (last) answer_later(req);
    return last;
}

void fc_scrape(struct request *req, struct db *db)
{
    const char *text = cJSON_GetStringValue(member(req->json, "url"));
    const cJSON *max_age = member(req->json, "maxAge");
    struct url url;
    int64_t timeout_ms = SCRAPE_MS;
    enum url_status status = text ? url_parse(text, &url) : URL_INVALID;
    if (status != URL_OK) {
        answer_fault(req, FAULT_BAD_REQUEST, "url", "url: %s", text ? url_status_text(status) : "missing, or no string");
        return;
    }
    if (!json_int(req, "timeout", 1, 86400000, &timeout_ms)) return;
    struct buf warning = BUF_INIT(4000);
    read_scrape_options(req->json, &warning);
    add_note(req, "warning", &warning);
    buf_release(&warning);
    req->other = digest_of(url.text, strlen(url.text));
    req->number = cJSON_IsNumber(max_age) && max_age->valuedouble == 0;
    if (!req->number) {
        enum told told = url_look(req, db, &scrape_stmt, &req->other, NULL, false);
        if (told == TOLD_READY) dress(req, told);
        if (told == TOLD_FAULT || told == TOLD_READY) return;
        answer_clear(req);
    }
    if (!request_page(req, db, url.text, req->number)) return;
    req->deadline_ms = clock_mono_ms() + (timeout_ms < SCRAPE_MAX ? timeout_ms : SCRAPE_MAX);
    if (!scrape_ready(req, db, false)) req->check = scrape_ready;
}
