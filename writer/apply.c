/* Writing what was decided in memory; contract in tx.h. Everything is one statement a table, rows sorted. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/zip.h"
#include "line/limits.h"
#include "writer/awaited.h"
#include "writer/found.h"
#include "writer/host_clock.h"
#include "writer/resummary.h"
#include "writer/tx.h"
#include "writer/writer.h"

/* Runs a statement whose parameters are these columns, unless there is no row. */
static enum pg_status run_columns(struct tx *tx, const struct pg_stmt *stmt, const struct pg_array *columns, size_t n)
{
    if (columns[0].count == 0) return PG_OK;
    pg_params_reset(&tx->params);
    for (size_t i = 0; i < n; i++) pg_add_array(&tx->params, &columns[i]);
    return tx_run(tx, stmt, NULL);
}

static void init_columns(struct pg_array *columns, const enum pg_type *types, size_t n)
{
    for (size_t i = 0; i < n; i++) pg_array_init(&columns[i], types[i]);
}

static void release_columns(struct pg_array *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) pg_array_release(&columns[i]);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_hash(struct pg_array *column, const char *hex)
{
    struct digest d;
    bool ok = hex && digest_parse(hex, &d) == 0;
    pg_array_uuid(column, ok ? &d : NULL);
}

static bool is_stored(const struct page_row *p)
{
    return p->dirty && p->state == STATE_STORED && p->record && p->record->text;
}

/* ---- links kept for a shorter way, and for the next run ---- */

static void add_line(void *context, enum found how, const char *url, int64_t date)
{
    struct buf *text = context;
    (void)date; /* of interest when it was said */
    buf_add_str(text, found_kind(how)->mark);
    buf_add_str(text, url);
    buf_add_char(text, '\n');
}

static void add_links(struct pg_array columns[4], const struct crawl_row *crawl, const struct page_row *p, bool lasting)
{
    struct buf text, packed;
    buf_init(&text, LIMIT_KEPT_LINKS);
    buf_init(&packed, 2 * LIMIT_LIST_BYTES);
    found_each(crawl, p->url, p->record, add_line, &text);
    if (!buf_failed(&text) && zip_pack(&packed, buf_str(&text), text.len)) {
        pg_array_int(&columns[0], p->id);
        pg_array_int(&columns[1], p->crawl_id);
        pg_array_bytes(&columns[2], packed.data, packed.len);
        pg_array_bool(&columns[3], lasting);
    }
    buf_release(&text);
    buf_release(&packed);
}

enum pg_status tx_write_links(struct tx *tx)
{
    static const struct pg_stmt stmt = {"write_links",
                                        "INSERT INTO page_links (page_id, crawl_id, links, lasting) SELECT * FROM unnest($1::bigint[], "
                                        "$2::bigint[], $3::bytea[], $4::bool[]) ON CONFLICT (page_id) DO UPDATE SET "
                                        "links = excluded.links, lasting = excluded.lasting"};
    static const enum pg_type types[] = {PG_INT8, PG_INT8, PG_BYTEA, PG_BOOL};
    struct pg_array columns[COUNT(types)];
    init_columns(columns, types, COUNT(types));
    for (size_t i = 0; i < tx->page_count; i++) {
        const struct page_row *p = &tx->pages[i];
        const struct record *r = p->record;
        bool ended = p->dirty && p->state >= STATE_STORED && r && p->code != CODE_UNCHANGED && p->code != CODE_CANCELLED;
        if (!ended) continue;
        /* For the day when we are told that the page is as it was. */
        bool lasting = is_stored(p) && (r->etag || r->last_modified);
        bool leads = r->links.count > 0 || r->next || r->feeds, may_fall = p->depth > 0 || p->part > 0;
        if (leads ? lasting || may_fall : lasting && p->has_text) add_links(columns, tx_crawl(tx, p->crawl_id), p, lasting);
    }
    enum pg_status st = run_columns(tx, &stmt, columns, COUNT(types));
    release_columns(columns, COUNT(types));
    return st;
}

/* ---- articles and summaries ---- */

