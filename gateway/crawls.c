/* /v1/crawl; contract in crawls.h. */
#include "gateway/crawls.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "gateway/db.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/requests.h"
#include "gateway/sql.h"
#include "gateway/watch.h"

#define WHYS_KEPT 64
#define WHY_MS    500
#define TAKEN_MS  3000 /* a writer mostly takes a request at once; if none is there, the answer does not wait for it */

static const char NO_CRAWL[] = "there is no such crawl";

/* ---- asking for one ---- */

/* Said of a request once a writer has taken it, or when the time is up. */
static bool crawl_taken(struct request *req, struct db *db, bool last)
{
    struct taken taken;
    if (!request_taken(req, db, &taken)) return true;
    bool ready = taken.is_taken || last;
    if (ready) {
        char json[300];
        snprintf(json, sizeof json, "{\"success\":true,\"id\":\"%s\",\"url\":\"/v1/crawl/%s\",\"state\":\"%s\"}", taken.id, taken.id,
                 taken.is_taken ? "running" : "queued");
        answer_json(req, 200, json);
        answer_header(req, "Location", "/v1/crawl/%s", taken.id);
    }
    return ready;
}

/* Parks a request whose wish was written down until a writer has taken it. */
static void crawl_await(struct request *req, struct db *db)
{
    req->deadline_ms = clock_mono_ms() + TAKEN_MS;
    if (!crawl_taken(req, db, false)) req->check = crawl_taken;
}

void crawl_post(struct request *req, struct db *db)
{
    const cJSON *url = cJSON_GetObjectItemCaseSensitive(req->json, "url");
    const cJSON *priority = cJSON_GetObjectItemCaseSensitive(req->json, "priority");
    if (!url && !cJSON_GetObjectItemCaseSensitive(req->json, "urls")) {
        answer_fault(req, FAULT_BAD_REQUEST, "url", "url: missing");
        return;
    }
    /* All else that may be wrong is known to the writer, which says so in its own words. */
    char *body = cJSON_PrintUnformatted(req->json);
    struct wish wish = {.body = body, .express = cJSON_IsNumber(priority) && priority->valuedouble < 0};
    if (!body || strlen(body) > REQUEST_BODY_MAX)
        answer_fault(req, FAULT_TOO_LARGE, NULL, "a request has at most %u bytes", REQUEST_BODY_MAX);
    else if (request_wish(req, db, &wish))
        crawl_await(req, db);
    cJSON_free(body);
}

/* Single pages: a list that belongs to no crawl of its own. */
void inbox_post(struct request *req, struct db *db)
{
    const cJSON *urls = cJSON_GetObjectItemCaseSensitive(req->json, "urls");
    bool express = false;
    if (!urls) {
        answer_fault(req, FAULT_BAD_REQUEST, "urls", "urls: missing");
        return;
    }
    if (!json_bool(req, "express", &express)) return;
    cJSON *seed = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(seed, "urls", (cJSON *)urls);
    char *body = cJSON_PrintUnformatted(seed);
    struct wish wish = {.body = body, .express = express, .inbox = true};
    if (!body || strlen(body) > REQUEST_BODY_MAX)
        answer_fault(req, FAULT_TOO_LARGE, NULL, "a request has at most %u bytes", REQUEST_BODY_MAX);
    else if (request_wish(req, db, &wish))
        crawl_await(req, db);
    cJSON_free(body);
    cJSON_Delete(seed);
}

/* ---- looking ---- */

static const char CRAWL_DATA[] = "SELECT json_build_object('success', true, 'data', " SQL_CRAWL("crawl_why(c)") ") FROM crawl c "
                                                                                                                "WHERE c.id = " SQL_FIND;

/* A request that no writer has taken, or has refused, is a crawl that is queued, or has failed. */
static const char REQUEST_DATA[] =
    "SELECT json_build_object('success', true, 'data', json_build_object('id', r.id, 'number', NULL, 'seed', "
    "CASE WHEN r.body LIKE '{%' THEN r.body::json ->> 'url' ELSE split_part(r.body, E'\\n', 1) END, "
    "'state', CASE WHEN r.error IS NULL THEN 'queued' ELSE 'failed' END, 'createdAt', " SQL_TIME(
        "r.at") ", 'counts', " SQL_NO_COUNTS
                ", 'news', json_build_object('added', 0, 'changed', 0, 'unchanged', 0, 'gone', 0, 'failed', 0), "
                "'tokens', json_build_object('prompt', 0, 'cached', 0, 'completion', 0), 'costUsd', 0, 'percent', 0, 'ratePerMinute', 0, 'etaSeconds', NULL, 'why', CASE WHEN r.error IS NULL THEN 'no writer has taken the request' "
                "END, 'error', r.error)) FROM request r "
                "WHERE r.id = CASE WHEN $1 ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN $1::uuid END";

