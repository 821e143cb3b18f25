/* Releasing; contract in release.h. */
#include "writer/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/frontier.h"
#include "writer/sitemaps.h"
#include "writer/tx.h"

#define HOSTS_A_TIME 500
#define TEXT_OF(n)   #n
#define SQL_LIMIT(n) "LIMIT " TEXT_OF(n)
#define HOSTS_LIMIT  SQL_LIMIT(HOSTS_A_TIME) /* a constant and no parameter, so that the plan is made once */
#define EXTRA_ROWS   32                      /* picked beyond what may go: pages that robots.txt disallows end without taking a slot */
#define PROBES       8                       /* tickets out while our network is down */
#define SHARE_ROWS   4                       /* picked beyond an equal share of the credit: some hosts have less to offer than others */

/* Requests that may still go to a host. $1: HOST_DELAY, $2: FETCH_PER_HOST; slots_first() adds them. One that must be polite, or that
 * fails, is asked one thing at a time: it is felt for, not stormed. */
#define FREE_SLOTS "(CASE WHEN $1 > 0 OR crawl_delay_ms > 0 OR failures > 0 THEN 1 ELSE $2 END - out)"

/* When the release looks at a host again. As it was: it has no slot, and every report says anew when to look. So the row changes
 * without an entry in any index. */
enum next { NEXT_PARKED, NEXT_FREE, NEXT_LATER, NEXT_AS_WAS };

struct due_host {
    int64_t id;
    char *name;
    bool https;
    int64_t slots, taken;
    int64_t robots_release;
    enum { ROBOTS_UNKNOWN, ROBOTS_RULES, ROBOTS_NONE } robots;
    bool asks;    /* a request for robots.txt goes out now */
    bool asked;   /* one is out */
    char *why;    /* ROBOTS_NONE: code of the last failure */
    size_t pairs; /* its crawls; something of them may wait */
    size_t rows, used;
    bool full;    /* a pick came back full: more waits */
    bool blocked; /* a row could not go because of its crawl's limit */
    bool waits;   /* a crawl waits for the host's sitemaps: they come next */
};

struct pick {
    int64_t host_id, crawl_id, page_id, depth, priority, release, failures;
    char *url;
    bool has_place;
    enum news news;
    char *etag, *last_modified, *hash, *recipe; /* NULL: not known, or not to be used */
    enum code remembered;                       /* what another crawl found to be so for good; CODE_COUNT: nothing */
    char *memory;                               /* the words for it */
    size_t rank;                                /* among the rows of its crawl on this host: crawls take turns */
    bool taken;
    enum code ends; /* CODE_COUNT: does not end here */
    int64_t event;  /* the number of its end */
};

struct pair {
    int64_t host_id, crawl_id;
    bool waits; /* for the sitemaps that the host's robots.txt names */
};

struct release {
    struct tx tx;
    struct writer *writer;
    struct host_rules *rules;
    struct pair *pairs;
    size_t pair_count;
    struct due_host *hosts; /* by id */
    size_t host_count;
    struct pick *picks;
    size_t pick_count;
    bool express; /* for the crawls that a person waits for, with a credit of their own; else for all others */
    int64_t credit;
    bool starved;  /* hosts were due, but the window is full */
    int64_t share; /* of the credit, for one crawl on one host */
    int64_t deadline;
    struct sitemaps_due *sitemaps;
    size_t sitemap_count;
};