static int by_hash(const void *a, const void *b)
{
    const struct page_row *const *x = a, *const *y = b;
    int order = strcmp((*x)->record->hash, (*y)->record->hash);
    return order ? order : strcmp((*x)->record->recipe, (*y)->record->recipe);
}

static enum pg_status write_articles(struct tx *tx)
{
    static const struct pg_stmt article = {"write_articles",
                                           "INSERT INTO article (content_hash, text, markdown) SELECT * FROM unnest($1::uuid[], "
                                           "$2::text[], $3::text[]) ON CONFLICT DO NOTHING"};
    static const struct pg_stmt summary = {
        "write_summaries",
        "INSERT INTO summary (content_hash, recipe_hash, engine, model, text, tokens_in, tokens_out, detail) SELECT * FROM "
        "unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[]) ON CONFLICT (content_hash, recipe_hash) DO UPDATE "
        "SET engine = excluded.engine, model = excluded.model, text = excluded.text, tokens_in = excluded.tokens_in, "
        "tokens_out = excluded.tokens_out, owner = NULL, lease_until = NULL, failure = NULL, detail = excluded.detail WHERE summary.text IS NULL"};
    static const enum pg_type atypes[] = {PG_UUID, PG_TEXT, PG_TEXT};
    static const enum pg_type stypes[] = {PG_UUID, PG_UUID, PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8, PG_INT8, PG_TEXT};
    struct pg_array a[COUNT(atypes)], s[COUNT(stypes)];
    const struct page_row **rows = mem_calloc(tx->page_count, sizeof *rows);
    size_t n = 0;
    for (size_t i = 0; i < tx->page_count; i++)
        if (is_stored(&tx->pages[i])) rows[n++] = &tx->pages[i];
    if (n) qsort(rows, n, sizeof *rows, by_hash);
    init_columns(a, atypes, COUNT(atypes));
    init_columns(s, stypes, COUNT(stypes));
    for (size_t i = 0; i < n; i++) {
        const struct record *r = rows[i]->record;
        if (i > 0 && rows[i - 1]->record->summary && by_hash(&rows[i - 1], &rows[i]) == 0) continue;
        add_hash(&a[0], r->hash);
        pg_array_text(&a[1], r->text);
        pg_array_text(&a[2], r->markdown);
        if (!r->summary) continue; /* owed */
        add_hash(&s[0], r->hash);
        add_hash(&s[1], r->recipe);
        pg_array_text(&s[2], r->engine);
        pg_array_text(&s[3], r->model);
        pg_array_text(&s[4], r->summary);
        pg_array_int(&s[5], r->tokens_in);
        pg_array_int(&s[6], r->tokens_out);
        pg_array_text(&s[7], r->reason ? NULL : r->detail); /* of a reason: it is the page's */
    }
    enum pg_status st = run_columns(tx, &article, a, COUNT(atypes));
    if (st == PG_OK) st = run_columns(tx, &summary, s, COUNT(stypes));
    release_columns(a, COUNT(atypes));
    release_columns(s, COUNT(stypes));
    free(rows);
    return st;
}

/* ---- pages ---- */

