/* Verdicts become states; contract in judge.h. */
#include "writer/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/host_clock.h"
#include "writer/scope.h"

int64_t judge_backoff_ms(int64_t failures)
{
    int64_t wait = writer_conf.backoff_ms;
    for (int64_t i = 1; i < failures && wait < writer_conf.backoff_max_ms; i++) wait *= 2;
    if (wait > writer_conf.backoff_max_ms) wait = writer_conf.backoff_max_ms;
    return wait + wait * (random() % 1000) / 4000; /* up to a quarter more: those that failed together part */
}

static void say(struct entry *e, const struct page_row *p, enum code code, const char *detail)
{
    e->judged = true;
    e->code = code;
    if (detail) snprintf(e->detail, sizeof e->detail, "%s", detail);
    if (!p) return;
    e->page_attempt = p->failures + 1;
    free(e->url);
    e->url = mem_strdup(p->url);
}

static bool is_open(const struct page_row *p)
{
    return p->state == STATE_REGISTERED || p->state == STATE_SCHEDULED;
}

/* Results count from any release after the last ending (law 5). */
static bool takes_result(const struct page_row *p, const struct record *r)
{
    return is_open(p) && r->release > p->void_release && r->release <= p->release;
}

/* Failures count only from the current release. */
static bool takes_failure(const struct page_row *p, const struct record *r)
{
    return p->state == STATE_SCHEDULED && r->release == p->release;
}

static void late(struct entry *e, const struct page_row *p, enum code code)
{
    say(e, p, code, "came too late, ignored");
}

static void end(struct tx *tx, struct entry *e, struct page_row *p, enum code code, const char *detail)
{
    const struct record *r = &e->record;
    say(e, p, code, detail);
    tx_attempt(tx, p, r->release, code, detail, r);
    tx_page_end(p, code, detail, r);
}

/* A try that failed but may be repeated. */
static void fail(struct tx *tx, struct entry *e, struct page_row *p, enum code code, const char *detail)
{
    const struct record *r = &e->record;
    if (e->excused) {
        say(e, p, code, detail);
        tx_attempt(tx, p, r->release, code, detail, r);
        tx_page_wait(p, WAITS_FRONTIER, 0, code, detail); /* its host's clock says when */
        p->record = r;
        return;
    }
    if (p->failures + 1 >= writer_conf.attempts) {
        p->failures++;
        end(tx, e, p, code, detail);
        return;
    }
    say(e, p, code, detail);
    p->failures++;
    tx_attempt(tx, p, r->release, code, detail, r);
    tx_page_wait(p, WAITS_DELAYED, judge_backoff_ms(p->failures), code, detail);
    p->record = r;
}

/* A loss counts no failure, but not for ever. */
static void lose(struct tx *tx, struct entry *e, struct page_row *p, const char *detail)
{
    p->losses++;
    if (p->losses >= LIMIT_LOSSES) {
        end(tx, e, p, CODE_LOST, detail);
        return;
    }
    say(e, p, CODE_LOST, detail);
    tx_page_wait(p, WAITS_FRONTIER, 0, CODE_COUNT, NULL);
}

/* Said to be as it was, but what it was is not stored (any more): asked for again, and not as a page that is known. What comes of
 * the release that said so is void, its ticket may still be out. */
static void forget(struct tx *tx, struct entry *e, struct page_row *p)
{
    p->forget = true;
    lose(tx, e, p, "as it was, but its summary is not stored");
    p->void_release = p->release;
}

/* What the page itself calls its address is offered as a link is. */
static void offer_canonical(struct tx *tx, const struct page_row *p, const struct record *r)
{
    struct crawl_row *crawl = tx_crawl(tx, p->crawl_id);
    if (r->canonical && strcmp(r->canonical, p->url) != 0 && !found_unwanted(crawl, r))
        scope_offer_one(tx, crawl, p, FOUND_LINK, r->canonical, 0);
}

/* ---- one function a kind of record ---- */

/* An article whose summary no budget allowed: stored without. */
static bool owes(const struct record *r)
{
    return !r->summary && r->recipe && r->reason && strcmp(r->reason, code_name(CODE_BUDGET_EXCEEDED)) == 0;
}