static struct due_host *host_of(struct release *rl, int64_t id)
{
    size_t low = 0, high = rl->host_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (rl->hosts[mid].id == id) return &rl->hosts[mid];
        if (rl->hosts[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- looking ---- */

/* The crawls that have rows at host h and may go on. Crawls that have ended have none; but what they had may still be in the
 * index, dead, and is stepped over. Whole rows are compared, so that no other index than the one by host and crawl can look cheap. */
#define CRAWLS_AT_H(but)                                                                                                                   \
    "(WITH RECURSIVE t AS ((SELECT host_id, crawl_id FROM frontier WHERE (host_id, crawl_id) >= "                                          \
    "(h.id, (SELECT min(id) FROM crawl WHERE open > 0)) ORDER BY host_id, crawl_id LIMIT 1) "                                              \
    "UNION ALL SELECT f.host_id, f.crawl_id FROM t CROSS JOIN LATERAL (SELECT host_id, crawl_id FROM frontier "                            \
    "WHERE (host_id, crawl_id) > (t.host_id, t.crawl_id) ORDER BY host_id, crawl_id LIMIT 1) f "                                           \
    "WHERE t.host_id = h.id AND t.crawl_id < (SELECT max(id) FROM crawl WHERE open > 0)) "                                                 \
    "SELECT crawl_id FROM t WHERE host_id = h.id AND crawl_id <> ALL(ARRAY("                                                               \
    "SELECT id FROM crawl WHERE open > 0 AND (paused_at IS NOT NULL OR cancel_at IS NOT NULL" but "))))"

static void slots_first(struct pg_params *params)
{
    pg_params_reset(params);
    pg_add_int(params, writer_conf.host_delay_ms);
    pg_add_int(params, writer_conf.fetch_per_host);
}

/* Due hosts and their crawls of this lane, without locks; a host without any comes with crawl 0. If one crawl alone is open, every host
 * comes with it, and the pick will show whether anything waits there. That next_at is not infinite is said for PostgreSQL, which does
 * not see it: without it the partial index host_next cannot serve. Hosts without a slot are stepped over: as many as pages in flight
 * at most. */
static enum pg_status find_candidates(struct release *rl)
{
    static const struct pg_stmt stmt = {
        "release_candidates",
        "WITH alone AS MATERIALIZED (SELECT min(id) AS id FROM (SELECT id FROM crawl WHERE open > 0 AND priority >= 0 AND paused_at IS NULL "
        "AND cancel_at IS NULL LIMIT 2) c HAVING count(*) = 1) "
        "SELECT h.id, coalesce((SELECT id FROM alone), c.crawl_id, 0) FROM (SELECT id FROM host WHERE next_at <= now() AND next_at <> 'infinity' AND " FREE_SLOTS
        " > 0 ORDER BY next_at " HOSTS_LIMIT ") h "
        "LEFT JOIN LATERAL (SELECT crawl_id FROM " CRAWLS_AT_H(" OR priority < 0") " c WHERE NOT EXISTS (SELECT FROM alone)) c ON true"};
    /* Crawls that a person waits for: few, with few pages, so they are begun with. A host that has served them several times in a
     * row is left to the others. */
    static const struct pg_stmt express = {
        "express_candidates",
        "SELECT h.id, f.crawl_id FROM (SELECT DISTINCT f.host_id, f.crawl_id FROM crawl c CROSS JOIN LATERAL "
        "(SELECT host_id, crawl_id FROM frontier WHERE crawl_id = c.id LIMIT 1000) f WHERE c.open > 0 AND c.registered > 0 "
        "AND c.priority < 0 AND c.paused_at IS NULL AND c.cancel_at IS NULL) f JOIN host h ON h.id = ANY(ARRAY[f.host_id]) "
        "WHERE h.next_at <= now() AND " FREE_SLOTS " > 0 AND h.express_row < $3 ORDER BY h.next_at " HOSTS_LIMIT};
    struct pg_result *r;
    slots_first(&rl->tx.params);
    if (rl->express) pg_add_int(&rl->tx.params, EXPRESS_IN_A_ROW);
    enum pg_status st = tx_run(&rl->tx, rl->express ? &express : &stmt, &r);
    if (st != PG_OK) return st;
    rl->pair_count = (size_t)pg_rows(r);
    rl->pairs = mem_calloc(rl->pair_count, sizeof *rl->pairs);
    for (int i = 0; i < pg_rows(r); i++) {
        rl->pairs[i] = (struct pair){.host_id = pg_int(r, i, 0), .crawl_id = pg_int(r, i, 1)};
        if (rl->pairs[i].crawl_id) tx_want_crawl(&rl->tx, rl->pairs[i].crawl_id);
    }
    pg_result_free(r);
    return PG_OK;
}

static void read_host(struct due_host *h, const struct pg_result *r, int i)
{
    int64_t state = pg_int(r, i, 4);
    *h = (struct due_host){.id = pg_int(r, i, 0),
                           .name = mem_strdup(pg_text(r, i, 1)),
                           .https = pg_bool(r, i, 2),
                           .slots = pg_int(r, i, 3),
                           .robots_release = pg_int(r, i, 6),
                           .asked = pg_bool(r, i, 7),
                           .why = mem_strdup(pg_text(r, i, 8))};
    bool expired = pg_bool(r, i, 5);
    h->robots = expired || state == 0 ? ROBOTS_UNKNOWN : state == 1 ? ROBOTS_RULES : ROBOTS_NONE;
}

static enum pg_status lock_hosts(struct release *rl)
{
    static const struct pg_stmt stmt = {"release_hosts",
                                        "SELECT id, name, https, " FREE_SLOTS ", robots_state, coalesce(robots_until <= now(), false), "
                                        "robots_release, (robots_state = 0 OR coalesce(robots_until <= now(), false)) AND "
                                        "EXISTS (SELECT FROM ticket t WHERE t.host_id = host.id AND t.page_id = 0), "
                                        "robots_code FROM host WHERE id = ANY($3) AND next_at <= now() AND " FREE_SLOTS
                                        " > 0 ORDER BY id FOR UPDATE SKIP LOCKED"};
    struct pg_result *r;
    struct pg_array ids;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < rl->pair_count; i++) pg_array_int(&ids, rl->pairs[i].host_id);
    slots_first(&rl->tx.params);
    pg_add_array(&rl->tx.params, &ids);
    enum pg_status st = tx_run(&rl->tx, &stmt, &r);
    pg_array_release(&ids);
    if (st != PG_OK) return st;
    rl->host_count = (size_t)pg_rows(r);
    rl->hosts = mem_calloc(rl->host_count, sizeof *rl->hosts);
    for (int i = 0; i < pg_rows(r); i++) read_host(&rl->hosts[i], r, i);
    pg_result_free(r);
    for (size_t i = 0; i < rl->pair_count; i++) {
        struct due_host *h = host_of(rl, rl->pairs[i].host_id);
        if (h && rl->pairs[i].crawl_id) h->pairs++;
    }
    return PG_OK;
}

/* What may still go out: the lane's window less what is in flight (law 3); requests for robots.txt count for the wide lane. While
 * our network is down, a few tickets feel for it. */
static enum pg_status read_credit(struct release *rl)
{
    static const struct pg_stmt stmt = {
        "release_credit",
        "SELECT $1 - coalesce((SELECT sum(scheduled) FROM crawl WHERE open > 0 AND (priority < 0) = $3), 0)::bigint - "
        "CASE WHEN $3 THEN 0 ELSE (SELECT count(*) FROM ticket WHERE page_id = 0) + (SELECT count(*) FROM resummary WHERE sent_at IS NOT NULL) END, "
        "CASE WHEN (SELECT down_since < now() - interval '5 s' FROM network) THEN $2 - (SELECT count(*) FROM ticket) END"};
    struct pg_result *r;
    pg_params_reset(&rl->tx.params);
    pg_add_int(&rl->tx.params, rl->express ? EXPRESS_WINDOW : writer_conf.window);
    pg_add_int(&rl->tx.params, PROBES);
    pg_add_bool(&rl->tx.params, rl->express);
    enum pg_status st = tx_run(&rl->tx, &stmt, &r);
    if (st != PG_OK) return st;
    rl->credit = pg_int(r, 0, 0);
    if (!pg_is_null(r, 0, 1) && pg_int(r, 0, 1) < rl->credit) rl->credit = pg_int(r, 0, 1);
    pg_result_free(r);
    return PG_OK;
}

/* Parses the rules of hosts that are picked from and not in the cache. */
static enum pg_status load_rules(struct release *rl)
{
    static const struct pg_stmt stmt = {"release_rules", "SELECT id, coalesce(robots, '') FROM host WHERE id = ANY($1)"};
    struct pg_result *r = NULL;
    struct pg_array ids;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < rl->host_count; i++) {
        const struct due_host *h = &rl->hosts[i];
        if (h->robots == ROBOTS_RULES && h->pairs > 0 && !host_rules_has(rl->rules, h->id, h->robots_release)) pg_array_int(&ids, h->id);
    }
    enum pg_status st = PG_OK;
    if (ids.count > 0) {
        pg_params_reset(&rl->tx.params);
        pg_add_array(&rl->tx.params, &ids);
        st = tx_run(&rl->tx, &stmt, &r);
        for (int i = 0; st == PG_OK && i < pg_rows(r); i++) {
            const char *text = pg_text(r, i, 1);
            host_rules_put(rl->rules, pg_int(r, i, 0), host_of(rl, pg_int(r, i, 0))->robots_release, text, strlen(text));
        }
        if (st == PG_OK) pg_result_free(r);
    }
    pg_array_release(&ids);
    return st;
}

static char *text_or_null(const struct pg_result *r, int row, int column)
{
    return pg_is_null(r, row, column) ? NULL : mem_strdup(pg_text(r, row, column));
}

static void read_pick(struct pick *p, const struct pg_result *r, int i)
{
    *p = (struct pick){.host_id = pg_int(r, i, 0),
                       .crawl_id = pg_int(r, i, 1),
                       .page_id = pg_int(r, i, 2),
                       .depth = pg_int(r, i, 3),
                       .priority = pg_int(r, i, 4),
                       .url = mem_strdup(pg_text(r, i, 5)),
                       .release = pg_int(r, i, 6),
                       .failures = pg_int(r, i, 7),
                       .has_place = pg_bool(r, i, 8),
                       .news = news_parse(pg_text(r, i, 9)),
                       .etag = text_or_null(r, i, 10),
                       .last_modified = text_or_null(r, i, 11),
                       .hash = text_or_null(r, i, 12),
                       .recipe = text_or_null(r, i, 13),
                       .remembered = CODE_COUNT,
                       .memory = text_or_null(r, i, 15),
                       .ends = CODE_COUNT};
    if (!pg_is_null(r, i, 14)) code_parse(pg_text(r, i, 14), &p->remembered);
}

static bool may_pick(struct release *rl, const struct pair *p)
{
    const struct due_host *h = host_of(rl, p->host_id);
    return h && p->crawl_id && !p->waits && tx_crawl(&rl->tx, p->crawl_id);
}

/* Crawls that ask for sitemaps wait for them, on hosts whose robots.txt is known by now; the others are forgotten here. */
static enum pg_status find_sitemaps(struct release *rl)
{
    size_t kept = 0;
    enum pg_status st = sitemaps_find(&rl->tx, &rl->sitemaps, &rl->sitemap_count);
    for (size_t i = 0; i < rl->sitemap_count; i++) {
        const struct sitemaps_due due = rl->sitemaps[i];
        struct due_host *h = host_of(rl, due.host_id);
        if (!h || h->robots != ROBOTS_RULES) continue;
        h->waits = true;
        for (size_t k = 0; k < rl->pair_count; k++)
            if (rl->pairs[k].host_id == due.host_id && rl->pairs[k].crawl_id == due.crawl_id) rl->pairs[k].waits = true;
        rl->sitemaps[kept++] = due;
    }
    rl->sitemap_count = kept;
    return st;
}

static void share_credit(struct release *rl)
{
    int64_t pairs = 0;
    for (size_t i = 0; i < rl->pair_count; i++) pairs += may_pick(rl, &rl->pairs[i]);
    rl->share = pairs ? rl->credit / pairs + SHARE_ROWS : 0;
    if (rl->share > rl->credit) rl->share = rl->credit;
}

/* How many rows of one crawl on the host are worth reading. If more could have gone, the next look comes at once. */
static int64_t row_limit(const struct release *rl, const struct due_host *h)
{
    if (h->robots == ROBOTS_UNKNOWN) return 1; /* it tells that robots.txt is wanted */
    int64_t most = h->slots < rl->share ? h->slots : rl->share;
    return host_rules_allow_all(rl->rules, h->id, h->robots_release) ? most : most + EXTRA_ROWS;
}

static enum pg_status pick_rows(struct release *rl)
{
    static const struct pg_stmt stmt = {
        "release_pick",
        "WITH picked AS MATERIALIZED (SELECT u.o, f.*, p.url, p.url_hash, p.release, p.failures, p.has_place, p.news, "
        /* What the page was before, if it has its text and the summary that was asked for. */
        "p.content_hash IS NOT NULL AND p.recipe_hash IS NOT NULL AND p.gone_at IS NULL AND p.reason IS NULL AS known, "
        "p.etag, p.last_modified, p.content_hash, p.recipe_hash, "
        "c.run = 1 AND p.release = 0 AND p.depth > 0 AND "
        "(c.id <> (SELECT min(id) FROM crawl WHERE errors + skipped > 0) OR c.id <> (SELECT max(id) FROM crawl WHERE errors + skipped > 0)) AS fresh "
        "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS u (host_id, crawl_id, n, o) CROSS JOIN LATERAL "
        "(SELECT * FROM frontier WHERE (host_id, crawl_id) >= (u.host_id, u.crawl_id) AND (host_id, crawl_id) <= (u.host_id, u.crawl_id) "
        "ORDER BY host_id, crawl_id, priority, depth, page_id LIMIT u.n) f "
        "JOIN page p ON p.id = ANY(ARRAY[f.page_id]) JOIN crawl c ON c.id = ANY(ARRAY[u.crawl_id])), "
        /* Pages that nobody named, new in a new crawl: were they asked for elsewhere, with an answer that stays? */
        "met AS MATERIALIZED (SELECT DISTINCT ON (url_hash) url_hash, code, 'crawl ' || crawl_id || ' found so at ' || "
        "to_char(ended_at, 'YYYY-MM-DD HH24:MI TZ') || coalesce(': ' || detail, '') AS memory FROM page "
        "WHERE url_hash = ANY(ARRAY(SELECT url_hash FROM picked WHERE fresh)) AND release > 0 AND "
        "code IN ('HTTP_4XX', 'UNSUPPORTED_TYPE', 'TOO_LARGE', 'POISON') AND ended_at > now() - $4 * interval '1 day' "
        "ORDER BY url_hash, ended_at DESC) "
        "SELECT host_id, crawl_id, page_id, depth, priority, url, release, failures, has_place, news, "
        "CASE WHEN known THEN etag END, CASE WHEN known THEN last_modified END, "
        "CASE WHEN known THEN replace(content_hash::text, '-', '') END, CASE WHEN known THEN replace(recipe_hash::text, '-', '') END, "
        "m.code, m.memory "
        "FROM picked p LEFT JOIN met m ON p.fresh AND m.url_hash = p.url_hash ORDER BY o, priority, depth, page_id"};
    struct pg_array hosts, crawls, limits;
    struct pg_result *r = NULL;
    pg_array_init(&hosts, PG_INT8);
    pg_array_init(&crawls, PG_INT8);
    pg_array_init(&limits, PG_INT8);
    share_credit(rl);
    for (size_t i = 0; i < rl->pair_count; i++) {
        const struct pair *p = &rl->pairs[i];
        if (!may_pick(rl, p)) continue;
        pg_array_int(&hosts, p->host_id);
        pg_array_int(&crawls, p->crawl_id);
        pg_array_int(&limits, row_limit(rl, host_of(rl, p->host_id)));
    }
    enum pg_status st = PG_OK;
    if (hosts.count > 0) {
        pg_params_reset(&rl->tx.params);
        pg_add_array(&rl->tx.params, &hosts);
        pg_add_array(&rl->tx.params, &crawls);
        pg_add_array(&rl->tx.params, &limits);
        pg_add_int(&rl->tx.params, writer_conf.remember_days);
        st = tx_run(&rl->tx, &stmt, &r);
    }
    if (r) {
        rl->pick_count = (size_t)pg_rows(r);
        rl->picks = mem_calloc(rl->pick_count, sizeof *rl->picks);
        for (int i = 0; i < pg_rows(r); i++) read_pick(&rl->picks[i], r, i);
        pg_result_free(r);
    }
    pg_array_release(&hosts);
    pg_array_release(&crawls);
    pg_array_release(&limits);
    return st;
}

/* ---- deciding ---- */

/* Rows come grouped by host and crawl in their order of release. */
static void rank_rows(struct release *rl)
{
    for (size_t i = 0; i < rl->pick_count; i++) {
        struct pick *p = &rl->picks[i];
        bool same = i > 0 && p[-1].host_id == p->host_id && p[-1].crawl_id == p->crawl_id;
        p->rank = same ? p[-1].rank + 1 : 0;
        struct due_host *h = host_of(rl, p->host_id);
        h->rows++;
        if ((int64_t)p->rank + 1 >= row_limit(rl, h)) h->full = true;
    }
}

static int by_turn(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    if (x->priority != y->priority) return x->priority < y->priority ? -1 : 1;
    if (x->depth != y->depth) return x->depth < y->depth ? -1 : 1;
    return x->page_id < y->page_id ? -1 : x->page_id > y->page_id;
}

/* The limit: a page takes a place at its first release (see docs/ARCHITECTURE.md, "Limit"). */
static bool has_room(const struct crawl_row *c, const struct pick *p)
{
    if (!c->running || c->paused || c->cancelled) return false;
    if (p->has_place || !c->max_pages) return true;
    return c->places + c->d_places < c->max_pages && c->begun + c->d_begun < 10 * c->max_pages;
}

static void take(struct release *rl, struct pick *p, struct due_host *h, struct crawl_row *c)
{
    p->taken = true;
    h->taken++;
    h->used++;
    rl->credit--;
    c->d_state[STATE_REGISTERED]--;
    c->d_state[STATE_SCHEDULED]++;
    c->d_places += !p->has_place;
    c->d_begun += !p->has_place;
}

static void end(struct pick *p, struct due_host *h, struct crawl_row *c, enum code code)
{
    p->ends = code;
    p->event = tx_number(c);
    h->used++;
    c->d_state[STATE_REGISTERED]--;
    c->d_state[code_state(code)]++;
    c->d_places -= p->has_place;
    c->d_news[p->news]--;
    p->news = code_state(code) == STATE_ERROR ? NEWS_FAILED : NEWS_NONE;
    c->d_news[p->news]++;
}

static void decide(struct release *rl)
{
    rank_rows(rl);
    if (rl->pick_count) qsort(rl->picks, rl->pick_count, sizeof *rl->picks, by_turn);
    for (size_t i = 0; i < rl->pick_count; i++) {
        struct pick *p = &rl->picks[i];
        struct due_host *h = host_of(rl, p->host_id);
        struct crawl_row *c = tx_crawl(&rl->tx, p->crawl_id);
        if (h->robots == ROBOTS_UNKNOWN) continue;
        if (h->robots == ROBOTS_NONE)
            end(p, h, c, CODE_ROBOTS_UNAVAILABLE);
        else if (!host_rules_allow(rl->rules, h->id, h->robots_release, p->url))
            end(p, h, c, CODE_ROBOTS_DISALLOWED);
        else if (p->remembered != CODE_COUNT)
            end(p, h, c, p->remembered);
        else if (!has_room(c, p))
            h->blocked = true;
        else if (rl->credit > 0 && h->taken < h->slots)
            take(rl, p, h, c);
    }
    for (size_t i = 0; i < rl->host_count; i++) {
        struct due_host *h = &rl->hosts[i];
        if (h->robots != ROBOTS_UNKNOWN || h->asked || h->rows == 0 || rl->credit <= 0) continue;
        h->asks = true;
        h->taken++;
        rl->credit--;
    }
}

static enum next next_look(const struct release *rl, const struct due_host *h)
{
    if (rl->express && h->taken < h->slots && !h->asked) return NEXT_FREE; /* the other lane looks at it next */
    if (h->taken >= h->slots) return NEXT_AS_WAS;
    if ((h->rows == 0 && !h->waits) || h->asked) return NEXT_PARKED; /* a report, or an admission, wakes it */
    if (h->robots == ROBOTS_UNKNOWN) return h->asks ? NEXT_PARKED : NEXT_FREE;
    if (h->waits) return NEXT_FREE;
    if (rl->credit <= 0 || h->full) return NEXT_FREE;
    if (h->blocked) return NEXT_LATER;
    return h->used < h->rows ? NEXT_FREE : NEXT_PARKED;
}

/* ---- writing ---- */

static enum pg_status write_tickets(struct release *rl)
{
    static const struct pg_stmt stmt = {
        "release_pages",
        "WITH u AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, host_id, release)), "
        "gone AS (DELETE FROM frontier WHERE page_id = ANY($1)), "
        "begun AS (UPDATE page p SET state = 'scheduled', release = u.release, scheduled_at = now(), has_place = true FROM u WHERE p.id = ANY(ARRAY[u.id])) "
        "INSERT INTO ticket (host_id, page_id, release, deadline) SELECT host_id, id, release, $4 FROM u"};
    struct pg_array ids, hosts, releases;
    pg_array_init(&ids, PG_INT8);
    pg_array_init(&hosts, PG_INT8);
    pg_array_init(&releases, PG_INT8);
    for (size_t i = 0; i < rl->pick_count; i++) {
        if (!rl->picks[i].taken) continue;
        pg_array_int(&ids, rl->picks[i].page_id);
        pg_array_int(&hosts, rl->picks[i].host_id);
        pg_array_int(&releases, rl->picks[i].release + 1);
    }
    enum pg_status st = PG_OK;
    if (ids.count > 0) {
        pg_params_reset(&rl->tx.params);
        pg_add_array(&rl->tx.params, &ids);
        pg_add_array(&rl->tx.params, &hosts);
        pg_add_array(&rl->tx.params, &releases);
        pg_add_time(&rl->tx.params, rl->deadline);
        st = tx_run(&rl->tx, &stmt, NULL);
    }
    pg_array_release(&ids);
    pg_array_release(&hosts);
    pg_array_release(&releases);
    return st;
}

static enum pg_status write_ends(struct release *rl)
{
    static const struct pg_stmt stmt = {
        "release_ends",
        "WITH u AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) "
        "AS u (id, state, code, detail, news, event)), "
        "gone AS (DELETE FROM frontier WHERE page_id = ANY($1)) "
        "UPDATE page p SET state = u.state::page_state, code = u.code, detail = u.detail, void_release = p.release, "
        "has_place = false, ended_at = now(), news = u.news::page_news, event = u.event FROM u WHERE p.id = ANY(ARRAY[u.id])"};
    struct pg_array ids, states, codes, details, news, events;
    pg_array_init(&ids, PG_INT8);
    pg_array_init(&states, PG_TEXT);
    pg_array_init(&codes, PG_TEXT);
    pg_array_init(&details, PG_TEXT);
    pg_array_init(&news, PG_TEXT);
    pg_array_init(&events, PG_INT8);
    for (size_t i = 0; i < rl->pick_count; i++) {
        const struct pick *p = &rl->picks[i];
        if (p->ends == CODE_COUNT) continue;
        pg_array_int(&ids, p->page_id);
        pg_array_text(&states, state_name(code_state(p->ends)));
        pg_array_text(&codes, code_name(p->ends));
        pg_array_text(&details, p->ends == CODE_ROBOTS_UNAVAILABLE ? host_of(rl, p->host_id)->why
                                : p->ends == p->remembered         ? p->memory
                                                                   : NULL);
        pg_array_text(&news, news_name(p->news));
        pg_array_int(&events, p->event);
    }
    enum pg_status st = PG_OK;
    if (ids.count > 0) {
        pg_params_reset(&rl->tx.params);
        pg_add_array(&rl->tx.params, &ids);
        pg_add_array(&rl->tx.params, &states);
        pg_add_array(&rl->tx.params, &codes);
        pg_add_array(&rl->tx.params, &details);
        pg_add_array(&rl->tx.params, &news);
        pg_add_array(&rl->tx.params, &events);
        st = tx_run(&rl->tx, &stmt, NULL);
    }
    pg_array_release(&ids);
    pg_array_release(&states);
    pg_array_release(&codes);
    pg_array_release(&details);
    pg_array_release(&news);
    pg_array_release(&events);
    return st;
}

/* The hosts were found before they were locked: one that would be parked with nothing out, so that no report will wake it, is
 * looked at for rows that came, or whose crawl was resumed, between the two. Whoever brings such rows locks the host. */
static enum pg_status write_hosts(struct release *rl)
{
    static const struct pg_stmt stmt = {
        "release_write_hosts",
        "WITH u AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bool[], $5::bigint[]) AS u (id, taken, next, asks, robots)), "
        "asked AS (INSERT INTO ticket (host_id, page_id, release, deadline) SELECT id, 0, robots, $6 FROM u WHERE asks) "
        "UPDATE host h SET out = h.out + u.taken, express_row = CASE WHEN $7 THEN h.express_row + u.taken ELSE 0 END, robots_release = CASE WHEN u.asks THEN u.robots ELSE h.robots_release END, "
        "next_at = CASE u.next WHEN 0 THEN CASE WHEN h.out + u.taken = 0 AND EXISTS " CRAWLS_AT_H(
            "") " "
                "THEN now() + interval '1 s' ELSE 'infinity'::timestamptz END WHEN 1 THEN greatest(h.free_at, now()) WHEN 2 THEN now() + interval '1 s' ELSE h.next_at END "
                "FROM u WHERE h.id = ANY(ARRAY[u.id])"};
    struct pg_array ids, taken, next, asks, robots;
    pg_array_init(&ids, PG_INT8);
    pg_array_init(&taken, PG_INT8);
    pg_array_init(&next, PG_INT8);
    pg_array_init(&asks, PG_BOOL);
    pg_array_init(&robots, PG_INT8);
    for (size_t i = 0; i < rl->host_count; i++) {
        const struct due_host *h = &rl->hosts[i];
        pg_array_int(&ids, h->id);
        pg_array_int(&taken, h->taken);
        pg_array_int(&next, next_look(rl, h));
        pg_array_bool(&asks, h->asks);
        pg_array_int(&robots, h->robots_release + 1);
    }
    pg_params_reset(&rl->tx.params);
    pg_add_array(&rl->tx.params, &ids);
    pg_add_array(&rl->tx.params, &taken);
    pg_add_array(&rl->tx.params, &next);
    pg_add_array(&rl->tx.params, &asks);
    pg_add_array(&rl->tx.params, &robots);
    pg_add_time(&rl->tx.params, rl->deadline);
    pg_add_bool(&rl->tx.params, rl->express);
    enum pg_status st = rl->host_count ? tx_run(&rl->tx, &stmt, NULL) : PG_OK;
    pg_array_release(&ids);
    pg_array_release(&taken);
    pg_array_release(&next);
    pg_array_release(&asks);
    pg_array_release(&robots);
    return st;
}

/* ---- the run ---- */

static enum pg_status transact(struct release *rl)
{
    enum pg_status st = tx_begin(&rl->tx);
    if (st == PG_OK) st = find_candidates(rl);
    if (st == PG_OK && rl->pair_count == 0) return tx_commit(&rl->tx);
    if (st == PG_OK) st = tx_load(&rl->tx);
    if (st == PG_OK) st = lock_hosts(rl);
    if (st == PG_OK) st = read_credit(rl);
    rl->starved = rl->credit <= 0;
    if (st == PG_OK && rl->starved) return tx_commit(&rl->tx);
    if (st == PG_OK) st = load_rules(rl);
    if (st == PG_OK) st = find_sitemaps(rl);
    if (st == PG_OK) st = pick_rows(rl);
    if (st != PG_OK) return st;
    decide(rl);
    st = write_tickets(rl);
    if (st == PG_OK) st = write_ends(rl);
    if (st == PG_OK) st = write_hosts(rl);
    if (st == PG_OK) st = tx_write_crawls(&rl->tx);
    return st == PG_OK ? tx_commit(&rl->tx) : st;
}

static void publish_all(struct release *rl, release_publish *publish)
{
    enum queue_id queue = rl->express ? QUEUE_URL_EXPRESS : QUEUE_URL;
    for (size_t i = 0; i < rl->pick_count; i++) {
        const struct pick *p = &rl->picks[i];
        if (!p->taken) continue;
        const struct crawl_row *c = tx_crawl(&rl->tx, p->crawl_id);
        struct record ticket = {.kind = RECORD_TICKET,
                                .page = p->page_id,
                                .crawl = p->crawl_id,
                                .host = p->host_id,
                                .release = p->release + 1,
                                .depth = p->depth,
                                .url = p->url,
                                .deadline = rl->deadline,
                                .attempt = p->failures + 1,
                                .known_hash = p->hash,
                                .known_recipe = p->recipe,
                                .etag = p->etag,
                                .last_modified = p->last_modified,
                                .ignore_noindex = c->ignore_noindex,
                                .ignore_nofollow = c->ignore_nofollow};
        publish(rl->writer, queue, &ticket);
    }
    for (size_t i = 0; i < rl->host_count; i++) {
        const struct due_host *h = &rl->hosts[i];
        char url[LIMIT_HOST + 32];
        if (!h->asks) continue;
        snprintf(url, sizeof url, "http%s://%s/robots.txt", h->https ? "s" : "", h->name);
        struct record ticket = {
            .kind = RECORD_TICKET, .host = h->id, .release = h->robots_release + 1, .url = url, .deadline = rl->deadline, .attempt = 1};
        publish(rl->writer, queue, &ticket);
    }
}

static enum pg_status next_time(struct release *rl, struct release_result *result)
{
    static const struct pg_stmt stmt = {
        "release_next",
        "SELECT ceil(extract(epoch FROM least((SELECT min(next_at) FROM host WHERE next_at <> 'infinity' AND " FREE_SLOTS " > 0), "
        "(SELECT min(due_at) FROM delayed)) - clock_timestamp()) * 1000)::bigint"};
    struct pg_result *r;
    slots_first(&rl->tx.params);
    enum pg_status st = tx_run(&rl->tx, &stmt, &r);
    if (st != PG_OK) return st;
    result->next_in_ms = pg_is_null(r, 0, 0) ? -1 : pg_int(r, 0, 0);
    pg_result_free(r);
    return PG_OK;
}

static void clean_up(struct release *rl)
{
    for (size_t i = 0; i < rl->pick_count; i++) {
        char *const texts[] = {rl->picks[i].url,  rl->picks[i].etag,   rl->picks[i].last_modified,
                               rl->picks[i].hash, rl->picks[i].recipe, rl->picks[i].memory};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) free(texts[k]);
    }
    for (size_t i = 0; i < rl->host_count; i++) {
        free(rl->hosts[i].name);
        free(rl->hosts[i].why);
    }
    free(rl->picks);
    free(rl->hosts);
    free(rl->pairs);
    free(rl->sitemaps);
    tx_release(&rl->tx);
}

