/* One transaction of the writer: loading rows, changing them in memory; contract in tx.h. */
#include "writer/tx.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "writer/frontier.h"

void tx_init(struct tx *tx, struct writer *writer, struct pg *pg)
{
    *tx = (struct tx){.pg = pg, .writer = writer};
    pg_params_init(&tx->params);
    pg_array_init(&tx->at_page, PG_INT8);
    pg_array_init(&tx->at_release, PG_INT8);
    pg_array_init(&tx->at_code, PG_TEXT);
    pg_array_init(&tx->at_detail, PG_TEXT);
    pg_array_init(&tx->at_status, PG_INT8);
    pg_array_init(&tx->at_bytes, PG_INT8);
    pg_array_init(&tx->at_ms, PG_INT8);
    pg_array_init(&tx->br_queue, PG_TEXT);
    pg_array_init(&tx->br_id, PG_TEXT);
    pg_array_init(&tx->br_reason, PG_TEXT);
    pg_array_init(&tx->br_body, PG_BYTEA);
    pg_array_init(&tx->bq_reason, PG_TEXT);
    pg_array_init(&tx->bq_body, PG_BYTEA);
}

static void release_crawls(struct tx *tx)
{
    for (size_t i = 0; i < tx->crawl_count; i++) {
        struct crawl_row *c = &tx->crawls[i];
        for (size_t k = 0; k < c->host_count; k++) free(c->hosts[k]);
        for (size_t k = 0; k < REFUSED_COUNT; k++) free(c->refused_sample[k]);
        free(c->hosts);
    }
    free(tx->crawls);
}

void tx_release(struct tx *tx)
{
    release_crawls(tx);
    for (size_t i = 0; i < tx->page_count; i++) {
        free(tx->pages[i].url);
        free(tx->pages[i].detail);
    }
    for (size_t i = 0; i < tx->offer_count; i++) tx_offer_release(&tx->offers[i]);
    free(tx->pages);
    free(tx->offers);
    free(tx->ends);
    free(tx->robots);
    free(tx->completed);
    free(tx->again);
    free(tx->want_pages);
    free(tx->want_crawls);
    struct pg_array *arrays[] = {&tx->at_page,  &tx->at_release, &tx->at_code,   &tx->at_detail, &tx->at_status, &tx->at_bytes, &tx->at_ms,
                                 &tx->br_queue, &tx->br_id,      &tx->br_reason, &tx->br_body,   &tx->bq_reason, &tx->bq_body};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) pg_array_release(arrays[i]);
    pg_params_release(&tx->params);
}

enum pg_status tx_run(struct tx *tx, const struct pg_stmt *stmt, struct pg_result **result_r)
{
    return pg_run(tx->pg, stmt, &tx->params, result_r);
}

enum pg_status tx_begin(struct tx *tx)
{
    return pg_exec(tx->pg, "BEGIN");
}

enum pg_status tx_begin_storing(struct tx *tx)
{
    return pg_exec(tx->pg, "BEGIN; SELECT pg_advisory_xact_lock_shared(72747282)");
}

enum pg_status tx_commit(struct tx *tx)
{
    return pg_exec(tx->pg, "COMMIT");
}

enum pg_status tx_finish(struct tx *tx, enum pg_status st)
{
    if (st == PG_OK) st = tx_commit(tx);
    for (size_t i = 0; st == PG_OK && i < tx->completed_count; i++) frontier_log_completed(tx->writer, tx->completed[i]);
    if (st != PG_OK && pg_connected(tx->pg)) pg_exec(tx->pg, "ROLLBACK");
    return st;
}

/* ---- loading ---- */

void tx_want_page(struct tx *tx, int64_t id)
{
    tx->want_pages = mem_grow(tx->want_pages, &tx->want_page_cap, tx->want_page_count + 1, sizeof *tx->want_pages);
    tx->want_pages[tx->want_page_count++] = id;
}

void tx_want_crawl(struct tx *tx, int64_t id)
{
    tx->want_crawls = mem_grow(tx->want_crawls, &tx->want_crawl_cap, tx->want_crawl_count + 1, sizeof *tx->want_crawls);
    tx->want_crawls[tx->want_crawl_count++] = id;
}

static void add_ids(struct tx *tx, const int64_t *ids, size_t n)
{
    struct pg_array a;
    pg_array_init(&a, PG_INT8);
    for (size_t i = 0; i < n; i++) pg_array_int(&a, ids[i]);
    pg_add_array(&tx->params, &a);
    pg_array_release(&a);
}

