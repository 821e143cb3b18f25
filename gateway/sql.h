/* What crawls and pages look like in JSON: written by PostgreSQL itself, so these are pieces of SQL. Contract in docs/API.md. */
#ifndef GM_GATEWAY_SQL_H
#define GM_GATEWAY_SQL_H

/* ISO 8601, UTC, milliseconds. */
#define SQL_TIME(t) "to_char(" t ", 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* The number of a crawl, by name ($1, as in crawl_find) or null. */
#define SQL_FIND "(SELECT crawl_find($1))"

/* A row c of crawl. why: an expression. It costs the same however large the crawl is. */
#define SQL_CRAWL_TIME(name, column) "'" name "', " SQL_TIME("c." column) ", "
/* Of those that are scheduled, where they are (n: the row of crawl_now, or none). It was counted up to a second ago; what has gone since is
 * taken from the front, so that the sum is always right. */
#define SQL_UPTO(sum) "least(c.scheduled, coalesce(" sum ", 0))"
#define SQL_FROM_S    "n.storing"
#define SQL_FROM_M    SQL_FROM_S " + n.summarizing"
#define SQL_FROM_A    SQL_FROM_M " + n.awaiting"
#define SQL_FROM_P    SQL_FROM_A " + n.parsing"
#define SQL_FROM_F    SQL_FROM_P " + n.fetching"
#define SQL_CRAWL_STAGES                                                                                                                                                  \
    "'queued', c.scheduled - " SQL_UPTO(SQL_FROM_F) ", 'fetching', " SQL_UPTO(SQL_FROM_F) " - " SQL_UPTO(SQL_FROM_P) ", 'parsing', " SQL_UPTO(SQL_FROM_P) " - " SQL_UPTO( \
        SQL_FROM_A) ", 'awaiting', " SQL_UPTO(SQL_FROM_A) " - " SQL_UPTO(SQL_FROM_M) ", 'summarizing', " SQL_UPTO(SQL_FROM_M) " - " SQL_UPTO(SQL_FROM_S) ", 'storing', " SQL_UPTO(SQL_FROM_S)
#define SQL_CRAWL_COUNTS                                                                                                                   \
    "json_build_object('admitted', c.admitted, 'registered', c.registered, 'scheduled', c.scheduled, " SQL_CRAWL_STAGES                    \
    ", 'stored', c.stored, 'skipped', c.skipped, 'error', c.errors, 'cancelled', c.cancelled)"
#define SQL_NO_COUNTS                                                                                                                      \
    "json_build_object('admitted', 0, 'registered', 0, 'scheduled', 0, 'queued', 0, 'fetching', 0, 'parsing', 0, 'awaiting', 0, "          \
    "'summarizing', 0, 'storing', 0, 'stored', 0, 'skipped', 0, 'error', 0, 'cancelled', 0)"
#define SQL_CRAWL_NEWS                                                                                                                     \
    "json_build_object('added', c.added, 'changed', c.changed, 'unchanged', c.unchanged, 'gone', c.gone, 'failed', c.failed)"
#define SQL_CRAWL_PACE                                                                                                                     \
    "'percent', CASE WHEN c.admitted > 0 THEN round(100.0 * (c.admitted - c.open) / c.admitted, 1) ELSE 0 END, "                           \
    "'ratePerMinute', round(r.rate::numeric, 1), 'etaSeconds', CASE WHEN c.open > 0 AND r.rate > 0.1 THEN round(60 * c.open / r.rate) END"
/* What models took for it; a call that has not come back is in the cost with what was reserved for it. Prices are configured in any currency;
 * the name of the field is the one that clients know. */
#define SQL_CRAWL_SPENT                                                                                                                    \
    "'tokens', json_build_object('prompt', coalesce(b.tokens_in, 0), 'cached', coalesce(b.tokens_cached, 0), 'completion', "               \
    "coalesce(b.tokens_out, 0)), 'costUsd', coalesce(round(b.price / 1e6, 6), 0)"

/* As it was sent, if it came through a gateway. */
#define SQL_CRAWL_REQUEST                                                                                                                  \
    "(SELECT CASE WHEN r.body LIKE '{%' THEN r.body::json END FROM request r WHERE r.crawl_id = c.id AND NOT c.is_inbox LIMIT 1)"
#define SQL_CRAWL(why)                                                                                                                     \
    "(SELECT json_build_object('id', c.public_id, 'number', c.id::text, 'seed', c.seed, 'state', crawl_state(c), 'scope', c.scope, "       \
    "'depth', c.max_depth, 'limit', c.max_pages, 'priority', c.priority, 'run', c.run, 'event', c.event, " SQL_CRAWL_TIME(                 \
        "createdAt", "created_at") SQL_CRAWL_TIME("startedAt", "started_at") SQL_CRAWL_TIME("finishedAt", "finished_at")                   \
        SQL_CRAWL_TIME("pausedAt",                                                                                                         \
                       "paused_at") "'counts', " SQL_CRAWL_COUNTS ", 'news', " SQL_CRAWL_NEWS ", " SQL_CRAWL_SPENT ", " SQL_CRAWL_PACE     \
                                    ", 'why', " why ", 'error', NULL, 'rules', c.rules, 'request', " SQL_CRAWL_REQUEST                     \
                                    ") FROM (SELECT crawl_rate(c) AS rate OFFSET 0) r "                                                    \
                                    "LEFT JOIN budget b ON b.scope = 'crawl ' || c.id LEFT JOIN crawl_now n ON n.crawl_id = c.id)"