/* Another page's text is the same, and the model is being asked for it: the record is kept, with its links. */
static void judge_pending(struct entry *e, struct page_row *p)
{
    if (!takes_result(p, &e->record)) {
        late(e, p, CODE_OK);
        return;
    }
    say(e, p, CODE_OK, "waits for the summary of the same text");
    tx_page_await(p, &e->record);
}

static void judge_article(struct tx *tx, struct entry *e, struct page_row *p)
{
    const struct record *r = &e->record;
    if (r->again) {
        say(e, p, CODE_OK, "summarised again");
        tx_again(tx, r);
        return;
    }
    if (r->pending && r->recipe) {
        judge_pending(e, p);
        return;
    }
    bool kept = judge_is_kept(r);
    if (!kept && !owes(r) && (!r->summary || !r->recipe || !r->engine)) {
        say(e, p, CODE_BAD_RECORD, "no summary in it");
        if (takes_failure(p, r)) end(tx, e, p, CODE_BAD_RECORD, "no summary in it");
        return;
    }
    if (!takes_result(p, r)) {
        late(e, p, CODE_OK);
        return;
    }
    if (kept && !e->text_there) {
        forget(tx, e, p);
        return;
    }
    end(tx, e, p, owes(r) ? CODE_BUDGET_EXCEEDED : CODE_OK, r->detail);
    scope_offer_found(tx, tx_crawl(tx, p->crawl_id), p, r);
    offer_canonical(tx, p, r);
}

/* The server says that the page is as it was: a result like the article itself, links included. */
static void judge_unchanged(struct tx *tx, struct entry *e, struct page_row *p)
{
    if (!takes_result(p, &e->record)) {
        late(e, p, CODE_UNCHANGED);
    } else if (!e->text_there) {
        forget(tx, e, p);
    } else {
        end(tx, e, p, CODE_UNCHANGED, NULL);
        scope_offer_found(tx, tx_crawl(tx, p->crawl_id), p, &e->record);
    }
}

static void judge_empty(struct tx *tx, struct entry *e, struct page_row *p)
{
    enum code code = CODE_NO_ARTICLE;
    code_parse(e->record.code, &code);
    if (!takes_result(p, &e->record)) {
        late(e, p, code);
        return;
    }
    if (code_state(code) == STATE_STORED) code = CODE_NO_ARTICLE; /* there is nothing to store */
    end(tx, e, p, code, e->record.detail);
    scope_offer_found(tx, tx_crawl(tx, p->crawl_id), p, &e->record);
    if (code == CODE_NO_ARTICLE) offer_canonical(tx, p, &e->record);
}

static void judge_redirect(struct tx *tx, struct entry *e, struct page_row *p)
{
    const char *location = e->record.location;
    if (!location)
        end(tx, e, p, CODE_BAD_RESPONSE, "a redirect without a target");
    else if (e->loops)
        end(tx, e, p, CODE_REDIRECT_LOOP, location);
    else if (p->hops >= LIMIT_HOPS)
        end(tx, e, p, CODE_REDIRECT_LOOP, "more than 10 redirects one after the other");
    else {
        scope_offer_target(tx, tx_crawl(tx, p->crawl_id), p, location);
        end(tx, e, p, CODE_REDIRECTED, location);
    }
}

static void judge_verdict(struct tx *tx, struct entry *e, struct page_row *p)
{
    const struct record *r = &e->record;
    enum code code = CODE_BAD_RECORD;
    code_parse(r->code, &code);
    if (code == CODE_UNCHANGED)
        judge_unchanged(tx, e, p);
    else if (!takes_failure(p, r))
        late(e, p, code);
    else if (code == CODE_REDIRECTED)
        judge_redirect(tx, e, p);
    else if (code_verdict(code) == VERDICT_RETRY && code_state(code) != STATE_STORED)
        fail(tx, e, p, code, r->detail);
    else
        end(tx, e, p, code_state(code) == STATE_STORED ? CODE_BAD_RECORD : code, r->detail);
}

static void judge_fetched(struct entry *e, struct page_row *p)
{
    say(e, p, CODE_OK, "fetched");
    if (!takes_failure(p, &e->record) || p->awaits) return; /* the article says as much */
    p->dirty = true;
    p->record = &e->record;
}