static enum scope scope_parse(const char *s)
{
    if (strcmp(s, "subdomains") == 0) return SCOPE_SUBDOMAINS;
    if (strcmp(s, "domain") == 0) return SCOPE_DOMAIN;
    if (strcmp(s, "any") == 0) return SCOPE_ANY;
    return SCOPE_HOST;
}

static enum pg_status load_crawls(struct tx *tx)
{
#define WANTED                                                                                                                             \
    "SELECT id, is_inbox, state = 'running', scope, max_depth, max_pages, priority, places, kept, begun, admitted, open, "                 \
    "paused_at IS NOT NULL, cancel_at IS NOT NULL, ignore_noindex, ignore_nofollow, "                                                      \
    "array_position(ARRAY['include', 'only'], sitemap), feeds, event, purge_at IS NOT NULL FROM crawl "                                    \
    "WHERE id = ANY(ARRAY(SELECT unnest($1) UNION SELECT crawl_id FROM page WHERE id = ANY($2))) ORDER BY id"
    static const struct pg_stmt lock = {"lock_crawls", WANTED " FOR UPDATE"}, look = {"look_at_crawls", WANTED};
#undef WANTED
    struct pg_result *r;
    pg_params_reset(&tx->params);
    add_ids(tx, tx->want_crawls, tx->want_crawl_count);
    add_ids(tx, tx->want_pages, tx->want_page_count);
    enum pg_status st = tx_run(tx, tx->looks ? &look : &lock, &r);
    if (st != PG_OK) return st;
    tx->crawl_count = (size_t)pg_rows(r);
    tx->crawls = mem_calloc(tx->crawl_count, sizeof *tx->crawls);
    for (int i = 0; i < pg_rows(r); i++)
        tx->crawls[i] = (struct crawl_row){.id = pg_int(r, i, 0),
                                           .is_inbox = pg_bool(r, i, 1),
                                           .running = pg_bool(r, i, 2),
                                           .scope = scope_parse(pg_text(r, i, 3)),
                                           .max_depth = pg_int(r, i, 4),
                                           .max_pages = pg_int(r, i, 5),
                                           .priority = pg_int(r, i, 6),
                                           .places = pg_int(r, i, 7),
                                           .kept = pg_int(r, i, 8),
                                           .begun = pg_int(r, i, 9),
                                           .admitted = pg_int(r, i, 10),
                                           .open = pg_int(r, i, 11),
                                           .paused = pg_bool(r, i, 12),
                                           .cancelled = pg_bool(r, i, 13),
                                           .ignore_noindex = pg_bool(r, i, 14),
                                           .ignore_nofollow = pg_bool(r, i, 15),
                                           .sitemap = (enum sitemap)pg_int(r, i, 16), /* null: 0 */
                                           .feeds = pg_bool(r, i, 17),
                                           .event = pg_int(r, i, 18),
                                           .deleted = pg_bool(r, i, 19)};
    pg_result_free(r);
    return PG_OK;
}

static enum pg_status load_scopes(struct tx *tx)
{
    static const struct pg_stmt stmt = {"load_scopes", "SELECT crawl_id, name FROM crawl_host WHERE crawl_id = ANY($1)"};
    struct pg_result *r;
    struct pg_array ids;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < tx->crawl_count; i++) pg_array_int(&ids, tx->crawls[i].id);
    pg_params_reset(&tx->params);
    pg_add_array(&tx->params, &ids);
    pg_array_release(&ids);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    for (int i = 0; i < pg_rows(r); i++) {
        struct crawl_row *c = tx_crawl(tx, pg_int(r, i, 0));
        c->hosts = mem_grow(c->hosts, &c->host_cap, c->host_count + 1, sizeof *c->hosts);
        c->hosts[c->host_count++] = mem_strdup(pg_text(r, i, 1));
    }
    pg_result_free(r);
    return PG_OK;
}

static enum page_state state_parse(const char *name)
{
    for (int s = 0; s < STATE_COUNT; s++)
        if (strcmp(name, state_name((enum page_state)s)) == 0) return (enum page_state)s;
    log_panic("unknown page state %s", name);
}

static const char *const news_names[NEWS_COUNT] = {
    [NEWS_ADDED] = "added", [NEWS_CHANGED] = "changed", [NEWS_UNCHANGED] = "unchanged", [NEWS_GONE] = "gone", [NEWS_FAILED] = "failed"};

