/* Admission: offers (seeds, links, redirect targets) become pages, once each, by the unique constraint; a page found on a
 * shorter way gets the smaller depth and offers its links again. Contract in tx.h. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/limits.h"
#include "writer/found.h"
#include "writer/known.h"
#include "writer/quota.h"
#include "writer/scope.h"
#include "writer/tx.h"
#include "writer/writer.h"

/* Ways to a page in one number: by depth, then by the steps at this depth. */
static int64_t way(const struct offer *o)
{
    return o->depth * (LIMIT_PARTS + 1) + o->part;
}

static int by_crawl_hash_way(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->crawl_id != y->crawl_id) return x->crawl_id < y->crawl_id ? -1 : 1;
    int order = memcmp(x->hash.bytes, y->hash.bytes, DIGEST_BYTES);
    if (order) return order;
    return way(x) < way(y) ? -1 : way(x) > way(y);
}

static bool same_page(const struct offer *a, const struct offer *b)
{
    return a->crawl_id == b->crawl_id && memcmp(a->hash.bytes, b->hash.bytes, DIGEST_BYTES) == 0;
}

/* Sorted by (crawl, hash): the lock order of writers that meet; one offer a page, the one of the shortest way, with the latest date;
 * without what is known already. */
static void tidy(struct tx *tx, struct offer *offers, size_t *count)
{
    size_t kept = 0;
    if (*count) qsort(offers, *count, sizeof *offers, by_crawl_hash_way);
    for (size_t i = 0; i < *count; i++) {
        struct offer *o = &offers[i];
        bool again = kept > 0 && same_page(&offers[kept - 1], o);
        if (again && offers[kept - 1].date < o->date) offers[kept - 1].date = o->date;
        if (again || (!o->date && known_has(tx->writer->known, o->crawl_id, &o->hash, way(o))))
            tx_offer_release(o);
        else
            offers[kept++] = *o;
    }
    *count = kept;
}

/* ---- hosts ---- */

/* Makes rows for names not seen yet and learns all ids. */
static enum pg_status learn_hosts(struct tx *tx, const struct offer *offers, size_t count)
{
    static const struct pg_stmt insert = {"insert_hosts", "INSERT INTO host (name, https) SELECT DISTINCT ON (n) n, s FROM "
                                                          "unnest($1::text[], $2::bool[]) AS u (n, s) WHERE NOT EXISTS "
                                                          "(SELECT FROM host WHERE name = n) ORDER BY n ON CONFLICT (name) DO NOTHING"};
    static const struct pg_stmt select = {"select_hosts", "SELECT id, name FROM host WHERE name = ANY($1)"};
    struct pg_array names, https;
    struct pg_result *r = NULL;
    pg_array_init(&names, PG_TEXT);
    pg_array_init(&https, PG_BOOL);
    for (size_t i = 0; i < count; i++) {
        if (known_host(tx->writer->known, offers[i].host)) continue;
        pg_array_text(&names, offers[i].host);
        pg_array_bool(&https, offers[i].https);
    }
    enum pg_status st = PG_OK;
    if (names.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &names);
        pg_add_array(&tx->params, &https);
        st = tx_run(tx, &insert, NULL);
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &names);
        if (st == PG_OK) st = tx_run(tx, &select, &r);
        for (int i = 0; st == PG_OK && i < pg_rows(r); i++) known_add_host(tx->writer->known, pg_text(r, i, 1), pg_int(r, i, 0));
        pg_result_free(r);
    }
    pg_array_release(&names);
    pg_array_release(&https);
    return st;
}

static enum pg_status lock_hosts(struct tx *tx, const struct offer *offers, size_t count)
{
    static const struct pg_stmt stmt = {"lock_hosts", "SELECT FROM host WHERE id = ANY($1) ORDER BY id FOR UPDATE"};
    struct pg_array ids;
    int64_t last = 0;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < count; i++) {
        int64_t id = known_host(tx->writer->known, offers[i].host);
        if (id != last) pg_array_int(&ids, id); /* neighbours mostly share a host; more duplicates do no harm */
        last = id;
    }
    for (size_t i = 0; i < tx->end_count; i++) pg_array_int(&ids, tx->ends[i].host_id);
    for (size_t i = 0; i < tx->page_count; i++)
        if (tx->pages[i].dirty && tx->pages[i].state == STATE_REGISTERED) pg_array_int(&ids, tx->pages[i].host_id);
    enum pg_status st = PG_OK;
    if (ids.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &ids);
        st = tx_run(tx, &stmt, NULL);
    }
    pg_array_release(&ids);
    return st;
}