static const char PAGES_SQL[] =
    "UPDATE page p SET state = u.state::page_state, code = coalesce(u.code, p.code), "
    "detail = CASE WHEN u.code IS NULL THEN p.detail ELSE u.detail END, void_release = u.void_release, has_place = u.has_place, "
    "failures = u.failures, losses = u.losses, returns = u.returns, "
    "ended_at = CASE WHEN u.state IN ('registered', 'scheduled') THEN NULL ELSE now() END, "
    "status = coalesce(nullif(u.status, 0), p.status), bytes = coalesce(nullif(u.bytes, 0), p.bytes), "
    "taken_at = coalesce(u.taken_at, p.taken_at), fetched_at = coalesce(u.fetched_at, p.fetched_at), "
    "parsed_at = coalesce(u.parsed_at, p.parsed_at), calculated_at = coalesce(u.calculated_at, p.calculated_at), "
    "content_hash = coalesce(u.content_hash, p.content_hash), recipe_hash = CASE WHEN u.forget THEN NULL ELSE coalesce(u.recipe_hash, p.recipe_hash) END, "
    "title = CASE WHEN u.takes THEN u.title ELSE p.title END, byline = CASE WHEN u.takes THEN u.byline ELSE p.byline END, "
    "published = CASE WHEN u.takes THEN u.published ELSE p.published END, lang = CASE WHEN u.takes THEN u.lang ELSE p.lang END, "
    "site = CASE WHEN u.takes THEN u.site ELSE p.site END, excerpt = CASE WHEN u.takes THEN u.excerpt ELSE p.excerpt END, "
    "canonical = CASE WHEN u.takes THEN u.canonical ELSE p.canonical END, words = CASE WHEN u.takes THEN nullif(u.words, 0) ELSE p.words END, "
    "etag = CASE WHEN u.takes THEN u.etag ELSE p.etag END, last_modified = CASE WHEN u.takes THEN u.last_modified ELSE p.last_modified END, "
    "reason = CASE WHEN u.takes THEN u.reason ELSE p.reason END, "
    "simhash = CASE WHEN u.takes THEN ('x' || u.simhash)::bit(64) ELSE p.simhash END, "
    "canonical_hash = CASE WHEN u.takes THEN u.canonical_hash ELSE p.canonical_hash END, "
    "news = u.news::page_news, gone_at = CASE WHEN u.state IN ('registered', 'scheduled') THEN p.gone_at WHEN u.news = 'gone' THEN now() "
    "WHEN u.news IN ('added', 'changed', 'unchanged') THEN NULL ELSE p.gone_at END, event = coalesce(nullif(u.event, 0), p.event) "
    "FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bool[], $7::bigint[], $8::bigint[], $9::bigint[], "
    "$10::bigint[], $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::uuid[], "
    "$17::uuid[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::bigint[], $26::text[], "
    "$27::text[], $28::text[], $29::bool[], $30::bool[], $31::text[], $32::text[], $33::uuid[], $34::bigint[]) AS u (id, state, code, detail, void_release, has_place, failures, losses, returns, status, bytes, taken_at, "
    "fetched_at, parsed_at, calculated_at, content_hash, recipe_hash, title, byline, published, lang, site, excerpt, canonical, words, "
    "etag, last_modified, reason, takes, forget, news, simhash, canonical_hash, event) WHERE p.id = ANY(ARRAY[u.id])";

/* What rel=canonical names, if it is another page. */
static void add_canonical(struct pg_array *column, const struct page_row *p, const char *canonical)
{
    bool other = canonical && strcmp(canonical, p->url) != 0;
    struct digest d = other ? digest_of(canonical, strlen(canonical)) : (struct digest){0};
    pg_array_uuid(column, other ? &d : NULL);
}

/* A text from before keeps its metadata until there is a new one. */
static bool takes_metadata(const struct page_row *p)
{
    return is_stored(p) || (!p->has_hash && p->state >= STATE_STORED && p->record);
}

static void add_page(struct pg_array *c, const struct page_row *p)
{
    static const struct record nothing;
    const struct record *r = p->record ? p->record : &nothing;
    pg_array_int(&c[0], p->id);
    pg_array_text(&c[1], state_name(p->state));
    pg_array_text(&c[2], p->code == CODE_COUNT ? NULL : code_name(p->code));
    pg_array_text(&c[3], p->detail);
    pg_array_int(&c[4], p->void_release);
    pg_array_bool(&c[5], p->has_place);
    pg_array_int(&c[6], p->failures);
    pg_array_int(&c[7], p->losses);
    pg_array_int(&c[8], p->returns);
    pg_array_int(&c[9], r->status);
    pg_array_int(&c[10], r->bytes);
    pg_array_time(&c[11], r->taken_at);
    pg_array_time(&c[12], r->fetched_at);
    pg_array_time(&c[13], r->parsed_at);
    pg_array_time(&c[14], r->calculated_at);
    add_hash(&c[15], is_stored(p) ? r->hash : NULL);
    add_hash(&c[16], is_stored(p) ? r->recipe : NULL);
    const char *texts[] = {r->title, r->byline, r->date, r->lang, r->site, r->excerpt, r->canonical};
    for (size_t i = 0; i < COUNT(texts); i++) pg_array_text(&c[17 + i], texts[i]);
    pg_array_int(&c[24], r->words);
    pg_array_text(&c[25], r->etag);
    pg_array_text(&c[26], r->last_modified);
    pg_array_text(&c[27], r->reason);
    pg_array_bool(&c[28], takes_metadata(p));
    pg_array_bool(&c[29], p->forget);
    pg_array_text(&c[30], news_name(p->news));
    pg_array_text(&c[31], r->simhash);
    add_canonical(&c[32], p, r->canonical);
    pg_array_int(&c[33], p->event);
}

