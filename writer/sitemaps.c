/* Sitemaps from robots.txt; contract in sitemaps.h. */
#include "writer/sitemaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/known.h"
#include "writer/robots.h"
#include "writer/rules_load.h"
#include "writer/scope.h"

enum pg_status sitemaps_find(struct tx *tx, struct sitemaps_due **due_r, size_t *count_r)
{
    static const struct pg_stmt stmt = {"sitemaps_find",
                                        "SELECT ch.crawl_id, h.id FROM crawl_host ch JOIN host h ON h.name = ANY(ARRAY[ch.name]) "
                                        "WHERE ch.crawl_id = ANY($1) AND NOT ch.sitemaps_read"};
    struct pg_result *r;
    struct pg_array ids;
    *due_r = NULL;
    *count_r = 0;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < tx->crawl_count; i++)
        if (tx->crawls[i].sitemap != SITEMAP_SKIP) pg_array_int(&ids, tx->crawls[i].id);
    enum pg_status st = PG_OK;
    if (ids.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &ids);
        st = tx_run(tx, &stmt, &r);
        if (st == PG_OK) {
            *count_r = (size_t)pg_rows(r);
            *due_r = mem_calloc(*count_r, sizeof **due_r);
            for (int i = 0; i < pg_rows(r); i++)
                (*due_r)[i] = (struct sitemaps_due){.crawl_id = pg_int(r, i, 0), .host_id = pg_int(r, i, 1)};
            pg_result_free(r);
        }
    }
    pg_array_release(&ids);
    return st;
}

static void offer_all(struct tx *tx, struct crawl_row *crawl, const char *text)
{
    const char *url;
    struct robots *robots = robots_parse(text, strlen(text), writer_conf.agent);
    for (size_t i = 0; i < LIMIT_SITEMAPS && (url = robots_sitemap(robots, i)); i++)
        if (strlen(url) <= LIMIT_URL) scope_offer_list(tx, crawl, url); /* a line may be as long as the file */
    robots_free(robots);
}

/* With the crawl's row locked. */
static enum pg_status offer_sitemaps(struct tx *tx, const struct sitemaps_due *due)
{
    static const struct pg_stmt stmt = {"sitemaps_read",
                                        "UPDATE crawl_host ch SET sitemaps_read = true FROM host h WHERE ch.crawl_id = $1 "
                                        "AND h.id = $2 AND ch.name = h.name AND NOT ch.sitemaps_read AND h.robots_state = 1 "
                                        "RETURNING coalesce(h.robots, '')"};
    struct pg_result *r;
    struct crawl_row *crawl = tx_crawl(tx, due->crawl_id);
    if (!crawl) return PG_OK;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, due->crawl_id);
    pg_add_int(&tx->params, due->host_id);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    if (pg_rows(r) > 0) offer_all(tx, crawl, pg_text(r, 0, 0));
    pg_result_free(r);
    return PG_OK;
}

enum pg_status sitemaps_admit(struct writer *w, const struct sitemaps_due *due)
{
    struct tx tx;
    tx_init(&tx, w, w->pg);
    tx_want_crawl(&tx, due->crawl_id);
    enum pg_status st = tx_begin(&tx);
    if (st == PG_OK) st = tx_load(&tx);
    if (st == PG_OK) st = rules_load(&tx);
    if (st == PG_OK) st = offer_sitemaps(&tx, due);
    if (st == PG_OK) st = tx_admit(&tx);
    if (st == PG_OK) st = tx_write(&tx);
    if (st == PG_OK) st = tx_commit(&tx);
    if (st == PG_OK) {
        known_commit(w->known);
    } else {
        known_rollback(w->known);
        if (pg_connected(w->pg)) pg_exec(w->pg, "ROLLBACK");
    }
    tx_release(&tx);
    return st;
}