/* True if the ticket is out and nothing before in this transaction ended it. */
static bool has_ticket(const struct tx *tx, const struct entry *e)
{
    size_t same = 0;
    for (size_t i = 0; i < tx->end_count; i++) same += tx->ends[i].page_id == e->record.page && tx->ends[i].release == e->record.release;
    return e->ticket_out && same <= 1; /* one is its own */
}

static void judge_returned(struct tx *tx, struct entry *e, struct page_row *p)
{
    say(e, p, CODE_OK, "returned");
    if (!takes_failure(p, &e->record) || !has_ticket(tx, e)) return;
    if (++p->returns > LIMIT_RETURNS)
        end(tx, e, p, CODE_LOST, "handed back too often");
    else
        tx_page_wait(p, WAITS_FRONTIER, 0, CODE_COUNT, NULL);
}

static void end_ticket(struct tx *tx, const struct record *r)
{
    struct ticket_end end = {.host_id = r->host,
                             .page_id = r->page,
                             .release = r->release,
                             .pause_ms = host_clock_pause_ms(r),
                             .use = host_clock_use(r),
                             .code = CODE_HTTP_5XX}; /* what the answer to a request for robots.txt does not say by name */
    if (r->code) code_parse(r->code, &end.code);
    if (end.use == USE_LIMITED) end.code = CODE_RATE_LIMITED;
    tx_end_ticket(tx, &end);
}

static void judge_record(struct tx *tx, struct entry *e)
{
    const struct record *r = &e->record;
    bool ends_ticket =
        r->kind == RECORD_FETCHED || r->kind == RECORD_RETURNED || r->kind == RECORD_ROBOTS || (r->kind == RECORD_VERDICT && r->ticketed);
    if (ends_ticket) end_ticket(tx, r);
    if (r->kind == RECORD_ROBOTS) {
        tx_robots(tx, r, e->excused);
        say(e, NULL, CODE_OK, "robots.txt");
        return;
    }
    struct page_row *p = r->page ? tx_page(tx, r->page) : NULL;
    if (!p) {
        bool robots = r->page == 0 && r->kind == RECORD_RETURNED;
        say(e, NULL, robots ? CODE_OK : CODE_BAD_RECORD, robots ? "robots.txt returned" : "no such page");
        return;
    }
    switch (r->kind) {
    case RECORD_ARTICLE: judge_article(tx, e, p); break;
    case RECORD_EMPTY: judge_empty(tx, e, p); break;
    case RECORD_FETCHED: judge_fetched(e, p); break;
    case RECORD_RETURNED: judge_returned(tx, e, p); break;
    default: judge_verdict(tx, e, p); break;
    }
}

/* Dead-lettered, or handed to `dead` by a stage that could not read it: then record says why. */
static void judge_dead(struct tx *tx, struct entry *e)
{
    const struct record *r = &e->record;
    const char *why = r->detail ? r->detail : "killed its consumers over and over";
    enum code code = r->detail ? CODE_BAD_RECORD : CODE_LOST;
    struct page_row *p = r->page ? tx_page(tx, r->page) : NULL;
    tx_bad_record(tx, "dead", e->message->message_id, why, e->message->body, e->message->len);
    if (p && takes_failure(p, r))
        end(tx, e, p, code, why);
    else
        say(e, p, code, why);
}

/* Our own news of tickets and pages. */
static void judge_own(struct tx *tx, struct entry *e)
{
    const struct record *r = &e->record;
    struct page_row *p = r->page ? tx_page(tx, r->page) : NULL;
    const struct ticket_end unused = {
        .host_id = r->host, .page_id = r->page, .release = r->release, .pause_ms = e->kind == ENTRY_PUTBACK ? -1 : 0};
    if (e->kind != ENTRY_LOST) tx_end_ticket(tx, &unused);
    if (!p || !takes_failure(p, r)) return;
    if (e->kind != ENTRY_LOST && !has_ticket(tx, e)) return;
    if (e->kind == ENTRY_PUTBACK)
        tx_page_wait(p, WAITS_FRONTIER, 0, CODE_COUNT, NULL);
    else
        lose(tx, e, p, e->kind == ENTRY_VOID ? "its ticket was not heard of again" : "its record was not heard of again");
}

