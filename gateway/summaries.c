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

/* What is known of a URL. $1: its hash. $2: the request that it was asked for with, or null; $3: only what came of that request counts.
 * A summary is taken wherever it is from; then what is under way, then the newest. Redirects are followed. */
#define STATE_OF_URL                                                                                                                           \
    "WITH RECURSIVE asked AS (SELECT r.at, r.crawl_id FROM request r WHERE r.id = $2), "                                                       \
    "known AS (SELECT p.id FROM page p LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash "              \
    "WHERE " SQL_KNOWN_BY(                                                                                                                     \
        "$1") " AND (NOT $3 OR p.crawl_id = (SELECT crawl_id FROM asked)) "                                                                    \
              "ORDER BY s.text IS NULL, p.state NOT IN ('registered', 'scheduled'), p.id DESC LIMIT 1), "                                      \
              "way AS (SELECT id, 0 AS hop FROM known UNION ALL SELECT p.redirect_id, hop + 1 FROM way JOIN page p ON p.id = way.id "          \
              "WHERE p.code = 'REDIRECTED' AND p.redirect_id IS NOT NULL AND hop < 20), "                                                      \
              "p AS (SELECT p.*, c.public_id, $3 AND (p.ended_at IS NULL OR p.ended_at < (SELECT at FROM asked)) AS old "                      \
              "FROM page p JOIN crawl c ON c.id = p.crawl_id WHERE p.id = (SELECT id FROM way ORDER BY hop DESC LIMIT 1)), "                   \
              "x AS (SELECT p.*, s.text AS summary, s.engine, s.model, s.created_at AS summary_at, "                                           \
              "CASE WHEN s.text IS NOT NULL AND NOT old THEN 'ready' "                                                                         \
              "WHEN old OR (p.state IN ('registered', 'scheduled') AND p.content_hash IS NULL) THEN 'running' "                                \
              "WHEN p.content_hash IS NOT NULL AND p.state IN ('registered', 'scheduled', 'stored') THEN 'pending' ELSE 'failed' END AS told " \
              "FROM p LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash) "

static const struct pg_stmt state_stmt = {
    "gw_summary", STATE_OF_URL
    "SELECT told, CASE told WHEN 'ready' THEN json_build_object('success', true, 'state', told, 'url', url, 'page', id::text, "
    "'crawl', public_id, 'summary', summary, 'title', title, 'engine', engine, 'model', model, 'lang', lang, 'words', words, "
    "'reason', reason, 'createdAt', " SQL_TIME(
        "summary_at") ") "
                      "WHEN 'failed' THEN json_build_object('success', true, 'state', told, 'url', url, 'page', id::text, 'crawl', public_id, "
                      "'code', code, 'detail', detail, 'attempts', (SELECT count(*) FROM attempt a WHERE a.page_id = x.id), 'nextTry', NULL) "
                      "ELSE json_build_object('success', true, 'state', told, 'article', told = 'pending', 'url', url, 'page', id::text, "
                      "'crawl', public_id, 'stage', state, 'why', (SELECT page_waits(p) ->> 'why' FROM page p WHERE p.id = x.id), "
                      "'nextTry', (SELECT " SQL_TIME("d.due_at") " FROM delayed d WHERE d.page_id = x.id)) END FROM x"};

enum told { TOLD_FAULT, TOLD_UNKNOWN, TOLD_UNDER_WAY, TOLD_FAILED, TOLD_READY };

/* Looks; the answer is there unless it is unknown. request: NULL, or one that has been taken. */
static enum told tell(struct request *req, struct db *db, const struct digest *hash, const struct digest *request, bool only)
{
    struct pg_params *p = db_begin(db);
    pg_add_uuid(p, hash);
    pg_add_uuid(p, request);
    pg_add_bool(p, only);
    struct pg_result *r = db_run(req, db, &state_stmt);
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

void summary_get(struct request *req, struct db *db)
{
    struct url url;
    if (!page_query_url(req, &url)) return;
    struct digest hash = digest_of(url.text, strlen(url.text));
    if (tell(req, db, &hash, NULL, false) == TOLD_UNKNOWN) answer_unknown(req, url.text);
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
    bool is_taken = taken.is_taken, refused = taken.error != NULL;
    if (refused) answer_fault(req, FAULT_BAD_REQUEST, *taken.field ? taken.field : NULL, "%s", taken.error);
    taken_release(&taken);
    if (refused) return true;
    if (is_taken) told = tell(req, db, &req->other, &req->digest, req->number);
    if (told == TOLD_FAULT || told >= TOLD_FAILED) return true;
    if (!last && !(is_taken && clock_mono_ms() >= req->enough_ms)) {
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
        enum told told = tell(req, db, &req->other, NULL, false);
        if (told == TOLD_FAULT || told == TOLD_READY) return;
        answer_clear(req);
    }
    struct wish wish = {.body = url.text, .express = true, .inbox = true, .force = force};
    if (!request_wish(req, db, &wish)) return;
    req->enough_ms = clock_mono_ms() + wait_s * 1000;
    req->deadline_ms = wait_s * 1000 > TAKEN_MS ? req->enough_ms : clock_mono_ms() + TAKEN_MS;
    if (!summary_ready(req, db, false)) req->check = summary_ready;
}