const char *news_name(enum news news)
{
    return news_names[news];
}

enum news news_parse(const char *name)
{
    for (int n = 1; n < NEWS_COUNT; n++)
        if (strcmp(name, news_names[n]) == 0) return (enum news)n;
    return NEWS_NONE;
}

static void read_page(struct page_row *p, const struct pg_result *r, int i)
{
    *p = (struct page_row){.id = pg_int(r, i, 0),
                           .crawl_id = pg_int(r, i, 1),
                           .host_id = pg_int(r, i, 2),
                           .url = mem_strdup(pg_text(r, i, 3)),
                           .state = state_parse(pg_text(r, i, 4)),
                           .release = pg_int(r, i, 5),
                           .void_release = pg_int(r, i, 6),
                           .depth = pg_int(r, i, 7),
                           .hops = pg_int(r, i, 8),
                           .failures = pg_int(r, i, 9),
                           .losses = pg_int(r, i, 10),
                           .returns = pg_int(r, i, 11),
                           .has_place = pg_bool(r, i, 12),
                           .has_hash = !pg_is_null(r, i, 13),
                           .has_recipe = !pg_is_null(r, i, 14),
                           .was_gone = pg_bool(r, i, 15),
                           .news = news_parse(pg_text(r, i, 16)),
                           .part = pg_int(r, i, 17),
                           .code = CODE_COUNT};
    p->old_state = p->state;
    p->had_place = p->has_place;
    p->has_text = p->has_hash && !p->was_gone;
    if (p->has_hash) digest_parse(pg_text(r, i, 13), &p->content_hash);
    if (p->has_recipe) digest_parse(pg_text(r, i, 14), &p->recipe_hash);
}

static enum pg_status load_pages(struct tx *tx)
{
    static const struct pg_stmt stmt = {
        "load_pages",
        "SELECT id, crawl_id, host_id, url, state, release, void_release, depth, hops, failures, losses, returns, "
        "has_place, replace(content_hash::text, '-', ''), replace(recipe_hash::text, '-', ''), gone_at IS NOT NULL, news, part "
        "FROM page WHERE id = ANY($1) ORDER BY id"};
    struct pg_result *r;
    if (tx->want_page_count == 0) return PG_OK;
    pg_params_reset(&tx->params);
    add_ids(tx, tx->want_pages, tx->want_page_count);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    tx->page_count = (size_t)pg_rows(r);
    tx->pages = mem_calloc(tx->page_count, sizeof *tx->pages);
    for (int i = 0; i < pg_rows(r); i++) {
        read_page(&tx->pages[i], r, i);
        tx->pages[i].cancelled = tx_crawl(tx, tx->pages[i].crawl_id)->cancelled;
    }
    pg_result_free(r);
    return PG_OK;
}

enum pg_status tx_load(struct tx *tx)
{
    if (tx->want_page_count == 0 && tx->want_crawl_count == 0) return PG_OK;
    enum pg_status st = load_crawls(tx);
    if (st == PG_OK && tx->crawl_count > 0) st = load_scopes(tx);
    if (st == PG_OK) st = load_pages(tx);
    return st;
}

static int by_id(const void *key, const void *row)
{
    int64_t a = *(const int64_t *)key, b = *(const int64_t *)row;
    return a < b ? -1 : a > b;
}

struct crawl_row *tx_crawl(struct tx *tx, int64_t id)
{
    return tx->crawl_count ? bsearch(&id, tx->crawls, tx->crawl_count, sizeof *tx->crawls, by_id) : NULL;
}

struct page_row *tx_page(struct tx *tx, int64_t id)
{
    return tx->page_count ? bsearch(&id, tx->pages, tx->page_count, sizeof *tx->pages, by_id) : NULL;
}

_Static_assert(offsetof(struct crawl_row, id) == 0 && offsetof(struct page_row, id) == 0, "by_id reads the id first");

/* ---- gathering ---- */

void tx_offer(struct tx *tx, const struct offer *offer)
{
    const struct crawl_row *crawl = tx_crawl(tx, offer->crawl_id);
    if (crawl && crawl->cancelled) {
        tx_offer_release(offer);
        return;
    }
    tx->offers = mem_grow(tx->offers, &tx->offer_cap, tx->offer_count + 1, sizeof *tx->offers);
    tx->offers[tx->offer_count++] = *offer;
}

