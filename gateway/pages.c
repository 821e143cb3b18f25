/* Pages; contract in pages.h. */
#include "gateway/pages.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/db.h"
#include "gateway/http.h"
#include "gateway/sql.h"
#include "line/url.h"

static const char NO_PAGE[] = "there is no such page";

/* ---- lists ---- */

/* The two orders of a list, with the same parameters: crawl, state, code, q, depth, cursor, limit. A page that has ended has a number that
 * only grows (event), so the second order goes through an index. */
#define PAGE_LIST(key, compare, order)                                                                                                     \
    "WITH found AS MATERIALIZED (SELECT p.* FROM page p WHERE p.crawl_id = crawl_find($1) AND p." key " " compare " $6 "                   \
    "AND ($2::text IS NULL OR p.state = $2::page_state) AND ($3::text IS NULL OR p.code = $3) AND ($5 < 0 OR p.depth = $5) "               \
    "AND ($4::text IS NULL OR position(lower($4) IN lower(p.url)) > 0 OR position(lower($4) IN lower(p.title)) > 0) "                      \
    "ORDER BY p." key " " order " LIMIT $7::int + 1), "                                                                                    \
    "p AS (SELECT * FROM found ORDER BY " key " " order " LIMIT $7::int) "                                                                 \
    "SELECT json_build_object('success', true, 'data', coalesce((SELECT json_agg(" SQL_PAGE " ORDER BY p." key " " order ") "              \
    "FROM p JOIN crawl c ON c.id = p.crawl_id), '[]'), 'next', CASE WHEN (SELECT count(*) FROM found) > $7::int "                          \
    "THEN (SELECT p." key "::text FROM p ORDER BY p." key " " order " OFFSET $7::int - 1) END), crawl_find($1) IS NULL"

static const struct {
    const char *name;
    struct pg_stmt stmt;
    bool down;
} orders[] = {
    {"id", {"gw_pages", PAGE_LIST("id", ">", "")}, false},
    {"-ended", {"gw_pages_ended", PAGE_LIST("event", "<", "DESC")}, true},
};

static bool known_state(struct request *req, const char *state)
{
    static const char *const states[] = {"registered", "scheduled", "stored", "skipped", "error", "cancelled"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!state || strcmp(state, states[i]) == 0) return true;
    answer_fault(req, FAULT_BAD_REQUEST, "state", "state: must be registered, scheduled, stored, skipped, error or cancelled");
    return false;
}

/* A parameter that is empty counts as not there: forms send such. */
static const char *text_of(const struct request *req, const char *name)
{
    const char *value = request_query(req, name);
    return value && *value ? value : NULL;
}

void page_list(struct request *req, struct db *db)
{
    const char *sort = text_of(req, "sort"), *state = text_of(req, "state");
    size_t i = 0;
    while (sort && i < 2 && strcmp(sort, orders[i].name) != 0) i++;
    if (i == 2) {
        answer_fault(req, FAULT_BAD_REQUEST, "sort", "sort: must be id or -ended");
        return;
    }
    int64_t limit = 100, depth = -1, cursor = orders[i].down ? INT64_MAX : 0;
    if (!known_state(req, state) || !query_int(req, "limit", 1, 1000, &limit) || !query_int(req, "depth", 0, 1000000, &depth) ||
        !query_int(req, "cursor", 0, INT64_MAX, &cursor))
        return;
    struct pg_params *p = db_begin(db);
    pg_add_text(p, req->args[0]);
    pg_add_text(p, state);
    pg_add_text(p, text_of(req, "code"));
    pg_add_text(p, text_of(req, "q"));
    pg_add_int(p, depth);
    pg_add_int(p, cursor);
    pg_add_int(p, limit);
    struct pg_result *r = db_run(req, db, &orders[i].stmt);
    if (!r) return;
    if (pg_bool(r, 0, 1))
        answer_fault(req, FAULT_UNKNOWN, NULL, "there is no such crawl");
    else
        answer_json(req, 200, pg_text(r, 0, 0));
    pg_result_free(r);
}