static enum pg_status run_lane(struct writer *w, struct host_rules *rules, bool express, release_publish *publish,
                               struct release_result *result)
{
    struct release rl = {.writer = w, .rules = rules, .express = express, .deadline = clock_wall_ms() + writer_conf.ticket_ms};
    tx_init(&rl.tx, w, w->pg);
    enum pg_status st = transact(&rl);
    if (st == PG_OK) {
        publish_all(&rl, publish);
        bool ended = false;
        for (size_t i = 0; i < rl.pick_count; i++) {
            result->released += rl.picks[i].taken;
            ended = ended || rl.picks[i].ends != CODE_COUNT;
        }
        for (size_t i = 0; i < rl.host_count; i++) result->released += rl.hosts[i].asks;
        for (size_t i = 0; i < rl.sitemap_count && st == PG_OK; i++) st = sitemaps_admit(w, &rl.sitemaps[i]);
        result->more = result->more || (rl.credit > 0 && (ended || rl.sitemap_count > 0 || rl.pair_count >= HOSTS_A_TIME));
        for (size_t i = 0; i < rl.tx.completed_count; i++) frontier_log_completed(w, rl.tx.completed[i]);
        if (st == PG_OK && !express && !result->more) st = next_time(&rl, result);
        if (rl.starved && result->next_in_ms >= 0 && result->next_in_ms < 1000) result->next_in_ms = 1000; /* an ending page wakes us */
    } else if (pg_connected(w->pg)) {
        pg_exec(w->pg, "ROLLBACK");
    }
    clean_up(&rl);
    return st;
}

