/* Search and state; contract in whole.h. */
#include "gateway/whole.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "gateway/db.h"
#include "gateway/gateway.h"
#include "gateway/http.h"
#include "gateway/sql.h"

#define SKIP_MAX 5000 /* results of a search that are ranked */

void search_get(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_search",
        "WITH f AS MATERIALIZED (SELECT s.*, row_number() OVER () AS n FROM search($1, CASE WHEN $2::text IS NULL THEN NULL ELSE coalesce(crawl_find($2), -1) END, $3::int + 1, $4::int) s), "
        "i AS (SELECT (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'article_search'::regclass) AS indexed) "
        "SELECT json_build_object('success', true, 'data', coalesce((SELECT json_agg(json_build_object('page', f.page_id::text, 'url', f.url, "
        "'title', f.title, 'snippet', f.snippet, 'lang', f.lang, 'crawl', c.public_id) ORDER BY f.n) FROM f JOIN crawl c ON c.id = f.crawl_id "
        "WHERE f.n <= $3), '[]'), 'indexed', (SELECT indexed FROM i), 'waiting', search_waiting(), "
        "'next', CASE WHEN (SELECT count(*) FROM f) > $3 THEN ($4 + $3)::text END)"};
    const char *q = request_query(req, "q"), *crawl = request_query(req, "crawl");
    int64_t limit = 20, cursor = 0;
    if (!q || !*q || strlen(q) > 1000) {
        answer_fault(req, FAULT_BAD_REQUEST, "q", "q: %s", q && *q ? "longer than 1000 bytes" : "missing");
        return;
    }
    if (!query_int(req, "limit", 1, 99, &limit) || !query_int(req, "cursor", 0, SKIP_MAX, &cursor)) return;
    struct pg_params *p = db_begin(db);
    pg_add_text(p, q);
    pg_add_text(p, crawl && *crawl ? crawl : NULL);
    pg_add_int(p, limit);
    pg_add_int(p, cursor);
    db_answer(req, db, &stmt, "nothing");
}

/* As a summarizer says (012_stages.sql), of several the one that is worst off; else as the last summary tells. */
#define STATUS_MODEL                                                                                                                                                                                                                         \
    "(SELECT json_build_object('engine', coalesce(m.model ->> 'engine', l.engine), 'model', CASE WHEN m.model IS NULL THEN l.model ELSE "                                                                                                    \
    "m.model ->> 'model' END, 'circuit', m.model ->> 'circuit', 'since', " SQL_TIME(                                                                                                                                                         \
        "ms_time(m.model -> 'since')") ", 'fault', "                                                                                                                                                                                         \
                                       "nullif(m.model ->> 'fault', ''), 'faultAt', " SQL_TIME("ms_time(m.model -> 'fault_at')") ", 'nextProbe', " SQL_TIME(                                                                                 \
                                           "ms_time(m.model -> 'probe_at')") ", 'budget', json_build_object('tokens', coalesce(b.tokens, 0), 'tokensLimit', "                                                                                \
                                                                             "nullif(m.model -> 'day_tokens', '0'), 'costUsd', round(coalesce(b.price, 0) / 1e6, 6), 'costUsdLimit', nullif(m.model -> 'day_money', '0')), "                 \
                                                                             "'last', CASE WHEN l.engine IS NOT NULL THEN json_build_object('engine', l.engine, 'model', l.model, 'at', " SQL_TIME(                                          \
                                                                                 "l.created_at") ") END) "                                                                                                                                   \
                                                                                                 "FROM (SELECT) one LEFT JOIN (SELECT model FROM process WHERE model IS NOT NULL AND seen_at > now() - interval '15 s' "                     \
                                                                                                 "ORDER BY array_position(ARRAY['open', 'half-open', 'closed'], model ->> 'circuit'), seen_at DESC LIMIT 1) m ON true "                      \
                                                                                                 "LEFT JOIN (SELECT s.* FROM summary s WHERE s.text IS NOT NULL AND s.content_hash = (SELECT content_hash FROM page WHERE state = 'stored' " \
                                                                                                 "AND crawl_id = (SELECT id FROM crawl WHERE stored > 0 ORDER BY started_at DESC LIMIT 1) ORDER BY event DESC NULLS LAST LIMIT 1) "          \
                                                                                                 "ORDER BY s.created_at DESC LIMIT 1) l ON true LEFT JOIN budget b ON b.scope = 'day ' || (now() AT TIME ZONE 'UTC')::date)"