void tx_offer_release(const struct offer *o)
{
    free(o->url);
    free(o->host);
    free(o->shape);
}

void tx_end_ticket(struct tx *tx, const struct ticket_end *end)
{
    tx->ends = mem_grow(tx->ends, &tx->end_cap, tx->end_count + 1, sizeof *tx->ends);
    tx->ends[tx->end_count++] = *end;
}

void tx_robots(struct tx *tx, const struct record *robots, bool excused)
{
    tx->robots = mem_grow(tx->robots, &tx->robots_cap, tx->robots_count + 1, sizeof *tx->robots);
    tx->robots[tx->robots_count++] = (struct robots_answer){robots, excused};
}

void tx_again(struct tx *tx, const struct record *r)
{
    tx->again = mem_grow(tx->again, &tx->again_cap, tx->again_count + 1, sizeof *tx->again);
    tx->again[tx->again_count++] = r;
}

void tx_attempt(struct tx *tx, const struct page_row *page, int64_t release, enum code code, const char *detail, const struct record *r)
{
    int64_t ms = r && r->taken_at && r->fetched_at > r->taken_at ? r->fetched_at - r->taken_at : 0;
    pg_array_int(&tx->at_page, page->id);
    pg_array_int(&tx->at_release, release);
    pg_array_text(&tx->at_code, code_name(code));
    pg_array_text(&tx->at_detail, detail);
    pg_array_int(&tx->at_status, r ? r->status : 0);
    pg_array_int(&tx->at_bytes, r ? r->bytes : 0);
    pg_array_int(&tx->at_ms, ms);
}

/* A text of foreign origin: what is no UTF-8 would be refused for ever. */
static void add_clean(struct pg_array *column, const char *text)
{
    struct buf clean;
    buf_init(&clean, 3 * strlen(text) + 1);
    utf8_clean(&clean, text, strlen(text));
    pg_array_text(column, buf_str(&clean));
    buf_release(&clean);
}

void tx_bad_record(struct tx *tx, const char *queue, const char *message_id, const char *reason, const void *body, size_t n)
{
    pg_array_text(&tx->br_queue, queue);
    add_clean(&tx->br_id, message_id);
    add_clean(&tx->br_reason, reason);
    pg_array_bytes(&tx->br_body, body, n < LIMIT_BAD_BYTES ? n : LIMIT_BAD_BYTES);
}

void tx_bad_request(struct tx *tx, const char *reason, const void *body, size_t n)
{
    pg_array_text(&tx->bq_reason, reason);
    pg_array_bytes(&tx->bq_body, body, n < LIMIT_BAD_BYTES ? n : LIMIT_BAD_BYTES);
}

void tx_refuse(struct crawl_row *crawl, enum refusal rule, int64_t count, const char *sample)
{
    if (count <= 0) return;
    crawl->refused[rule] += count;
    if (!crawl->refused_sample[rule]) crawl->refused_sample[rule] = mem_strdup(sample);
}

int64_t tx_number(struct crawl_row *crawl)
{
    return crawl->event + ++crawl->d_events;
}

/* ---- states ---- */

static void set_outcome(struct page_row *p, enum code code, const char *detail)
{
    p->dirty = true;
    p->code = code;
    free(p->detail);
    p->detail = mem_strdup(detail);
}

void tx_page_end(struct page_row *p, enum code code, const char *detail, const struct record *r)
{
    if (p->cancelled && code_state(code) != STATE_STORED && code != CODE_UNCHANGED) code = CODE_CANCELLED;
    set_outcome(p, code, detail);
    p->state = code_state(code);
    p->void_release = p->release;
    p->waits = WAITS_NOT;
    if (r) p->record = r;
    /* stored and UNCHANGED keep their place in the limit */
    if (p->state != STATE_STORED && code != CODE_UNCHANGED) p->has_place = false;
}

void tx_page_await(struct page_row *p, const struct record *r)
{
    p->dirty = true;
    p->awaits = true;
    p->record = r;
    p->state = STATE_SCHEDULED;
    p->waits = WAITS_NOT;
}

void tx_page_wait(struct page_row *p, enum waits waits, int64_t delay_ms, enum code code, const char *detail)
{
    if (p->cancelled) {
        tx_page_end(p, CODE_CANCELLED, detail, NULL);
        return;
    }
    set_outcome(p, code, detail);
    p->state = STATE_REGISTERED;
    p->waits = waits;
    p->delay_ms = delay_ms;
}