/* ---- pages ---- */

struct offer_columns {
    struct pg_array crawl, hash, url, host, depth, part, hops, parent, source, listed;
};

static void columns_fill(struct tx *tx, struct offer_columns *c, const struct offer *offers, size_t count)
{
    pg_array_init(&c->crawl, PG_INT8);
    pg_array_init(&c->hash, PG_UUID);
    pg_array_init(&c->url, PG_TEXT);
    pg_array_init(&c->host, PG_INT8);
    pg_array_init(&c->depth, PG_INT8);
    pg_array_init(&c->part, PG_INT8);
    pg_array_init(&c->hops, PG_INT8);
    pg_array_init(&c->parent, PG_INT8);
    pg_array_init(&c->source, PG_TEXT);
    pg_array_init(&c->listed, PG_TIMESTAMPTZ);
    for (size_t i = 0; i < count; i++) {
        const struct offer *o = &offers[i];
        pg_array_int(&c->crawl, o->crawl_id);
        pg_array_uuid(&c->hash, &o->hash);
        pg_array_text(&c->url, o->url);
        pg_array_int(&c->host, known_host(tx->writer->known, o->host));
        pg_array_int(&c->depth, o->depth);
        pg_array_int(&c->part, o->part);
        pg_array_int(&c->hops, o->hops);
        pg_array_int(&c->parent, o->parent_id);
        pg_array_text(&c->source, found_kind(o->how)->name);
        pg_array_time(&c->listed, o->date);
    }
}

