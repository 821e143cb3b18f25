/* Stored texts once more; contract in resummary.h. */
#include "writer/resummary.h"

#include <stdio.h>
#include <string.h>

#include "writer/article_out.h"
#include "writer/conf.h"

#define A_TIME   64     /* texts sent at once */
#define SOON_MS  2000   /* somebody else is asking */
#define LATER_MS 600000 /* a budget is used up */

static char *text_of(const struct pg_result *r, int row, int column)
{
    return pg_is_null(r, row, column) ? NULL : (char *)pg_text(r, row, column); /* only read */
}

/* The rows are marked as sent and committed, then published: what is lost in between is missed by the line clock. */
enum pg_status resummary_tick(struct writer *w)
{
    static const struct pg_stmt any = {"resummary_any", "SELECT FROM resummary WHERE sent_at IS NULL AND due_at <= now() LIMIT 1"};
    static const struct pg_stmt stmt = {
        "resummary_send",
        "WITH room AS (SELECT greatest(0, least($1, $2 - (SELECT coalesce(sum(scheduled), 0) FROM crawl WHERE open > 0) - (SELECT count(*) FROM "
        "resummary WHERE sent_at IS NOT NULL)))::bigint AS n), "
        "t AS (SELECT content_hash FROM resummary WHERE sent_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT (SELECT n FROM room)), "
        "u AS (UPDATE resummary SET sent_at = now() WHERE content_hash = ANY(ARRAY(SELECT content_hash FROM t)) RETURNING content_hash, page_id) "
        "SELECT p.id, p.crawl_id, greatest(p.release, 1), p.url, p.title, p.lang, replace(a.content_hash::text, '-', ''), a.text, a.markdown "
        "FROM u JOIN page p ON p.id = ANY(ARRAY[u.page_id]) JOIN article a ON a.content_hash = ANY(ARRAY[u.content_hash])"};
    struct pg_params params;
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &any, NULL, &r);
    bool some = st == PG_OK && pg_rows(r) > 0;
    if (st == PG_OK) pg_result_free(r);
    if (!some) return st;
    pg_params_init(&params);
    pg_add_int(&params, A_TIME);
    pg_add_int(&params, writer_conf.window);
    st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    if (st != PG_OK) return st;
    for (int i = 0; i < pg_rows(r); i++) {
        struct record record = {.kind = RECORD_ARTICLE,
                                .page = pg_int(r, i, 0),
                                .crawl = pg_int(r, i, 1),
                                .release = pg_int(r, i, 2),
                                .url = text_of(r, i, 3),
                                .title = text_of(r, i, 4),
                                .lang = text_of(r, i, 5),
                                .hash = text_of(r, i, 6),
                                .text = text_of(r, i, 7),
                                .markdown = text_of(r, i, 8),
                                .again = 1};
        article_out_send(w->articles, &record, false);
    }
    pg_result_free(r);
    return PG_OK;
}

enum pg_status resummary_lost(struct writer *w, int64_t before)
{
    static const struct pg_stmt stmt = {"resummary_lost", "UPDATE resummary SET sent_at = NULL WHERE sent_at < $1"};
    struct pg_params params;
    pg_params_init(&params);
    pg_add_time(&params, before);
    enum pg_status st = pg_run(w->pg, &stmt, &params, NULL);
    pg_params_release(&params);
    return st;
}

/* How long until the text is tried again; -1: this was its answer. */
static int64_t wait_ms(const struct record *r)
{
    if (r->pending) return SOON_MS;
    return r->reason && strcmp(r->reason, code_name(CODE_BUDGET_EXCEEDED)) == 0 ? LATER_MS : -1;
}

enum pg_status resummary_write(struct tx *tx)
{
    static const struct pg_stmt stmt = {
        "resummary_write",
        "WITH u AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bool[], $4::bigint[]) AS u (content_hash, recipe_hash, good, wait)), "
        "gone AS (DELETE FROM resummary WHERE content_hash = ANY(ARRAY(SELECT content_hash FROM u WHERE wait < 0))), "
        "later AS (UPDATE resummary q SET sent_at = NULL, due_at = now() + u.wait * interval '1 ms' FROM u WHERE u.wait >= 0 AND "
        "q.content_hash = ANY(ARRAY[u.content_hash])), "
        "searched AS (INSERT INTO search_again SELECT DISTINCT content_hash FROM u JOIN article USING (content_hash) WHERE u.good "
        "ORDER BY content_hash ON CONFLICT DO NOTHING) "
        "UPDATE page p SET recipe_hash = u.recipe_hash, reason = NULL, detail = s.detail, code = CASE p.code WHEN 'BUDGET_EXCEEDED' THEN 'OK' "
        "ELSE p.code END FROM u JOIN summary s ON s.content_hash = ANY(ARRAY[u.content_hash]) AND s.recipe_hash = u.recipe_hash "
        "WHERE u.good AND s.text IS NOT NULL AND p.content_hash = ANY(ARRAY[u.content_hash]) AND p.state = 'stored'"};
    static const enum pg_type types[] = {PG_UUID, PG_UUID, PG_BOOL, PG_INT8};
    struct pg_array columns[4];
    struct digest hash, recipe;
    if (tx->again_count == 0) return PG_OK;
    for (size_t k = 0; k < 4; k++) pg_array_init(&columns[k], types[k]);
    for (size_t i = 0; i < tx->again_count; i++) {
        const struct record *r = tx->again[i];
        if (digest_parse(r->hash, &hash) != 0 || digest_parse(r->recipe, &recipe) != 0) continue;
        pg_array_uuid(&columns[0], &hash);
        pg_array_uuid(&columns[1], &recipe);
        pg_array_bool(&columns[2], r->summary && r->engine && strcmp(r->engine, "llm") == 0);
        pg_array_int(&columns[3], wait_ms(r));
    }
    pg_params_reset(&tx->params);
    for (size_t k = 0; k < 4; k++) pg_add_array(&tx->params, &columns[k]);
    enum pg_status st = columns[0].count ? tx_run(tx, &stmt, NULL) : PG_OK;
    for (size_t k = 0; k < 4; k++) pg_array_release(&columns[k]);
    return st;
}