static enum pg_status write_pages(struct tx *tx)
{
    static const struct pg_stmt stmt = {"write_pages", PAGES_SQL};
    static const enum pg_type types[] = {PG_INT8,        PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8,        PG_BOOL,        PG_INT8,
                                         PG_INT8,        PG_INT8, PG_INT8, PG_INT8, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ,
                                         PG_TIMESTAMPTZ, PG_UUID, PG_UUID, PG_TEXT, PG_TEXT,        PG_TEXT,        PG_TEXT,
                                         PG_TEXT,        PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT,        PG_TEXT,        PG_TEXT,
                                         PG_BOOL,        PG_BOOL, PG_TEXT, PG_TEXT, PG_UUID,        PG_INT8};
    struct pg_array columns[COUNT(types)];
    init_columns(columns, types, COUNT(types));
    for (size_t i = 0; i < tx->page_count; i++)
        if (tx->pages[i].dirty) add_page(columns, &tx->pages[i]);
    enum pg_status st = run_columns(tx, &stmt, columns, COUNT(types));
    release_columns(columns, COUNT(types));
    return st;
}

/* Rows of frontier and delayed follow the states: a page that was waiting and no longer is loses its row, one that waits
 * now gets one (and its host is looked at again). */
static enum pg_status write_waiting(struct tx *tx)
{
    static const struct pg_stmt unwait = {
        "unwait", "WITH f AS (DELETE FROM frontier WHERE page_id = ANY($1)) DELETE FROM delayed WHERE page_id = ANY($1)"};
    static const struct pg_stmt wait = {
        "wait_now",
        "WITH p AS (SELECT p.host_id, p.crawl_id, u.priority, p.depth, p.id FROM unnest($1::bigint[], $2::bigint[]) AS u (id, priority) "
        "JOIN page p ON p.id = ANY(ARRAY[u.id])), "
        "queued AS (INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id) SELECT * FROM p) "
        "UPDATE host SET next_at = greatest(free_at, now()) WHERE next_at = 'infinity' AND id = ANY(ARRAY(SELECT host_id FROM p))"};
    static const struct pg_stmt delay = {
        "wait_later", "INSERT INTO delayed (page_id, crawl_id, due_at) SELECT id, crawl_id, now() + ms * interval '1 ms' "
                      "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, crawl_id, ms)"};
    static const enum pg_type ints[] = {PG_INT8, PG_INT8, PG_INT8};
    struct pg_array out[1], now[2], later[3];
    init_columns(out, ints, 1);
    init_columns(now, ints, 2);
    init_columns(later, ints, 3);
    for (size_t i = 0; i < tx->page_count; i++) {
        const struct page_row *p = &tx->pages[i];
        if (!p->dirty) continue;
        if (p->old_state == STATE_REGISTERED) pg_array_int(&out[0], p->id);
        if (p->state == STATE_REGISTERED && p->waits == WAITS_FRONTIER) {
            pg_array_int(&now[0], p->id);
            pg_array_int(&now[1], tx_crawl(tx, p->crawl_id)->priority);
        } else if (p->state == STATE_REGISTERED && p->waits == WAITS_DELAYED) {
            pg_array_int(&later[0], p->id);
            pg_array_int(&later[1], p->crawl_id);
            pg_array_int(&later[2], p->delay_ms);
        }
    }
    if (now[0].count > 0) tx->admitted = true;
    enum pg_status st = run_columns(tx, &unwait, out, 1);
    if (st == PG_OK) st = run_columns(tx, &wait, now, 2);
    if (st == PG_OK) st = run_columns(tx, &delay, later, 3);
    release_columns(out, 1);
    release_columns(now, 2);
    release_columns(later, 3);
    return st;
}