void judge_entry(struct tx *tx, struct entry *e)
{
    e->judged = false;
    e->detail[0] = '\0';
    if (e->kind == ENTRY_RECORD)
        judge_record(tx, e);
    else if (e->kind == ENTRY_DEAD)
        judge_dead(tx, e);
    else if (e->kind != ENTRY_SEED)
        judge_own(tx, e);
}

static bool speaks_of_ticket(const struct entry *e)
{
    if (e->record.page == 0) return false;
    return e->kind == ENTRY_PUTBACK || e->kind == ENTRY_VOID || (e->kind == ENTRY_RECORD && e->record.kind == RECORD_RETURNED);
}

enum pg_status judge_tickets(struct tx *tx, struct entry **entries, size_t count)
{
    static const struct pg_stmt stmt = {
        "tickets_out", "SELECT u.place FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u (place, page_id, "
                       "host_id, release) WHERE (SELECT true FROM ticket t WHERE t.page_id = u.page_id AND t.host_id = u.host_id "
                       "AND t.release = u.release)"};
    struct pg_array columns[4];
    struct pg_result *r = NULL;
    for (size_t k = 0; k < 4; k++) pg_array_init(&columns[k], PG_INT8);
    for (size_t i = 0; i < count; i++) {
        const struct record *rec = &entries[i]->record;
        entries[i]->ticket_out = false;
        if (!speaks_of_ticket(entries[i])) continue;
        pg_array_int(&columns[0], (int64_t)i);
        pg_array_int(&columns[1], rec->page);
        pg_array_int(&columns[2], rec->host);
        pg_array_int(&columns[3], rec->release);
    }
    enum pg_status st = PG_OK;
    if (columns[0].count > 0) {
        pg_params_reset(&tx->params);
        for (size_t k = 0; k < 4; k++) pg_add_array(&tx->params, &columns[k]);
        st = tx_run(tx, &stmt, &r);
    }
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) entries[pg_int(r, i, 0)]->ticket_out = true;
    pg_result_free(r);
    for (size_t k = 0; k < 4; k++) pg_array_release(&columns[k]);
    return st;
}

enum pg_status judge_loops(struct tx *tx, struct entry **entries, size_t count)
{
    static const struct pg_stmt stmt = {
        "redirect_loops",
        "WITH RECURSIVE chain AS (SELECT u.src, t.id, t.redirect_id, 1 AS n FROM unnest($1::bigint[], $2::bigint[], $3::uuid[]) AS u "
        "(src, crawl_id, url_hash) JOIN page t ON t.crawl_id = ANY(ARRAY[u.crawl_id]) AND t.url_hash = u.url_hash UNION ALL "
        "SELECT c.src, t.id, t.redirect_id, c.n + 1 FROM chain c JOIN page t ON t.id = ANY(ARRAY[c.redirect_id]) "
        "WHERE c.id <> c.src AND c.n < 12) SELECT DISTINCT src FROM chain WHERE id = src"};
    struct pg_array src, crawl, hash;
    struct pg_result *r = NULL;
    pg_array_init(&src, PG_INT8);
    pg_array_init(&crawl, PG_INT8);
    pg_array_init(&hash, PG_UUID);
    for (size_t i = 0; i < count; i++) {
        const struct record *rec = &entries[i]->record;
        struct page_row *p = entries[i]->kind == ENTRY_RECORD ? tx_page(tx, rec->page) : NULL;
        entries[i]->loops = false;
        if (!p || rec->kind != RECORD_VERDICT || !rec->location) continue;
        struct digest d = digest_of(rec->location, strlen(rec->location));
        pg_array_int(&src, p->id);
        pg_array_int(&crawl, p->crawl_id);
        pg_array_uuid(&hash, &d);
    }
    enum pg_status st = PG_OK;
    if (src.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &src);
        pg_add_array(&tx->params, &crawl);
        pg_add_array(&tx->params, &hash);
        st = tx_run(tx, &stmt, &r);
    }
    for (int k = 0; st == PG_OK && k < pg_rows(r); k++)
        for (size_t i = 0; i < count; i++)
            if (entries[i]->record.page == pg_int(r, k, 0)) entries[i]->loops = true;
    pg_result_free(r);
    pg_array_release(&src);
    pg_array_release(&crawl);
    pg_array_release(&hash);
    return st;
}
