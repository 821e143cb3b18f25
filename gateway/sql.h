/* What crawls and pages look like in JSON: written by PostgreSQL itself, so these are pieces of SQL. Contract in docs/API.md. */
#ifndef GM_GATEWAY_SQL_H
#define GM_GATEWAY_SQL_H

/* ISO 8601, UTC, milliseconds. */
#define SQL_TIME(t) "to_char(" t ", 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* The number of a crawl, by name ($1, as in crawl_find) or null. */
#define SQL_FIND "(SELECT crawl_find($1))"

/* A row c of crawl. why: an expression. It costs the same however large the crawl is. */
#define SQL_CRAWL_TIME(name, column) "'" name "', " SQL_TIME("c." column) ", "
#define SQL_CRAWL_COUNTS                                                                                                                   \
    "json_build_object('admitted', c.admitted, 'registered', c.registered, 'scheduled', c.scheduled, 'fetching', least(c.scheduled, "      \
    "coalesce((SELECT n.fetching FROM crawl_now n WHERE n.crawl_id = c.id), 0)), 'stored', c.stored, 'skipped', c.skipped, "               \
    "'error', c.errors, 'cancelled', c.cancelled)"
#define SQL_CRAWL_NEWS                                                                                                                     \
    "json_build_object('added', c.added, 'changed', c.changed, 'unchanged', c.unchanged, 'gone', c.gone, 'failed', c.failed)"
#define SQL_CRAWL_PACE                                                                                                                     \
    "'percent', CASE WHEN c.admitted > 0 THEN round(100.0 * (c.admitted - c.open) / c.admitted, 1) ELSE 0 END, "                           \
    "'ratePerMinute', round(crawl_rate(c)::numeric, 1), 'etaSeconds', CASE WHEN c.open > 0 AND crawl_rate(c) > 0.1 "                       \
    "THEN round(60 * c.open / crawl_rate(c)) END"
#define SQL_CRAWL(why)                                                                                                                     \
    "json_build_object('id', c.public_id, 'number', c.id::text, 'seed', c.seed, 'state', crawl_state(c), 'scope', c.scope, "               \
    "'depth', c.max_depth, 'limit', c.max_pages, 'priority', c.priority, 'run', c.run, 'event', c.event, " SQL_CRAWL_TIME(                 \
        "createdAt", "created_at") SQL_CRAWL_TIME("startedAt", "started_at") SQL_CRAWL_TIME("finishedAt", "finished_at")                   \
        SQL_CRAWL_TIME("pausedAt", "paused_at") "'counts', " SQL_CRAWL_COUNTS ", 'news', " SQL_CRAWL_NEWS ", " SQL_CRAWL_PACE              \
                                                ", 'why', " why ", 'error', NULL, 'rules', c.rules)"

/* The end of a page as people see it: p is a row of page. */
#define SQL_STAGE                                                                                                                          \
    "CASE WHEN p.state <> 'scheduled' THEN p.state::text WHEN p.calculated_at >= p.scheduled_at THEN 'calculated' "                        \
    "WHEN p.parsed_at >= p.scheduled_at THEN 'parsed' WHEN p.fetched_at >= p.scheduled_at THEN 'fetched' "                                 \
    "WHEN p.taken_at >= p.scheduled_at THEN 'taken' ELSE 'scheduled' END"

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

#endif