/* A UUID in its usual form. */
static bool uuid_parse(const char *text, struct digest *id_r)
{
    char hex[DIGEST_HEX];
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        bool dash = p - text == 8 || p - text == 13 || p - text == 18 || p - text == 23;
        if (dash != (*p == '-') || p - text > 35) return false;
        if (!dash) hex[n++] = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
    }
    hex[n] = '\0';
    return digest_parse(hex, id_r) == 0;
}

/* Why a crawl that runs does not go faster takes more to find out than all the rest, and many may ask: it is asked for twice a second. */
static struct {
    pthread_mutex_t lock;
    struct why {
        char crawl[ARG_MAX_BYTES];
        char text[300]; /* "": it does */
        int64_t until_ms;
    } rows[WHYS_KEPT];
} whys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct why *why_of(const char *crawl)
{
    struct digest digest = digest_of(crawl, strlen(crawl));
    return &whys.rows[digest.bytes[0] % WHYS_KEPT];
}

/* False: the answer is there. */
static bool find_why(struct request *req, struct db *db, struct why *why_r)
{
    static const struct pg_stmt stmt = {"gw_why",
                                        "SELECT crawl_why(c) FROM crawl c WHERE c.id = " SQL_FIND " AND crawl_state(c) = 'running'"};
    const char *crawl = req->args[0];
    int64_t now = clock_mono_ms();
    pthread_mutex_lock(&whys.lock);
    *why_r = *why_of(crawl);
    bool known = strcmp(why_r->crawl, crawl) == 0 && why_r->until_ms > now;
    if (!known && strcmp(why_r->crawl, crawl) == 0)
        why_of(crawl)->until_ms = now + WHY_MS; /* others take the old one while this one asks */
    pthread_mutex_unlock(&whys.lock);
    if (known) return true;
    pg_add_text(db_begin(db), crawl);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return false;
    snprintf(why_r->crawl, sizeof why_r->crawl, "%s", crawl);
    snprintf(why_r->text, sizeof why_r->text, "%s", pg_rows(r) > 0 ? pg_text(r, 0, 0) : "");
    why_r->text[utf8_floor(why_r->text, strlen(why_r->text))] = '\0';
    why_r->until_ms = clock_mono_ms() + WHY_MS;
    pg_result_free(r);
    pthread_mutex_lock(&whys.lock);
    *why_of(crawl) = *why_r;
    pthread_mutex_unlock(&whys.lock);
    return true;
}

/* What a crawl that does not run waits for is known at once. */
#define CRAWL_AS_KNOWN(find)                                                                                                               \
    "SELECT json_build_object('success', true, 'data', " SQL_CRAWL("CASE WHEN crawl_state(c) = 'running' THEN nullif($2, '') "             \
                                                                   "ELSE crawl_why(c) END") ") FROM crawl c WHERE " find

void crawl_get(struct request *req, struct db *db)
{
    static const struct pg_stmt by_id = {"gw_crawl_id", CRAWL_AS_KNOWN("c.public_id = $1 AND c.purge_at IS NULL")};
    static const struct pg_stmt by_name = {"gw_crawl", CRAWL_AS_KNOWN("c.id = " SQL_FIND)}, request = {"gw_crawl_request", REQUEST_DATA};
    struct digest id;
    struct why why;
    bool is_id = uuid_parse(req->args[0], &id), found = false;
    if (!find_why(req, db, &why)) return;
    for (int i = is_id ? 0 : 1; i < 2 && !found; i++) {
        struct pg_params *p = db_begin(db);
        if (i == 0)
            pg_add_uuid(p, &id);
        else
            pg_add_text(p, req->args[0]);
        pg_add_text(p, why.text);
        struct pg_result *r = db_run(req, db, i == 0 ? &by_id : &by_name);
        if (!r) return;
        found = pg_rows(r) > 0;
        if (found) answer_json(req, 200, pg_text(r, 0, 0));
        pg_result_free(r);
    }
    if (found) return;
    pg_add_text(db_begin(db), req->args[0]);
    db_answer(req, db, &request, NO_CRAWL);
}

static bool known_state(struct request *req, const char *state)
{
    static const char *const states[] = {"running", "paused", "cancelling", "completed", "cancelled"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!state || strcmp(state, states[i]) == 0) return true;
    answer_fault(req, FAULT_BAD_REQUEST, "state", "state: must be running, paused, cancelling, completed or cancelled");
    return false;
}

