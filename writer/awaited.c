/* Waiting for another page's summary; contract in awaited.h. */
#include "writer/awaited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/limits.h"
#include "writer/article_out.h"

#define A_TIME  200 /* rows in hand at once, each a whole article; and their bytes, packed */
#define A_BYTES "4194304"

/* ---- beginning ---- */

/* A record as it travels. */
static bool pack(const struct record *r, struct buf *packed)
{
    struct record kept = *r;
    struct buf json = BUF_INIT(LIMIT_RECORD);
    kept.pending = 0;
    bool good = record_encode(&kept, &json) && zip_pack(packed, json.data, json.len);
    buf_release(&json);
    return good;
}

enum pg_status awaited_write(struct tx *tx)
{
    static const struct pg_stmt stmt = {
        "await", "INSERT INTO awaited (page_id, release, content_hash, recipe_hash, record) SELECT * FROM unnest($1::bigint[], "
                 "$2::bigint[], $3::uuid[], $4::uuid[], $5::bytea[]) ON CONFLICT (page_id) DO UPDATE SET release = excluded.release, "
                 "content_hash = excluded.content_hash, recipe_hash = excluded.recipe_hash, record = excluded.record, since = now(), "
                 "sent_at = NULL"};
    static const enum pg_type types[] = {PG_INT8, PG_INT8, PG_UUID, PG_UUID, PG_BYTEA};
    struct pg_array columns[5];
    struct digest hash, recipe;
    for (size_t k = 0; k < 5; k++) pg_array_init(&columns[k], types[k]);
    for (size_t i = 0; i < tx->page_count; i++) {
        const struct page_row *p = &tx->pages[i];
        struct buf packed = BUF_INIT(LIMIT_RECORD);
        if (p->dirty && p->awaits && p->state == STATE_SCHEDULED && digest_parse(p->record->hash, &hash) == 0 &&
            digest_parse(p->record->recipe, &recipe) == 0 && pack(p->record, &packed)) {
            pg_array_int(&columns[0], p->id);
            pg_array_int(&columns[1], p->record->release);
            pg_array_uuid(&columns[2], &hash);
            pg_array_uuid(&columns[3], &recipe);
            pg_array_bytes(&columns[4], packed.data, packed.len);
        }
        buf_release(&packed);
    }
    pg_params_reset(&tx->params);
    for (size_t k = 0; k < 5; k++) pg_add_array(&tx->params, &columns[k]);
    enum pg_status st = columns[0].count ? tx_run(tx, &stmt, NULL) : PG_OK;
    for (size_t k = 0; k < 5; k++) pg_array_release(&columns[k]);
    return st;
}

/* ---- ending ---- */

static bool unpack(const struct pg_result *r, int row, int column, struct record *record_r)
{
    struct record_error error;
    struct buf json = BUF_INIT(LIMIT_RECORD);
    size_t n;
    void *bytes = pg_bytes(r, row, column, &n);
    const char *fault = zip_unpack(&json, bytes, n);
    bool good = !fault && record_decode(buf_str(&json), json.len, 1u << RECORD_ARTICLE, record_r, &error) == RECORD_OK;
    if (!good) log_error("a kept record cannot be read: %s", fault ? fault : error.text);
    buf_release(&json);
    free(bytes);
    return good;
}

static void put(char **field, const char *value)
{
    free(*field);
    *field = *value ? mem_strdup(value) : NULL;
}

/* Rows whose page has ended, or is fetched anew, count no more. */
static enum pg_status sweep(struct writer *w, bool *any_r)
{
    static const struct pg_stmt any = {"awaited_any", "SELECT FROM awaited LIMIT 1"};
    static const struct pg_stmt stmt = {
        "awaited_sweep", "DELETE FROM awaited a USING page p WHERE p.id = ANY(ARRAY[a.page_id]) AND (p.state <> 'scheduled' OR "
                         "a.release <= p.void_release)"};
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &any, NULL, &r);
    if (st != PG_OK) return st;
    *any_r = pg_rows(r) > 0;
    pg_result_free(r);
    return *any_r ? pg_run(w->pg, &stmt, NULL, NULL) : PG_OK;
}

static enum pg_status take_answers(struct writer *w)
{
    static const struct pg_stmt stmt = {
        "awaited_answers",
        "SELECT record, text, engine, model, detail FROM (SELECT a.record, s.text, s.engine, s.model, s.detail, sum(length(a.record)) OVER (ORDER BY a.page_id) - "
        "length(a.record) AS before FROM awaited a JOIN summary s ON s.content_hash = ANY(ARRAY[a.content_hash]) AND "
        "s.recipe_hash = a.recipe_hash WHERE s.text IS NOT NULL ORDER BY a.page_id LIMIT $1) x WHERE before < " A_BYTES};
    struct pg_params params;
    struct pg_result *r;
    pg_params_init(&params);
    pg_add_int(&params, A_TIME);
    enum pg_status st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    if (st != PG_OK) return st;
    for (int i = 0; i < pg_rows(r); i++) {
        struct record record;
        if (!unpack(r, i, 0, &record)) continue;
        put(&record.summary, pg_text(r, i, 1));
        put(&record.engine, pg_text(r, i, 2));
        put(&record.model, pg_text(r, i, 3));
        put(&record.detail, pg_text(r, i, 4));
        record.calculated_at = clock_wall_ms();
        intake_own(w, ENTRY_RECORD, &record);
    }
    pg_result_free(r);
    return PG_OK;
}