/* How far a page has come, as its times tell: p is a row of page. */
#define SQL_STAGE                                                                                                                          \
    "CASE WHEN p.state <> 'scheduled' THEN p.state::text WHEN p.calculated_at >= p.scheduled_at THEN 'calculated' "                        \
    "WHEN p.parsed_at >= p.scheduled_at THEN 'parsed' WHEN p.fetched_at >= p.scheduled_at THEN 'fetched' "                                 \
    "WHEN p.taken_at >= p.scheduled_at THEN 'taken' ELSE 'scheduled' END"

/* Where a page is now that is under way, as the programs told last; else null. row: of page. */
#define SQL_NOW(row)                                                                                                                       \
    "CASE WHEN " row ".state = 'scheduled' THEN coalesce((SELECT json_build_object('stage', w.stage, 'since', " SQL_TIME(                  \
        "w.since") ") FROM page_now w WHERE w.page_id = " row ".id), json_build_object('stage', 'queued', 'since', NULL)) END"

#define SQL_TIME_OF(name) "'" name "', " SQL_TIME("p." name "_at") ", "
#define SQL_TIMES                                                                                                                          \
    "json_build_object(" SQL_TIME_OF("registered") SQL_TIME_OF("scheduled") SQL_TIME_OF("taken") SQL_TIME_OF("fetched")                    \
        SQL_TIME_OF("parsed")                                                                                                              \
            SQL_TIME_OF("calculated") "CASE WHEN p.state = 'stored' THEN 'stored' ELSE 'ended' END, " SQL_TIME("p.ended_at") ")"

/* The members of a page's object; p and c (its crawl) are rows. */
#define SQL_PAGE_MEMBERS                                                                                                                   \
    "'id', p.id::text, 'crawl', c.public_id, 'url', p.url, 'depth', p.depth, "                                                             \
    "'parent', (SELECT q.url FROM page q WHERE q.id = p.parent_id), 'state', p.state, 'stage', " SQL_STAGE                                 \
    ", 'code', p.code, 'detail', p.detail, 'status', p.status, 'attempts', (SELECT count(*) FROM attempt a WHERE a.page_id = p.id), "      \
    "'bytes', p.bytes, 'words', p.words, 'title', p.title, 'lang', p.lang, 'news', p.news, 'event', p.event, 'times', " SQL_TIMES
#define SQL_PAGE "json_build_object(" SQL_PAGE_MEMBERS ")"

/* What is known of a URL. $1: its hash. $2: the request that it was asked for with, or null; $3: only what came of that request counts.
 * A summary is taken wherever it is from; then what is under way, then the newest. Redirects are followed. */
#define SQL_STATE_OF_URL                                                                                                                    \
    "WITH RECURSIVE asked AS (SELECT r.at, r.crawl_id FROM request r WHERE r.id = $2), "                                                    \
    "known AS (SELECT p.id FROM page_known($1) p LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash " \
    "WHERE (NOT $3 OR p.crawl_id = (SELECT crawl_id FROM asked)) "                                                                          \
    "ORDER BY s.text IS NULL, p.state NOT IN ('registered', 'scheduled'), p.id DESC LIMIT 1), "                                             \
    "way AS (SELECT id, 0 AS hop FROM known UNION ALL SELECT p.redirect_id, hop + 1 FROM way JOIN page p ON p.id = way.id "                 \
    "WHERE p.code = 'REDIRECTED' AND p.redirect_id IS NOT NULL AND hop < 20), "                                                             \
    "p AS (SELECT p.*, c.public_id, $3 AND (p.ended_at IS NULL OR p.ended_at < (SELECT at FROM asked)) AS old "                             \
    "FROM page p JOIN crawl c ON c.id = p.crawl_id WHERE p.id = (SELECT id FROM way ORDER BY hop DESC LIMIT 1)), "                          \
    "x AS (SELECT p.*, s.text AS summary, s.engine, s.model, s.created_at AS summary_at, "                                                  \
    "CASE WHEN s.text IS NOT NULL AND NOT old THEN 'ready' "                                                                                \
    "WHEN EXISTS (SELECT FROM awaited w WHERE w.page_id = p.id) AND NOT old THEN 'pending' "                                                \
    "WHEN old OR (p.state IN ('registered', 'scheduled') AND p.content_hash IS NULL) THEN 'running' "                                       \
    "WHEN p.content_hash IS NOT NULL AND p.state IN ('registered', 'scheduled', 'stored') THEN 'pending' ELSE 'failed' END AS told "        \
    "FROM p LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash) "

#endif