void crawl_list(struct request *req, struct db *db)
{
    const char *state = request_query(req, "state");
    if (state && !*state) state = NULL;
    if (!known_state(req, state)) return;
    static const struct pg_stmt stmt = {
        "gw_crawls",
        "WITH found AS (SELECT * FROM crawl WHERE id < $1 AND purge_at IS NULL AND ($2 IS NULL OR crawl_state(crawl) = $2) ORDER BY id DESC LIMIT $3::int + 1), "
        "shown AS (SELECT * FROM found ORDER BY id DESC LIMIT $3) "
        "SELECT json_build_object('success', true, 'data', coalesce((SELECT json_agg(" SQL_CRAWL(
            "NULL::text") " ORDER BY c.id DESC) FROM shown c), '[]'), "
                          "'next', CASE WHEN (SELECT count(*) FROM found) > $3 THEN (SELECT min(id)::text FROM shown) END)"};
    int64_t limit = 50, cursor = INT64_MAX;
    if (!query_int(req, "limit", 1, 1000, &limit) || !query_int(req, "cursor", 1, INT64_MAX, &cursor)) return;
    struct pg_params *p = db_begin(db);
    pg_add_int(p, cursor);
    pg_add_text(p, state);
    pg_add_int(p, limit);
    db_answer(req, db, &stmt, NO_CRAWL);
}

void crawl_active(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_active",
        "SELECT json_build_object('success', true, 'crawls', coalesce(json_agg(" SQL_CRAWL(
            "NULL::text") " ORDER BY c.id DESC), '[]')) FROM (SELECT * FROM crawl WHERE state = 'running' AND NOT is_inbox AND purge_at IS NULL "
                          "ORDER BY id DESC LIMIT 1000) c"};
    db_begin(db);
    db_answer(req, db, &stmt, NO_CRAWL);
}

/* ---- steering ---- */

/* Calls a function of sql/ for the crawl, then answers with the crawl as it is. more: what it said beside. */
#define STEER(call)                                                                                                                        \
    "WITH done AS MATERIALIZED (SELECT " call " AS said FROM (SELECT crawl_find($1) AS id) f WHERE f.id IS NOT NULL) SELECT said FROM done"

static bool steer(struct request *req, struct db *db, const struct pg_stmt *stmt)
{
    struct pg_params *p = db_begin(db);
    pg_add_text(p, req->args[0]);
    struct pg_result *r = db_run(req, db, stmt);
    bool found = pg_rows(r) > 0;
    if (r && !found) answer_fault(req, FAULT_UNKNOWN, NULL, "%s", NO_CRAWL);
    pg_result_free(r);
    return found;
}

static void steer_and_tell(struct request *req, struct db *db, const struct pg_stmt *stmt)
{
    if (!steer(req, db, stmt)) return;
    pg_add_text(db_begin(db), req->args[0]); /* a statement of its own: it sees what the first has done */
    static const struct pg_stmt crawl = {"gw_crawl_after", CRAWL_DATA};
    db_answer(req, db, &crawl, NO_CRAWL);
}

void crawl_pause(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {"gw_pause", STEER("crawl_pause(f.id)")};
    steer_and_tell(req, db, &stmt);
}

void crawl_resume(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {"gw_resume", STEER("crawl_resume(f.id)")};
    steer_and_tell(req, db, &stmt);
}

void crawl_cancel(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {"gw_cancel", STEER("crawl_cancel(f.id)")};
    steer_and_tell(req, db, &stmt);
}

void crawl_recrawl(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {"gw_recrawl", STEER("crawl_recrawl(f.id)")};
    steer_and_tell(req, db, &stmt);
}

void crawl_retry(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_retry", "SELECT crawl_retry(f.id, $2) ->> 'retried' FROM (SELECT crawl_find($1) AS id) f WHERE f.id IS NOT NULL"};
    static const struct pg_stmt tell = {"gw_retried", "SELECT json_build_object('success', true, 'retried', $2, 'data', " SQL_CRAWL(
                                                          "crawl_why(c)") ") FROM crawl c WHERE c.id = " SQL_FIND};
    const char *code = request_query(req, "code");
    struct pg_params *p = db_begin(db);
    pg_add_text(p, req->args[0]);
    pg_add_text(p, code && *code ? code : NULL);
    struct pg_result *r = db_run(req, db, &stmt);
    if (!r) return;
    int64_t retried = pg_rows(r) > 0 ? pg_int(r, 0, 0) : -1;
    pg_result_free(r);
    p = db_begin(db);
    pg_add_text(p, req->args[0]);
    pg_add_int(p, retried);
    db_answer(req, db, &tell, NO_CRAWL);
}

void crawl_delete(struct request *req, struct db *db)
{
    static const struct pg_stmt cancel = {"gw_cancel_delete", STEER("crawl_cancel(f.id)")};
    static const struct pg_stmt purge = {"gw_purge", STEER("crawl_delete(f.id)")};
    bool do_purge = false;
    if (!query_bool(req, "purge", &do_purge)) return;
    if (!steer(req, db, do_purge ? &purge : &cancel)) return;
    answer_json(req, 200, do_purge ? "{\"success\":true,\"status\":\"deleted\"}" : "{\"success\":true,\"status\":\"cancelled\"}");
}