static void columns_release(struct offer_columns *c)
{
    struct pg_array *all[] = {&c->crawl, &c->hash, &c->url, &c->host, &c->depth, &c->part, &c->hops, &c->parent, &c->source, &c->listed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pg_array_release(all[i]);
}

static enum pg_status insert_pages(struct tx *tx, const struct offer_columns *c)
{
    static const struct pg_stmt stmt = {
        "insert_pages",
        "WITH offer AS (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], "
        "$7::bigint[], $8::bigint[], $9::text[], $10::timestamptz[]) AS u (crawl_id, url_hash, url, host_id, depth, part, hops, parent_id, "
        "source, listed_at)), "
        "new AS (INSERT INTO page (crawl_id, url_hash, url, host_id, depth, part, hops, parent_id, source, listed_at) SELECT crawl_id, "
        "url_hash, url, host_id, depth, part, hops, nullif(parent_id, 0), source::page_source, listed_at FROM offer ON CONFLICT (crawl_id, url_hash) DO NOTHING "
        "RETURNING id, crawl_id, url_hash, host_id, depth), "
        "queued AS (INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id) SELECT new.host_id, new.crawl_id, "
        "c.priority, new.depth, new.id FROM new JOIN crawl c ON c.id = new.crawl_id), "
        "woken AS (UPDATE host SET next_at = greatest(free_at, now()) WHERE id = ANY(ARRAY(SELECT host_id FROM new)) AND next_at = 'infinity') "
        "SELECT crawl_id, count(*) FROM new GROUP BY crawl_id"};
    struct pg_result *r;
    pg_params_reset(&tx->params);
    const struct pg_array *all[] = {&c->crawl, &c->hash, &c->url,    &c->host,   &c->depth,
                                    &c->part,  &c->hops, &c->parent, &c->source, &c->listed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pg_add_array(&tx->params, all[i]);
    enum pg_status st = tx_run(tx, &stmt, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) {
        struct crawl_row *crawl = tx_crawl(tx, pg_int(r, i, 0));
        crawl->d_admitted += pg_int(r, i, 1);
        crawl->d_state[STATE_REGISTERED] += pg_int(r, i, 1);
        tx->admitted = true;
    }
    pg_result_free(r);
    return st;
}

/* Pages found on a shorter way: their numbers, new depths and parts. Pages that a list says were changed later than was known. */
struct fallen {
    struct pg_array id, depth, part;
    struct pg_array listed_id, listed_at;
};

static void fallen_init(struct fallen *f)
{
    pg_array_init(&f->id, PG_INT8);
    pg_array_init(&f->depth, PG_INT8);
    pg_array_init(&f->part, PG_INT8);
    pg_array_init(&f->listed_id, PG_INT8);
    pg_array_init(&f->listed_at, PG_TIMESTAMPTZ);
}

static void fallen_release(struct fallen *f)
{
    struct pg_array *all[] = {&f->id, &f->depth, &f->part, &f->listed_id, &f->listed_at};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pg_array_release(all[i]);
}

static void note(struct tx *tx, const struct offer *o)
{
    known_note(tx->writer->known, o->crawl_id, &o->hash, way(o));
}

/* Takes out of the offers what are pages already; those at a greater depth are noted as fallen. The crawl is locked: what is
 * not found now is new. Most links are known, so they are looked up once instead of being refused by the unique constraint and
 * then looked up. */
static enum pg_status split_known(struct tx *tx, struct offer *offers, size_t *count, struct fallen *fallen)
{
    static const struct pg_stmt stmt = {
        "known_pages",
        "SELECT u.o, p.id, (p.depth, p.part) > (u.depth, u.part), u.listed_at > coalesce(p.listed_at, '-infinity') FROM "
        "unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[]) WITH ORDINALITY AS u (crawl_id, url_hash, depth, "
        "part, listed_at, o) JOIN page p ON p.crawl_id = ANY(ARRAY[u.crawl_id]) AND p.url_hash = u.url_hash"};
    static const enum pg_type types[] = {PG_INT8, PG_UUID, PG_INT8, PG_INT8, PG_TIMESTAMPTZ};
    enum { COLUMNS = sizeof types / sizeof *types };
    struct pg_array c[COLUMNS];
    struct pg_result *r;
    for (size_t k = 0; k < COLUMNS; k++) pg_array_init(&c[k], types[k]);
    for (size_t i = 0; i < *count; i++) {
        pg_array_int(&c[0], offers[i].crawl_id);
        pg_array_uuid(&c[1], &offers[i].hash);
        pg_array_int(&c[2], offers[i].depth);
        pg_array_int(&c[3], offers[i].part);
        pg_array_time(&c[4], offers[i].date);
    }
    pg_params_reset(&tx->params);
    for (size_t k = 0; k < COLUMNS; k++) pg_add_array(&tx->params, &c[k]);
    enum pg_status st = tx_run(tx, &stmt, &r);
    for (size_t k = 0; k < COLUMNS; k++) pg_array_release(&c[k]);
    if (st != PG_OK) return st;
    bool *known = mem_calloc(*count + 1, sizeof *known);
    for (int i = 0; i < pg_rows(r); i++) {
        size_t place = (size_t)pg_int(r, i, 0) - 1;
        known[place] = true;
        if (pg_bool(r, i, 3)) {
            pg_array_int(&fallen->listed_id, pg_int(r, i, 1));
            pg_array_time(&fallen->listed_at, offers[place].date);
        }
        if (!pg_bool(r, i, 2)) continue;
        pg_array_int(&fallen->id, pg_int(r, i, 1));
        pg_array_int(&fallen->depth, offers[place].depth);
        pg_array_int(&fallen->part, offers[place].part);
    }
    pg_result_free(r);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (known[i]) {
            note(tx, &offers[i]);
            tx_offer_release(&offers[i]);
        } else {
            offers[kept++] = offers[i];
        }
    }
    *count = kept;
    free(known);
    return PG_OK;
}

/* Lowers depths and gives the pages whose links, or whose target if they redirect, are to be offered again. */
static enum pg_status lower_depths(struct tx *tx, const struct fallen *fallen, struct pg_result **r)
{
    static const struct pg_stmt stmt = {
        "lower_depths",
        "WITH fallen AS (UPDATE page p SET depth = u.depth, part = u.part FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u "
        "(id, depth, part) WHERE p.id = ANY(ARRAY[u.id]) RETURNING p.id, p.crawl_id, p.depth, p.part, CASE WHEN p.code = 'REDIRECTED' THEN p.redirect_id END AS target_id), "
        "moved AS (UPDATE frontier f SET depth = fallen.depth FROM fallen WHERE f.page_id = ANY(ARRAY[fallen.id])) "
        "SELECT f.id, f.crawl_id, f.depth, f.part, l.links, t.url FROM fallen f LEFT JOIN page_links l ON l.page_id = ANY(ARRAY[f.id]) "
        "LEFT JOIN page t ON t.id = ANY(ARRAY[f.target_id])"};
    pg_params_reset(&tx->params);
    pg_add_array(&tx->params, &fallen->id);
    pg_add_array(&tx->params, &fallen->depth);
    pg_add_array(&tx->params, &fallen->part);
    return tx_run(tx, &stmt, r);
}

/* A page of this very transaction whose depth fell: its row in memory, and with it the depth of its links or of the page it
 * redirects to, follows. */
static void lower_in_memory(struct tx *tx, struct crawl_row *crawl, const struct page_row *fallen)
{
    struct page_row *p = tx_page(tx, fallen->id);
    if (!p) return;
    p->depth = fallen->depth;
    p->part = fallen->part;
    if (p->redirects && crawl) scope_offer_target(tx, crawl, p, p->record->location);
}

static void offer_again(struct tx *tx, const struct pg_result *r, int row)
{
    size_t n;
    struct buf links;
    struct crawl_row *crawl = tx_crawl(tx, pg_int(r, row, 1));
    const struct page_row page = {.id = pg_int(r, row, 0), .depth = pg_int(r, row, 2), .part = pg_int(r, row, 3)};
    lower_in_memory(tx, crawl, &page);
    if (crawl && !pg_is_null(r, row, 5)) scope_offer_again(tx, crawl, &page, pg_text(r, row, 5));
    if (pg_is_null(r, row, 4) || !crawl) return;
    void *packed = pg_bytes(r, row, 4, &n);
    buf_init(&links, LIMIT_KEPT_LINKS + 1);
    const char *fault = zip_unpack(&links, packed, n);
    if (fault) log_error("links of page %lld: %s", (long long)page.id, fault);
    char *save = NULL;
    for (char *line = fault ? NULL : strtok_r(links.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        enum found how = found_marked(&line);
        scope_offer_one(tx, crawl, &page, how, line, 0);
    }
    buf_release(&links);
    free(packed);
}

static enum pg_status admit_new(struct tx *tx, const struct offer *offers, size_t count)
{
    struct offer_columns columns;
    if (count == 0) return PG_OK;
    columns_fill(tx, &columns, offers, count);
    enum pg_status st = insert_pages(tx, &columns);
    for (size_t i = 0; i < count; i++) note(tx, &offers[i]);
    columns_release(&columns);
    return st;
}

static enum pg_status admit_fallen(struct tx *tx, const struct fallen *fallen)
{
    struct pg_result *r = NULL;
    if (fallen->id.count == 0) return PG_OK;
    enum pg_status st = lower_depths(tx, fallen, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) offer_again(tx, r, i);
    pg_result_free(r);
    return st;
}

static enum pg_status write_dates(struct tx *tx, const struct fallen *fallen)
{
    static const struct pg_stmt stmt = {"write_dates",
                                        "UPDATE page p SET listed_at = u.listed_at FROM unnest($1::bigint[], $2::timestamptz[]) "
                                        "AS u (id, listed_at) WHERE p.id = ANY(ARRAY[u.id])"};
    if (fallen->listed_id.count == 0) return PG_OK;
    pg_params_reset(&tx->params);
    pg_add_array(&tx->params, &fallen->listed_id);
    pg_add_array(&tx->params, &fallen->listed_at);
    return tx_run(tx, &stmt, NULL);
}

enum pg_status tx_admit(struct tx *tx)
{
    bool locked = false;
    enum pg_status st = quota_free_moved(tx);
    while (st == PG_OK && (tx->offer_count > 0 || !locked)) {
        struct offer *offers = tx->offers;
        struct fallen fallen;
        size_t count = tx->offer_count;
        tx->offers = NULL;
        tx->offer_count = tx->offer_cap = 0;
        fallen_init(&fallen);
        tidy(tx, offers, &count);
        if (count > 0) st = split_known(tx, offers, &count, &fallen);
        if (st == PG_OK) st = quota_apply(tx, offers, &count);
        if (st == PG_OK) st = learn_hosts(tx, offers, count);
        if (st == PG_OK && (!locked || count > 0)) st = lock_hosts(tx, offers, count);
        locked = true;
        if (st == PG_OK) st = admit_new(tx, offers, count);
        if (st == PG_OK) st = admit_fallen(tx, &fallen);
        if (st == PG_OK) st = write_dates(tx, &fallen);
        for (size_t i = 0; i < count; i++) tx_offer_release(&offers[i]);
        free(offers);
        fallen_release(&fallen);
    }
    return st;
}