/* ---- one page ---- */

#define PAGE_DATA                                                                                                                                                       \
    "SELECT json_build_object('success', true, 'data', json_build_object(" SQL_PAGE_MEMBERS                                                                             \
    ", 'byline', p.byline, 'published', p.published, 'site', p.site, 'excerpt', p.excerpt, 'canonical', p.canonical, "                                                  \
    "'redirect', (SELECT q.url FROM page q WHERE q.id = p.redirect_id), 'engine', s.engine, 'model', s.model, 'reason', p.reason, "                                     \
    "'summary', s.text, 'summaryAt', " SQL_TIME(                                                                                                                        \
        "s.created_at") ", 'article', a.text, 'markdown', a.markdown, "                                                                                                 \
                        "'tokens', CASE WHEN s.text IS NOT NULL THEN json_build_object('prompt', s.tokens_in, 'completion', s.tokens_out) END, "                        \
                        "'costUsd', (SELECT round(sum(l.price) / 1e6, 6) FROM llm_call l WHERE l.content_hash = s.content_hash AND l.recipe_hash = s.recipe_hash), "    \
                        "'attemptsLog', (SELECT coalesce(json_agg(json_build_object('at', " SQL_TIME(                                                                   \
                            "t.at") ", 'release', t.release, 'code', t.code, "                                                                                          \
                                    "'detail', t.detail, 'status', t.status, 'bytes', t.bytes, 'ms', t.ms) ORDER BY t.at, t.release), '[]') "                           \
                                    "FROM (SELECT * FROM attempt WHERE page_id = p.id ORDER BY at DESC LIMIT 100) t), 'why', page_waits(p) ->> 'why', 'now', " SQL_NOW( \
                                        "p") ", "                                                                                                                       \
                                             "'way', page_way(p))) "
#define PAGE_JOINS                                                                                                                         \
    "JOIN crawl c ON c.id = p.crawl_id LEFT JOIN article a ON a.content_hash = p.content_hash "                                            \
    "LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash"

void page_get(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {"gw_page", PAGE_DATA "FROM page p " PAGE_JOINS
                                                             " WHERE p.id = CASE WHEN $1 ~ '^[0-9]{1,18}$' THEN $1::bigint END"};
    pg_add_text(db_begin(db), req->args[0]);
    db_answer(req, db, &stmt, NO_PAGE);
}

bool page_query_url(struct request *req, struct url *url_r)
{
    const char *text = request_query(req, "url");
    enum url_status status = text ? url_parse(text, url_r) : URL_INVALID;
    if (status == URL_OK) return true;
    answer_fault(req, FAULT_BAD_REQUEST, "url", "url: %s", text ? url_status_text(status) : "missing");
    return false;
}

void page_by_url(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_page_url",
        "WITH known AS (SELECT p.id FROM page_known($1) p WHERE ($2::text IS NULL OR p.crawl_id = crawl_find($2)) "
        "ORDER BY p.content_hash IS NULL, p.id DESC LIMIT 1) " PAGE_DATA "FROM page p " PAGE_JOINS " WHERE p.id = (SELECT id FROM known)"};
    struct url url;
    if (!page_query_url(req, &url)) return;
    struct digest hash = digest_of(url.text, strlen(url.text));
    struct pg_params *p = db_begin(db);
    pg_add_uuid(p, &hash);
    pg_add_text(p, text_of(req, "crawl"));
    db_answer(req, db, &stmt, NO_PAGE);
}

void page_explain(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {"gw_explain",
                                        "SELECT json_build_object('success', true, 'data', page_explain($1, CASE WHEN $2 IS NULL "
                                        "THEN NULL ELSE coalesce(crawl_find($2), -1) END))"};
    struct url url;
    if (!page_query_url(req, &url)) return;
    struct pg_params *p = db_begin(db);
    pg_add_text(p, url.text);
    pg_add_text(p, text_of(req, "crawl"));
    db_answer(req, db, &stmt, NO_PAGE);
}