static enum pg_status find_express(struct writer *w, bool *found_r)
{
    static const struct pg_stmt stmt = {
        "find_express",
        "SELECT EXISTS (SELECT FROM crawl WHERE open > 0 AND registered > 0 AND priority < 0 AND paused_at IS NULL AND cancel_at IS NULL)"};
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &stmt, NULL, &r);
    if (st != PG_OK) return st;
    *found_r = pg_bool(r, 0, 0);
    pg_result_free(r);
    return PG_OK;
}

enum pg_status release_run(struct writer *w, struct host_rules *rules, release_publish *publish, struct release_result *result)
{
    bool express = false;
    *result = (struct release_result){.released = 0, .more = false, .next_in_ms = -1};
    enum pg_status st = find_express(w, &express);
    if (st == PG_OK && express) st = run_lane(w, rules, true, publish, result);
    return st == PG_OK ? run_lane(w, rules, false, publish, result) : st;
}

enum pg_status release_delayed(struct writer *w)
{
    static const struct pg_stmt find = {"delayed_crawls",
                                        "SELECT DISTINCT crawl_id FROM (SELECT crawl_id FROM delayed WHERE due_at <= now() "
                                        "ORDER BY due_at LIMIT 2000) d"};
    static const struct pg_stmt move = {
        "delayed_move",
        "WITH due AS (DELETE FROM delayed WHERE page_id = ANY(ARRAY(SELECT page_id FROM delayed WHERE due_at <= now() AND "
        "crawl_id = ANY($1) ORDER BY due_at LIMIT 2000)) RETURNING page_id), "
        "rows AS (SELECT p.host_id, p.crawl_id, c.priority, p.depth, p.id FROM due JOIN page p ON p.id = ANY(ARRAY[due.page_id]) "
        "JOIN crawl c ON c.id = ANY(ARRAY[p.crawl_id])), "
        "queued AS (INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id) SELECT * FROM rows) "
        "UPDATE host SET next_at = greatest(free_at, now()) WHERE next_at = 'infinity' AND id = ANY(ARRAY(SELECT host_id FROM rows))"};
    struct tx tx;
    struct pg_result *r = NULL;
    struct pg_array ids;
    tx_init(&tx, w, w->pg);
    pg_array_init(&ids, PG_INT8);
    enum pg_status st = tx_begin(&tx);
    pg_params_reset(&tx.params);
    if (st == PG_OK) st = tx_run(&tx, &find, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) {
        tx_want_crawl(&tx, pg_int(r, i, 0));
        pg_array_int(&ids, pg_int(r, i, 0));
    }
    if (st == PG_OK) pg_result_free(r);
    if (st == PG_OK && ids.count > 0) {
        st = tx_load(&tx); /* the lock that keeps writers from ending these pages meanwhile */
        pg_params_reset(&tx.params);
        pg_add_array(&tx.params, &ids);
        if (st == PG_OK) st = tx_run(&tx, &move, NULL);
    }
    st = tx_finish(&tx, st);
    pg_array_release(&ids);
    tx_release(&tx);
    return st;
}