/* ---- once more ---- */

/* The pages of `ids` get new numbers; *sent_r: their records, to be published after the commit. */
static enum pg_status renumber(struct tx *tx, const struct pg_array *ids, struct pg_result **sent_r)
{
    static const struct pg_stmt stmt = {
        "awaited_renumber",
        "WITH p AS (UPDATE page SET release = release + 1, scheduled_at = now() WHERE id = ANY($1) AND state = 'scheduled' RETURNING id, "
        "release, crawl_id) UPDATE awaited a SET sent_at = now(), release = p.release FROM p JOIN crawl c ON c.id = ANY(ARRAY[p.crawl_id]) "
        "WHERE a.page_id = ANY(ARRAY[p.id]) RETURNING a.record, p.release, c.priority < 0"};
    enum pg_status st = tx_load(tx);
    pg_params_reset(&tx->params);
    pg_add_array(&tx->params, ids);
    return st == PG_OK ? tx_run(tx, &stmt, sent_r) : st;
}

/* Puts the rows' records into `article` again; r: page ids. Taken. */
static enum pg_status send_again(struct writer *w, struct pg_result *r)
{
    struct tx tx;
    struct pg_array ids;
    struct pg_result *sent = NULL;
    int found = pg_rows(r);
    tx_init(&tx, w, w->pg);
    pg_array_init(&ids, PG_INT8);
    for (int i = 0; i < found; i++) {
        pg_array_int(&ids, pg_int(r, i, 0));
        tx_want_page(&tx, pg_int(r, i, 0));
    }
    pg_result_free(r);
    enum pg_status st = PG_OK;
    if (found) {
        st = tx_begin(&tx);
        if (st == PG_OK) st = renumber(&tx, &ids, &sent);
        st = tx_finish(&tx, st);
    }
    for (int i = 0; st == PG_OK && i < pg_rows(sent); i++) {
        struct record record;
        if (!unpack(sent, i, 0, &record)) continue;
        record.release = pg_int(sent, i, 1);
        article_out_send(w->articles, &record, pg_bool(sent, i, 2));
        record_release(&record);
    }
    pg_result_free(sent);
    pg_array_release(&ids);
    tx_release(&tx);
    return st;
}

/* Texts whose lease is over without an answer. */
static enum pg_status take_orphans(struct writer *w)
{
    static const struct pg_stmt stmt = {
        "awaited_orphans",
        "SELECT x.page_id FROM (SELECT a.page_id, length(a.record) AS size, row_number() OVER (PARTITION BY a.content_hash, a.recipe_hash ORDER BY a.page_id) AS n, "
        "s.failure FROM awaited a LEFT JOIN summary s ON s.content_hash = ANY(ARRAY[a.content_hash]) AND s.recipe_hash = a.recipe_hash "
        "WHERE a.sent_at IS NULL AND s.text IS NULL AND (s.failure IS NOT NULL OR (coalesce(s.lease_until, '-infinity') < now() AND NOT EXISTS "
        "(SELECT FROM awaited b WHERE b.content_hash = ANY(ARRAY[a.content_hash]) AND b.recipe_hash = a.recipe_hash AND b.sent_at IS NOT NULL)))) x "
        "WHERE x.n = 1 OR x.failure IS NOT NULL ORDER BY x.size LIMIT $1"};
    struct pg_params params;
    struct pg_result *r;
    pg_params_init(&params);
    pg_add_int(&params, A_TIME);
    enum pg_status st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    return st == PG_OK ? send_again(w, r) : st;
}

enum pg_status awaited_tick(struct writer *w)
{
    bool any = false;
    enum pg_status st = sweep(w, &any);
    if (st == PG_OK && any) st = take_answers(w);
    return st == PG_OK && any ? take_orphans(w) : st;
}

enum pg_status awaited_lost(struct writer *w, int64_t before)
{
    static const struct pg_stmt stmt = {"awaited_lost", "SELECT page_id FROM awaited WHERE sent_at < $1 ORDER BY page_id LIMIT $2"};
    struct pg_params params;
    struct pg_result *r;
    pg_params_init(&params);
    pg_add_time(&params, before);
    pg_add_int(&params, A_TIME);
    enum pg_status st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    return st == PG_OK ? send_again(w, r) : st;
}
