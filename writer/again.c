/* New runs; contract in again.h. */
#include "writer/again.h"

#include <string.h>

#include "writer/writer.h"

#define BATCH  2000 /* pages of one transaction */
#define ROUNDS 10   /* transactions of one sweep */

/* The next pages in the order of url_hash that ended before this run. Their places, states and news go over to the counters; what
 * they were told of redirects is forgotten, texts and validators are not. */
static enum pg_status register_batch(struct tx *tx, struct crawl_row *crawl)
{
    static const struct pg_stmt stmt = {
        "register_run",
        "WITH c AS (SELECT again_after, started_at, priority FROM crawl WHERE id = $1), "
        "again AS (SELECT id, host_id, crawl_id, depth, state, news, has_place, url_hash FROM page WHERE crawl_id = $1 "
        "AND url_hash > (SELECT again_after FROM c) AND state NOT IN ('registered', 'scheduled') AND ended_at < (SELECT started_at FROM c) "
        "ORDER BY url_hash LIMIT $2), "
        "renewed AS (UPDATE page p SET state = 'registered', code = NULL, detail = NULL, void_release = release, has_place = false, "
        "failures = 0, losses = 0, returns = 0, last_hash = content_hash, news = NULL, redirect_id = NULL, registered_at = now(), "
        "ended_at = NULL WHERE p.id = ANY(ARRAY(SELECT id FROM again))), "
        "queued AS (INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id) SELECT host_id, crawl_id, "
        "(SELECT priority FROM c), depth, id FROM again), "
        "woken AS (UPDATE host SET next_at = greatest(free_at, now()) WHERE id = ANY(ARRAY(SELECT host_id FROM again)) AND next_at = 'infinity'), "
        "here AS (UPDATE crawl SET again_after = CASE WHEN (SELECT count(*) FROM again) = $2 THEN "
        "(SELECT url_hash FROM again ORDER BY url_hash DESC LIMIT 1) END WHERE id = $1) "
        "SELECT state, news, count(*), count(*) FILTER (WHERE has_place) FROM again GROUP BY state, news"};
    struct pg_result *r;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    pg_add_int(&tx->params, BATCH);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    for (int i = 0; i < pg_rows(r); i++) {
        int64_t n = pg_int(r, i, 2);
        for (int s = 0; s < STATE_COUNT; s++)
            if (strcmp(pg_text(r, i, 0), state_name((enum page_state)s)) == 0) crawl->d_state[s] -= n;
        crawl->d_state[STATE_REGISTERED] += n;
        crawl->d_news[news_parse(pg_text(r, i, 1))] -= n;
        crawl->d_places -= pg_int(r, i, 3);
        tx->admitted = true;
    }
    pg_result_free(r);
    return PG_OK;
}

enum pg_status again_start(struct tx *tx, struct crawl_row *crawl)
{
    static const struct pg_stmt stmt = {"start_run", "SELECT event FROM crawl_run($1)"};
    struct pg_result *r;
    if (crawl->again) return PG_OK;
    crawl->again = crawl->running = true;
    crawl->paused = crawl->cancelled = false;
    crawl->kept = crawl->begun = 0;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, crawl->id);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    crawl->event = pg_int(r, 0, 0); /* the start has a number, too */
    pg_result_free(r);
    return register_batch(tx, crawl);
}

static enum pg_status find(struct writer *w, int64_t *crawl_r)
{
    static const struct pg_stmt stmt = {"runs_to_register",
                                        "SELECT id FROM crawl WHERE again_after IS NOT NULL AND state = 'running' ORDER BY id LIMIT 1"};
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &stmt, NULL, &r);
    if (st != PG_OK) return st;
    *crawl_r = pg_rows(r) ? pg_int(r, 0, 0) : 0;
    pg_result_free(r);
    return PG_OK;
}

static enum pg_status go_on(struct tx *tx, int64_t id)
{
    enum pg_status st = tx_begin(tx);
    tx_want_crawl(tx, id);
    if (st == PG_OK) st = tx_load(tx);
    struct crawl_row *crawl = st == PG_OK ? tx_crawl(tx, id) : NULL;
    if (crawl && crawl->running) st = register_batch(tx, crawl);
    return st == PG_OK ? tx_write_crawls(tx) : st;
}

enum pg_status again_sweep(struct writer *w)
{
    enum pg_status st = PG_OK;
    for (int rounds = 0; st == PG_OK && rounds < ROUNDS; rounds++) {
        int64_t id = 0;
        st = find(w, &id);
        if (st != PG_OK || !id) break;
        struct tx tx;
        tx_init(&tx, w, w->pg);
        st = tx_finish(&tx, go_on(&tx, id));
        tx_release(&tx);
    }
    return st;
}