/* Of the disk that holds the database; "": not known. */
struct room {
    char free[24], total[24], fault[200];
};

static void look_at_disk(struct room *room_r)
{
    struct statvfs found;
    *room_r = (struct room){.free = ""};
    if (!*gateway_conf.disk_path) return;
    if (statvfs(gateway_conf.disk_path, &found) != 0) {
        snprintf(room_r->fault, sizeof room_r->fault, "%s", strerror(errno));
        return;
    }
    snprintf(room_r->free, sizeof room_r->free, "%llu", (unsigned long long)found.f_bavail * found.f_frsize);
    snprintf(room_r->total, sizeof room_r->total, "%llu", (unsigned long long)found.f_blocks * found.f_frsize);
}

void status_get(struct request *req, struct db *db)
{
    static const struct pg_stmt stmt = {
        "gw_status",
        "SELECT json_build_object('success', true, 'data', json_build_object('version', '" GM_VERSION "', 'database', 'ok', "
        "'processes', (SELECT coalesce(json_agg(json_build_object('program', program, 'id', id, 'host', host, 'pid', pid, 'version', version, "
        "'startedAt', " SQL_TIME("started_at") ", 'seenAt', " SQL_TIME(
            "seen_at") ", 'state', CASE WHEN seen_at > now() - interval '15 s' THEN state ELSE 'gone' END, 'why', why, 'inHand', in_hand) "
                       "ORDER BY program, started_at), '[]') FROM process WHERE seen_at > now() - interval '1 h'), "
                       "'queues', (SELECT coalesce(json_agg(json_build_object('name', name, 'ready', ready, 'consumers', consumers, "
                       "'seenAt', " SQL_TIME(
                           "seen_at") ") ORDER BY name), '[]') FROM queue), "
                                      "'crawls', (SELECT json_build_object('running', count(*) FILTER (WHERE state = 'running' AND paused_at IS NULL), "
                                      "'paused', count(*) FILTER (WHERE state = 'running' AND paused_at IS NOT NULL), "
                                      "'completed', count(*) FILTER (WHERE state = 'completed'), 'cancelled', count(*) FILTER (WHERE state = 'cancelled'), "
                                      "'open', coalesce(sum(open), 0), 'stored', coalesce(sum(stored), 0)) FROM crawl WHERE NOT is_inbox AND purge_at IS NULL), "
                                      "'rate', (SELECT json_build_object('endedPerMinute', round(coalesce(sum(crawl_rate(c)), 0)::numeric, 1)) FROM crawl c "
                                      "WHERE state = 'running' AND purge_at IS NULL), "
                                      "'requests', (SELECT json_build_object('waiting', count(*)) FROM request WHERE taken_at IS NULL), "
                                      "'search', json_build_object('waiting', search_waiting()), "
                                      "'broker', json_build_object('alarm', (SELECT alarm FROM process WHERE alarm IS NOT NULL AND seen_at > now() - "
                                      "interval '15 s' ORDER BY seen_at DESC LIMIT 1)), "
                                      "'model', " STATUS_MODEL ", "
                                      "'disk', json_build_object('databaseBytes', pg_database_size(current_database()), 'path', $1, "
                                      "'freeBytes', $2::bigint, 'totalBytes', $3::bigint, 'fault', $4)))"};
    struct room room;
    look_at_disk(&room);
    struct pg_params *p = db_begin(db);
    pg_add_text(p, *gateway_conf.disk_path ? gateway_conf.disk_path : NULL);
    pg_add_text(p, *room.free ? room.free : NULL);
    pg_add_text(p, *room.total ? room.total : NULL);
    pg_add_text(p, *room.fault ? room.fault : NULL);
    db_answer(req, db, &stmt, "nothing");
}
