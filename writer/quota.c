/* Counted bounds; contract in quota.h. */
#include "writer/quota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/limits.h"
#include "writer/rules.h"

/* One wish to be counted: an offer under a rule. */
struct claim {
    enum refusal rule;
    const char *name;
    int64_t crawl_id, bound;
    struct offer *offer;
    size_t place; /* of the offer */
};

struct claims {
    struct claim *items;
    size_t count, cap;
};

static void claim(struct claims *c, struct offer *o, size_t place, enum refusal rule, const char *name, int64_t bound)
{
    c->items = mem_grow(c->items, &c->cap, c->count + 1, sizeof *c->items);
    c->items[c->count++] = (struct claim){.rule = rule, .name = name, .crawl_id = o->crawl_id, .bound = bound, .offer = o, .place = place};
}

static void gather(struct tx *tx, struct offer *offers, size_t count, struct claims *c)
{
    for (size_t i = 0; i < count; i++) {
        const struct crawl_row *crawl = tx_crawl(tx, offers[i].crawl_id);
        int64_t per_host = crawl && crawl->rules ? rules_per_host(crawl->rules) : 0;
        if (per_host) claim(c, &offers[i], i, REFUSED_PER_HOST, offers[i].host, per_host);
        if (offers[i].shape) claim(c, &offers[i], i, REFUSED_CALENDAR, offers[i].shape, GUARD_CALENDAR);
    }
}

static int by_group(const struct claim *x, const struct claim *y)
{
    if (x->crawl_id != y->crawl_id) return x->crawl_id < y->crawl_id ? -1 : 1;
    if (x->rule != y->rule) return x->rule < y->rule ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_group_and_rank(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = by_group(x, y);
    if (order) return order;
    bool xt = x->offer->hops > 0, yt = y->offer->hops > 0;
    if (xt != yt) return xt ? -1 : 1;
    if (x->offer->depth != y->offer->depth) return x->offer->depth < y->offer->depth ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* counts_r: for each claim that begins a group, what is counted; the lock of the crawl keeps it. */
static enum pg_status read_counts(struct tx *tx, const struct claims *c, int64_t *counts_r)
{
    static const struct pg_stmt stmt = {
        "quota_read",
        "SELECT u.place, q.pages FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS u (place, crawl_id, rule, "
        "name) JOIN quota q ON q.crawl_id = ANY(ARRAY[u.crawl_id]) AND q.rule = u.rule AND q.name = u.name"};
    static const enum pg_type types[] = {PG_INT8, PG_INT8, PG_TEXT, PG_TEXT};
    struct pg_array columns[4];
    struct pg_result *r;
    for (size_t k = 0; k < 4; k++) pg_array_init(&columns[k], types[k]);
    for (size_t i = 0; i < c->count; i++) {
        if (i > 0 && by_group(&c->items[i - 1], &c->items[i]) == 0) continue;
        pg_array_int(&columns[0], (int64_t)i);
        pg_array_int(&columns[1], c->items[i].crawl_id);
        pg_array_text(&columns[2], refusal_name(c->items[i].rule));
        pg_array_text(&columns[3], c->items[i].name);
    }
    pg_params_reset(&tx->params);
    for (size_t k = 0; k < 4; k++) pg_add_array(&tx->params, &columns[k]);
    enum pg_status st = tx_run(tx, &stmt, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) counts_r[pg_int(r, i, 0)] = pg_int(r, i, 1);
    pg_result_free(r);
    for (size_t k = 0; k < 4; k++) pg_array_release(&columns[k]);
    return st;
}

/* One group after the other: per_host comes before calendar, so what the first refuses is not counted by the second. */
static void decide(struct tx *tx, struct claims *c, const int64_t *counts, bool *refused)
{
    int64_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct claim *one = &c->items[i];
        if (i == 0 || by_group(one - 1, one) != 0) count = counts[i];
        if (refused[one->place]) {
            one->bound = 0;
        } else if (count >= one->bound) {
            one->bound = 0;
            refused[one->place] = true;
            tx_refuse(tx_crawl(tx, one->crawl_id), one->rule, 1, one->offer->url);
        } else {
            count++;
        }
    }
    /* A calendar's refusal gives the host's count back. That place stays free until the next transaction. */
    for (size_t i = 0; i < c->count; i++)
        if (refused[c->items[i].place]) c->items[i].bound = 0;
}

static enum pg_status write_counts(struct tx *tx, const struct claims *c)
{
    static const struct pg_stmt stmt = {
        "quota_write", "INSERT INTO quota AS q (crawl_id, rule, name, pages) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], "
                       "$4::bigint[]) ON CONFLICT (crawl_id, rule, name) DO UPDATE SET pages = q.pages + excluded.pages"};
    static const enum pg_type types[] = {PG_INT8, PG_TEXT, PG_TEXT, PG_INT8};
    struct pg_array columns[4];
    enum pg_status st = PG_OK;
    for (size_t k = 0; k < 4; k++) pg_array_init(&columns[k], types[k]);
    for (size_t i = 0; i < c->count;) {
        int64_t more = 0;
        size_t begin = i;
        for (; i < c->count && by_group(&c->items[begin], &c->items[i]) == 0; i++) more += c->items[i].bound > 0;
        if (more == 0) continue;
        pg_array_int(&columns[0], c->items[begin].crawl_id);
        pg_array_text(&columns[1], refusal_name(c->items[begin].rule));
        pg_array_text(&columns[2], c->items[begin].name);
        pg_array_int(&columns[3], more);
    }
    if (columns[0].count > 0) {
        pg_params_reset(&tx->params);
        for (size_t k = 0; k < 4; k++) pg_add_array(&tx->params, &columns[k]);
        st = tx_run(tx, &stmt, NULL);
    }
    for (size_t k = 0; k < 4; k++) pg_array_release(&columns[k]);
    return st;
}

static void drop_refused(struct offer *offers, size_t *count, const bool *refused)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (refused[i])
            tx_offer_release(&offers[i]);
        else
            offers[kept++] = offers[i];
    }
    *count = kept;
}