static enum pg_status write_redirects(struct tx *tx)
{
    static const struct pg_stmt stmt = {
        "write_redirects", "UPDATE page p SET redirect_id = t.id FROM unnest($1::bigint[], $2::uuid[]) AS u (id, url_hash), "
                           "page t WHERE p.id = ANY(ARRAY[u.id]) AND t.crawl_id = ANY(ARRAY[p.crawl_id]) AND t.url_hash = u.url_hash"};
    static const enum pg_type types[] = {PG_INT8, PG_UUID};
    struct pg_array columns[COUNT(types)];
    init_columns(columns, types, COUNT(types));
    for (size_t i = 0; i < tx->page_count; i++) {
        if (!tx->pages[i].dirty || !tx->pages[i].redirects) continue;
        pg_array_int(&columns[0], tx->pages[i].id);
        pg_array_uuid(&columns[1], &tx->pages[i].redirect_hash);
    }
    enum pg_status st = run_columns(tx, &stmt, columns, COUNT(types));
    release_columns(columns, COUNT(types));
    return st;
}

/* ---- what else was noted ---- */

static enum pg_status write_notes(struct tx *tx)
{
    static const struct pg_stmt attempts = {
        "write_attempts",
        "INSERT INTO attempt (page_id, release, code, detail, status, bytes, ms) SELECT p, r, c, d, nullif(s, 0), nullif(b, 0), "
        "nullif(m, 0) FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]) "
        "AS u (p, r, c, d, s, b, m)"};
    static const struct pg_stmt bad_records = {"write_bad_records",
                                               "INSERT INTO bad_record (queue, message_id, reason, body) SELECT * FROM "
                                               "unnest($1::text[], $2::text[], $3::text[], $4::bytea[])"};
    static const struct pg_stmt bad_requests = {"write_bad_requests",
                                                "INSERT INTO bad_request (reason, body) SELECT * FROM unnest($1::text[], $2::bytea[])"};
    struct pg_array at[] = {tx->at_page, tx->at_release, tx->at_code, tx->at_detail, tx->at_status, tx->at_bytes, tx->at_ms};
    struct pg_array br[] = {tx->br_queue, tx->br_id, tx->br_reason, tx->br_body};
    struct pg_array bq[] = {tx->bq_reason, tx->bq_body};
    enum pg_status st = run_columns(tx, &attempts, at, COUNT(at));
    if (st == PG_OK) st = run_columns(tx, &bad_records, br, COUNT(br));
    if (st == PG_OK) st = run_columns(tx, &bad_requests, bq, COUNT(bq));
    return st;
}

/* ---- crawls ---- */

/* A page that had a text, and whose server answers with none: it says so, or gives a page without one, or points elsewhere. */
static bool is_gone(const struct page_row *p)
{
    static const enum code codes[] = {CODE_NO_ARTICLE, CODE_NOINDEX, CODE_UNSUPPORTED_TYPE, CODE_REDIRECTED};
    if (p->code == CODE_HTTP_4XX) return p->record && (p->record->status == 404 || p->record->status == 410);
    for (size_t i = 0; i < COUNT(codes); i++)
        if (p->code == codes[i]) return true;
    return false;
}

/* What the end of a page means for somebody who keeps a copy. */
static enum news news_of(const struct page_row *p)
{
    struct digest d;
    if (p->code == CODE_UNCHANGED) return NEWS_UNCHANGED;
    if (p->state == STATE_STORED) {
        if (!p->has_text) return NEWS_ADDED;
        bool same = p->record && digest_parse(p->record->hash, &d) == 0 && memcmp(d.bytes, p->content_hash.bytes, DIGEST_BYTES) == 0;
        return same ? NEWS_UNCHANGED : NEWS_CHANGED;
    }
    if (p->has_text && is_gone(p)) return NEWS_GONE;
    if (p->state != STATE_ERROR || (p->was_gone && is_gone(p))) return NEWS_NONE; /* still gone is no news */
    return NEWS_FAILED;
}

