/* Summaries by URL; contract in pages.h. GET never starts work, for any web page could make a browser send it; POST does. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/db.h"
#include "gateway/http.h"
#include "gateway/pages.h"
#include "gateway/requests.h"
#include "gateway/sql.h"
#include "gateway/watch.h"
#include "line/url.h"

#define WAIT_MAX_S 60
#define TAKEN_MS   3000

#define SUMMARY_READY                                                                                                                      \
    "json_build_object('success', true, 'state', told, 'url', url, 'page', id::text, 'crawl', public_id, 'summary', summary, "             \
    "'title', title, 'engine', engine, 'model', model, 'lang', lang, 'words', words, 'reason', reason, "                                   \
    "'createdAt', " SQL_TIME("summary_at") ")"

static const struct pg_stmt state_stmt = {
    "gw_summary", SQL_STATE_OF_URL
    "SELECT told, CASE told WHEN 'ready' THEN " SUMMARY_READY
    " WHEN 'failed' THEN json_build_object('success', true, 'state', told, 'url', url, 'page', id::text, 'crawl', public_id, "
    "'code', code, 'detail', detail, 'attempts', (SELECT count(*) FROM attempt a WHERE a.page_id = x.id), 'nextTry', NULL) "
    "ELSE json_build_object('success', true, 'state', told, 'article', told = 'pending', 'url', url, 'page', id::text, "
    "'crawl', public_id, 'stage', state, 'now', " SQL_NOW("x") ", 'why', (SELECT page_waits(p) ->> 'why' FROM page p WHERE p.id = x.id), "
                                                               "'nextTry', (SELECT " SQL_TIME(
                                                                   "d.due_at") " FROM delayed d WHERE d.page_id = x.id)) END FROM x"};

enum told url_look(struct request *req, struct db *db, const struct pg_stmt *stmt, const struct digest *hash, const struct digest *request,
                   bool only)
{
    struct pg_params *p = db_begin(db);
    pg_add_uuid(p, hash);
    pg_add_uuid(p, request);
    pg_add_bool(p, only);
    struct pg_result *r = db_run(req, db, stmt);
    if (!r) return TOLD_FAULT;
    enum told told = TOLD_UNKNOWN;
    if (pg_rows(r) > 0) {
        const char *state = pg_text(r, 0, 0);
        told = strcmp(state, "ready") == 0 ? TOLD_READY : strcmp(state, "failed") == 0 ? TOLD_FAILED : TOLD_UNDER_WAY;
        answer_json(req, told == TOLD_UNDER_WAY ? 202 : 200, pg_text(r, 0, 1));
    }
    pg_result_free(r);
    return told;
}

static void answer_unknown(struct request *req, const char *url)
{
    struct buf *body = &req->answer.body;
    answer_json(req, 404,
                "{\"success\":false,\"code\":\"UNKNOWN\",\"state\":\"unknown\",\"error\":\"nobody has asked for this URL; a POST does\","
                "\"details\":{\"post\":{\"method\":\"POST\",\"path\":\"/v1/summary\",\"body\":{\"url\":");
    json_quote(body, url);
    buf_add_str(body, "}}}}");
}

/* Most of what is asked for is there, and found with less than what tells everything. True: the answer is there. */
static bool ready_at_once(struct request *req, struct db *db, const struct digest *hash)
{
    static const struct pg_stmt stmt = {
        "gw_summary_ready",
        "SELECT " SUMMARY_READY " FROM (SELECT p.*, c.public_id, s.text AS summary, s.engine, s.model, s.created_at AS summary_at, "
        "'ready' AS told FROM page_known($1) p JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash "
        "JOIN crawl c ON c.id = p.crawl_id WHERE s.text IS NOT NULL AND p.code IS DISTINCT FROM 'REDIRECTED' "
        "ORDER BY p.state NOT IN ('registered', 'scheduled'), p.id DESC LIMIT 1) x"};
    pg_add_uuid(db_begin(db), hash);
    struct pg_result *r = db_run(req, db, &stmt);
    if (pg_rows(r) > 0) answer_json(req, 200, pg_text(r, 0, 0));
    pg_result_free(r);
    return req->answer.status != 0;
}

void summary_get(struct request *req, struct db *db)
{
    struct url url;
    if (!page_query_url(req, &url)) return;
    struct digest hash = digest_of(url.text, strlen(url.text));
    if (ready_at_once(req, db, &hash)) return;
    if (url_look(req, db, &state_stmt, &hash, NULL, false) == TOLD_UNKNOWN) answer_unknown(req, url.text);
}

/* ---- POST ---- */

static void answer_queued(struct request *req)
{
    answer_json(req, 202, "{\"success\":true,\"state\":\"running\",\"article\":false,\"stage\":\"queued\",\"page\":null,\"why\":null}");
}

/* req->digest: the request; req->other: the URL's hash; req->number: force; req->enough_ms: so long the client wants to wait. */
static bool summary_ready(struct request *req, struct db *db, bool last)
{
    struct taken taken;
    enum told told = TOLD_UNKNOWN;
    if (!request_taken(req, db, &taken)) return true;
    if (taken.is_taken) told = url_look(req, db, &state_stmt, &req->other, &req->digest, req->number);
    if (told == TOLD_FAULT || told >= TOLD_FAILED) return true;
    if (!last && !(taken.is_taken && clock_mono_ms() >= req->enough_ms)) {
        answer_clear(req);
        return false;
    }
    if (told == TOLD_UNKNOWN) answer_queued(req);
    return true;
}

void summary_post(struct request *req, struct db *db)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(req->json, "url"));
    struct url url;
    int64_t wait_s = 0;
    bool force = false;
    enum url_status status = text ? url_parse(text, &url) : URL_INVALID;
    if (status != URL_OK) {
        answer_fault(req, FAULT_BAD_REQUEST, "url", "url: %s", text ? url_status_text(status) : "missing, or no string");
        return;
    }
    if (!json_int(req, "wait", 0, WAIT_MAX_S, &wait_s) || !json_bool(req, "force", &force)) return;
    req->other = digest_of(url.text, strlen(url.text));
    req->number = force;
    if (!force) {
        enum told told = url_look(req, db, &state_stmt, &req->other, NULL, false);
        if (told == TOLD_FAULT || told == TOLD_READY) return;
        answer_clear(req);
    }
    if (!request_page(req, db, url.text, force)) return;
    req->enough_ms = clock_mono_ms() + wait_s * 1000;
    req->deadline_ms = wait_s * 1000 > TAKEN_MS ? req->enough_ms : clock_mono_ms() + TAKEN_MS;
    if (!summary_ready(req, db, false)) req->check = summary_ready;
}