enum pg_status quota_apply(struct tx *tx, struct offer *offers, size_t *count)
{
    struct claims c = {.count = 0};
    enum pg_status st = PG_OK;
    gather(tx, offers, *count, &c);
    if (c.count > 0) {
        int64_t *counts = mem_calloc(c.count, sizeof *counts);
        bool *refused = mem_calloc(*count, sizeof *refused);
        qsort(c.items, c.count, sizeof *c.items, by_group_and_rank);
        st = read_counts(tx, &c, counts);
        if (st == PG_OK) decide(tx, &c, counts, refused);
        if (st == PG_OK) st = write_counts(tx, &c);
        if (st == PG_OK) drop_refused(offers, count, refused);
        free(counts);
        free(refused);
    }
    free(c.items);
    return st;
}

enum pg_status quota_ask(struct tx *tx, struct offer *offer, enum refusal *refusal_r, char *why, size_t why_size)
{
    struct claims c = {.count = 0};
    int64_t counts[2] = {0}; /* a page is counted by two rules at most */
    enum pg_status st = PG_OK;
    *refusal_r = REFUSED_NOT;
    gather(tx, offer, 1, &c);
    if (c.count > 0) st = read_counts(tx, &c, counts);
    for (size_t i = 0; st == PG_OK && i < c.count && *refusal_r == REFUSED_NOT; i++) {
        if (counts[i] < c.items[i].bound) continue;
        *refusal_r = c.items[i].rule;
        snprintf(why, why_size, "%s: %lld of %lld", c.items[i].name, (long long)counts[i], (long long)c.items[i].bound);
    }
    free(c.items);
    return st;
}

enum pg_status quota_free_moved(struct tx *tx)
{
    static const struct pg_stmt stmt = {
        "quota_moved", "WITH gone AS (UPDATE page SET moved = true WHERE id = ANY($1) AND NOT moved RETURNING crawl_id, host_id), "
                       "n AS (SELECT g.crawl_id, h.name, count(*) AS pages FROM gone g JOIN host h ON h.id = ANY(ARRAY[g.host_id]) "
                       "GROUP BY g.crawl_id, h.name) "
                       "UPDATE quota q SET pages = q.pages - n.pages FROM n "
                       "WHERE q.crawl_id = ANY(ARRAY[n.crawl_id]) AND q.rule = 'per_host' AND q.name = n.name"};
    struct pg_array ids;
    enum pg_status st = PG_OK;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < tx->page_count; i++) {
        const struct page_row *p = &tx->pages[i];
        const struct crawl_row *crawl = tx_crawl(tx, p->crawl_id);
        if (p->redirects && crawl && crawl->rules && rules_per_host(crawl->rules)) pg_array_int(&ids, p->id);
    }
    if (ids.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &ids);
        st = tx_run(tx, &stmt, NULL);
    }
    pg_array_release(&ids);
    return st;
}