static void count_page(struct crawl_row *c, struct page_row *p)
{
    c->d_state[p->old_state]--;
    c->d_state[p->state]++;
    c->d_places += p->has_place - p->had_place;
    if (p->state == p->old_state || p->state < STATE_STORED) return;
    bool kept = p->state == STATE_STORED || p->code == CODE_UNCHANGED;
    p->event = tx_number(c);
    c->d_kept += kept;
    c->d_news[p->news]--;
    p->news = news_of(p);
    c->d_news[p->news]++;
}

static enum pg_status write_scopes_and_refusals(struct tx *tx)
{
    static const struct pg_stmt hosts = {
        "write_scopes", "INSERT INTO crawl_host (crawl_id, name) SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING"};
    static const struct pg_stmt refused = {
        "write_refused",
        "INSERT INTO refused AS r (crawl_id, rule, count, sample) SELECT c, k, n, ARRAY[s] FROM unnest($1::bigint[], $2::text[], "
        "$3::bigint[], $4::text[]) AS u (c, k, n, s) ON CONFLICT (crawl_id, rule) DO UPDATE SET count = r.count + excluded.count, "
        "sample = CASE WHEN cardinality(r.sample) < 20 THEN r.sample || excluded.sample ELSE r.sample END"};
    static const enum pg_type htypes[] = {PG_INT8, PG_TEXT}, rtypes[] = {PG_INT8, PG_TEXT, PG_INT8, PG_TEXT};
    struct pg_array h[COUNT(htypes)], r[COUNT(rtypes)];
    init_columns(h, htypes, COUNT(htypes));
    init_columns(r, rtypes, COUNT(rtypes));
    for (size_t i = 0; i < tx->crawl_count; i++) {
        const struct crawl_row *c = &tx->crawls[i];
        for (size_t k = c->host_count - c->new_hosts; k < c->host_count; k++) {
            pg_array_int(&h[0], c->id);
            pg_array_text(&h[1], c->hosts[k]);
        }
        for (int k = 0; k < REFUSED_COUNT; k++) {
            if (!c->refused[k]) continue;
            pg_array_int(&r[0], c->id);
            pg_array_text(&r[1], refusal_name((enum refusal)k));
            pg_array_int(&r[2], c->refused[k]);
            pg_array_text(&r[3], c->refused_sample[k]);
        }
    }
    enum pg_status st = run_columns(tx, &hosts, h, COUNT(htypes));
    if (st == PG_OK) st = run_columns(tx, &refused, r, COUNT(rtypes));
    release_columns(h, COUNT(htypes));
    release_columns(r, COUNT(rtypes));
    return st;
}

static const char CRAWLS_SQL[] =
    "UPDATE crawl c SET admitted = c.admitted + u.admitted, registered = c.registered + u.registered, scheduled = c.scheduled + u.scheduled, "
    "stored = c.stored + u.stored, skipped = c.skipped + u.skipped, errors = c.errors + u.errors, cancelled = c.cancelled + u.cancelled, "
    "open = c.open + u.registered + u.scheduled, places = c.places + u.places, begun = c.begun + u.begun, kept = c.kept + u.kept, "
    "added = c.added + u.added, changed = c.changed + u.changed, unchanged = c.unchanged + u.unchanged, gone = c.gone + u.gone, "
    "failed = c.failed + u.failed, event = c.event + u.events, "
    "rate = c.rate * exp(greatest(extract(epoch FROM c.rate_at - now())::double precision, -3000) / 60) + u.events, rate_at = now(), "
    "state = CASE WHEN NOT c.is_inbox AND c.state = 'running' AND c.again_after IS NULL AND c.open + u.registered + u.scheduled = 0 THEN "
    "CASE WHEN c.cancel_at IS NULL THEN 'completed'::crawl_state ELSE 'cancelled' END ELSE c.state END, "
    "paused_at = CASE WHEN NOT c.is_inbox AND c.again_after IS NULL AND c.open + u.registered + u.scheduled = 0 THEN NULL ELSE c.paused_at END, "
    "finished_at = CASE WHEN NOT c.is_inbox AND c.again_after IS NULL AND c.open + u.registered + u.scheduled = 0 THEN now() ELSE c.finished_at END "
    "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], "
    "$10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[]) AS u (id, admitted, registered, "
    "scheduled, stored, skipped, errors, cancelled, places, begun, kept, added, changed, unchanged, gone, failed, events) WHERE c.id = ANY(ARRAY[u.id]) "
    "RETURNING c.id, c.state <> 'running'";

/* Last, so that open is right when it is read: the crawl is completed by the transaction that ends its last page (law 6). */
enum pg_status tx_write_crawls(struct tx *tx)
{
    static const struct pg_stmt stmt = {"write_crawls", CRAWLS_SQL};
    enum { COLUMNS = 17 };
    struct pg_array columns[COLUMNS];
    struct pg_result *r;
    for (size_t i = 0; i < COLUMNS; i++) pg_array_init(&columns[i], PG_INT8);
    for (size_t i = 0; i < tx->crawl_count; i++) {
        const struct crawl_row *c = &tx->crawls[i];
        const int64_t values[COLUMNS] = {c->id,
                                         c->d_admitted,
                                         c->d_state[0],
                                         c->d_state[1],
                                         c->d_state[2],
                                         c->d_state[3],
                                         c->d_state[4],
                                         c->d_state[5],
                                         c->d_places,
                                         c->d_begun,
                                         c->d_kept,
                                         c->d_news[NEWS_ADDED],
                                         c->d_news[NEWS_CHANGED],
                                         c->d_news[NEWS_UNCHANGED],
                                         c->d_news[NEWS_GONE],
                                         c->d_news[NEWS_FAILED],
                                         c->d_events};
        for (size_t k = 0; k < COLUMNS; k++) pg_array_int(&columns[k], values[k]);
    }
    pg_params_reset(&tx->params);
    for (size_t k = 0; k < COLUMNS; k++) pg_add_array(&tx->params, &columns[k]);
    enum pg_status st = tx->crawl_count ? tx_run(tx, &stmt, &r) : PG_OK;
    for (int i = 0; tx->crawl_count && st == PG_OK && i < pg_rows(r); i++) {
        if (!pg_bool(r, i, 1) || !tx_crawl(tx, pg_int(r, i, 0))->running) continue;
        tx->completed = mem_grow(tx->completed, &tx->completed_cap, tx->completed_count + 1, sizeof *tx->completed);
        tx->completed[tx->completed_count++] = pg_int(r, i, 0);
    }
    if (tx->crawl_count && st == PG_OK) pg_result_free(r);
    release_columns(columns, COLUMNS);
    return st;
}

enum pg_status tx_write(struct tx *tx)
{
    for (size_t i = 0; i < tx->page_count; i++)
        if (tx->pages[i].dirty) count_page(tx_crawl(tx, tx->pages[i].crawl_id), &tx->pages[i]);
    enum pg_status st = write_articles(tx);
    if (st == PG_OK) st = write_pages(tx);
    if (st == PG_OK) st = awaited_write(tx);
    if (st == PG_OK) st = resummary_write(tx);
    if (st == PG_OK) st = write_waiting(tx);
    if (st == PG_OK) st = write_redirects(tx);
    if (st == PG_OK) st = host_clock_write(tx);
    if (st == PG_OK) st = tx_write_robots(tx);
    if (st == PG_OK) st = write_notes(tx);
    if (st == PG_OK) st = write_scopes_and_refusals(tx);
    if (st == PG_OK) st = tx_write_crawls(tx);
    /* Another writer leads: it must hear of this. NOTIFY takes a lock that all commits queue for, so not without need. */
    if (st == PG_OK && tx->admitted && !frontier_leads(tx->writer)) st = pg_exec(tx->pg, "NOTIFY gistmill");
    return st;
}
