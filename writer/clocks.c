/* Ticket clock, line clock, what waits in vain; contract in clocks.h. */
#include "writer/clocks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "writer/again.h"
#include "writer/awaited.h"
#include "writer/conf.h"
#include "writer/resummary.h"
#include "writer/live.h"
#include "writer/tx.h"

#define BATCH     1000
#define TIDY_MS   10000
#define SETTLE_MS 5000 /* what was on its way when the broker took our question has come and is stored by then */

struct clocks {
    int64_t quiet_since; /* wall ms: the line has been seen empty and served since then; 0: it is not */
    /* The ticket clock asks before it voids: a message to `report`. Wall ms, 0: not yet. */
    bool asking;          /* the broker has not answered */
    int64_t asked_at;     /* about tickets that were over by then */
    int64_t answered_at;  /* the broker took it, and so takes the reports of others */
    int64_t report_empty; /* `report` was seen empty after that, while `url` had consumers */
    int64_t next_tidy, next_age;
};

struct clocks *clocks_new(void)
{
    return mem_zalloc(sizeof(struct clocks));
}

void clocks_free(struct clocks **clocks)
{
    free(*clocks);
    *clocks = NULL;
}

void clocks_reset(struct clocks *c)
{
    *c = (struct clocks){.asking = c->asking};
}

/* ---- looking at the queues ---- */

/* Queues that no clock asks about. */
static void observe_others(struct writer *w)
{
    static const enum queue_id others[] = {QUEUE_SEED, QUEUE_SEED_EXPRESS, QUEUE_DEAD};
    uint32_t ready, consumers;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (mq_depth(service_mq(w->service), others[i], &ready, &consumers) == 0) live_depth(w, others[i], ready, consumers);
}

/* False if the broker does not answer: then nothing is known, and nothing is given up. */
static bool observe(struct writer *w, struct clocks *c, bool *served_r)
{
    static const enum queue_id line[] = {QUEUE_URL,    QUEUE_HTML,        QUEUE_ARTICLE,      QUEUE_SUMMARY,
                                         QUEUE_REPORT, QUEUE_URL_EXPRESS, QUEUE_HTML_EXPRESS, QUEUE_ARTICLE_EXPRESS};
    bool served = true, empty = true, report_empty = false, url_served = true;
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        uint32_t ready, consumers;
        if (mq_depth(service_mq(w->service), line[i], &ready, &consumers) != 0) {
            c->quiet_since = 0;
            return false;
        }
        live_depth(w, line[i], ready, consumers);
        served = served && consumers > 0;
        empty = empty && ready == 0;
        if (line[i] == QUEUE_URL || line[i] == QUEUE_URL_EXPRESS) url_served = url_served && consumers > 0;
        if (line[i] == QUEUE_REPORT) report_empty = ready == 0;
    }
    int64_t now = clock_wall_ms();
    if (!served || !empty)
        c->quiet_since = 0;
    else if (!c->quiet_since)
        c->quiet_since = now;
    if (report_empty && url_served && c->answered_at && !c->report_empty) c->report_empty = now;
    *served_r = served;
    return true;
}

static enum pg_status to_entries(struct writer *w, enum entry_kind kind, const struct pg_stmt *stmt, struct pg_params *params)
{
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, stmt, params, &r);
    if (st != PG_OK) return st;
    for (int i = 0; i < pg_rows(r); i++) {
        struct record rec = {.kind = RECORD_RETURNED, .page = pg_int(r, i, 0), .host = pg_int(r, i, 1), .release = pg_int(r, i, 2)};
        intake_own(w, kind, &rec);
    }
    if (pg_rows(r) > 0) log_warn("%d %s were lost and are released again", pg_rows(r), kind == ENTRY_VOID ? "tickets" : "records");
    pg_result_free(r);
    return PG_OK;
}

/* ---- tickets ---- */

static void on_answer(void *context, enum mq_settled how)
{
    struct clocks *c = context;
    c->asking = false;
    if (how == MQ_CONFIRMED && c->asked_at)
        c->answered_at = clock_wall_ms();
    else
        c->asked_at = 0;
}

/* A report about nothing. */
static void ask(struct writer *w, struct clocks *c, int64_t now)
{
    struct mq_message message = {
        .queue = QUEUE_REPORT, .type = "report.v1", .content_type = "application/json", .body = mem_strdup("[]"), .len = 2};
    c->asking = true;
    c->asked_at = now;
    c->answered_at = c->report_empty = 0;
    mq_publish(service_mq(w->service), &message, MQ_ONESHOT, on_answer, c);
}

/* Adds the deadline of a ticket that can no longer be under way at `now`. */
static void add_deadline(struct pg_params *params, int64_t now)
{
    pg_params_init(params);
    pg_add_time(params, now - writer_conf.fetch_timeout_ms - writer_conf.ticket_grace_ms);
}

static enum pg_status find_late(struct writer *w, int64_t now, bool *found_r)
{
    static const struct pg_stmt stmt = {"late_tickets", "SELECT FROM ticket WHERE deadline < $1 LIMIT 1"};
    struct pg_params params;
    struct pg_result *r;
    add_deadline(&params, now);
    enum pg_status st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    if (st != PG_OK) return st;
    *found_r = pg_rows(r) > 0;
    pg_result_free(r);
    return PG_OK;
}

/* Tickets that can no longer be started, and whose report would have come. Their fetcher may sit on a page and its report for as
 * long as the broker takes no messages, and nobody is told of an alarm who does not publish: so the broker is asked. Then
 * `report` must be seen empty, and what some writer has in hand must have had its time. */
static enum pg_status ticket_clock(struct writer *w, struct clocks *c)
{
    static const struct pg_stmt stmt = {"void_tickets",
                                        "SELECT page_id, host_id, release FROM ticket WHERE deadline < $1 ORDER BY deadline LIMIT 1000"};
    int64_t now = clock_wall_ms(), settle = writer_conf.ticket_grace_ms < SETTLE_MS ? writer_conf.ticket_grace_ms : SETTLE_MS;
    bool late = false;
    if (c->asking) return PG_OK;
    if (!c->asked_at) {
        enum pg_status st = find_late(w, now, &late);
        if (st == PG_OK && late) ask(w, c, now);
        return st;
    }
    if (!c->report_empty || now - c->report_empty < settle) return PG_OK;
    struct pg_params params;
    add_deadline(&params, c->asked_at);
    enum pg_status st = to_entries(w, ENTRY_VOID, &stmt, &params);
    pg_params_release(&params);
    c->asked_at = 0;
    return st;
}

/* Pages in flight without a ticket, released before `before`. */
static enum pg_status lose_pages(struct writer *w, int64_t before)
{
    static const struct pg_stmt stmt = {
        "lost_pages", "SELECT p.id, p.host_id, p.release FROM crawl c JOIN page p ON p.crawl_id = c.id WHERE c.scheduled > 0 "
                      "AND p.state = 'scheduled' AND p.scheduled_at < $1 AND NOT EXISTS (SELECT FROM ticket t WHERE "
                      "t.page_id = p.id) AND NOT EXISTS (SELECT FROM awaited a WHERE a.page_id = p.id) LIMIT 1000"};
    struct pg_params params;
    pg_params_init(&params);
    pg_add_time(&params, before);
    enum pg_status st = to_entries(w, ENTRY_LOST, &stmt, &params);
    pg_params_release(&params);
    if (st == PG_OK) st = awaited_lost(w, before);
    return st == PG_OK ? resummary_lost(w, before) : st;
}

static enum pg_status line_clock(struct writer *w, struct clocks *c, bool served)
{
    int64_t now = clock_wall_ms();
    enum pg_status st = PG_OK;
    if (c->quiet_since && now - c->quiet_since >= writer_conf.lease_ms) {
        st = lose_pages(w, c->quiet_since);
        c->quiet_since = now; /* the next period begins: what is released from now on has its own */
    }
    if (st == PG_OK && served && now >= c->next_age) {
        c->next_age = now + writer_conf.max_age_ms / 24;
        st = lose_pages(w, now - writer_conf.max_age_ms);
    }
    return st;
}

/* ---- what waits in vain ---- */

/* A crawl whose waiting rows are to end: it was cancelled, or its limit is reached. */
static enum pg_status find_over(struct writer *w, int64_t *crawl_r, bool *found_r)
{
    static const struct pg_stmt stmt = {
        "over_crawls", "SELECT id FROM crawl WHERE open > 0 AND registered > 0 AND (cancel_at IS NOT NULL OR kept >= max_pages OR "
                       "(begun >= 10 * max_pages AND EXISTS (SELECT FROM frontier f JOIN page p ON p.id = ANY(ARRAY[f.page_id]) "
                       "WHERE f.crawl_id = crawl.id AND NOT p.has_place))) ORDER BY id LIMIT 1"};
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &stmt, NULL, &r);
    if (st != PG_OK) return st;
    *found_r = pg_rows(r) > 0;
    if (*found_r) *crawl_r = pg_int(r, 0, 0);
    pg_result_free(r);
    return PG_OK;
}

struct sweep {
    bool all; /* everything that waits ends; else only what was never begun */
    enum code code;
};

/* Looked at under the crawl's lock: since it was found it may have ended and run again. */
static bool is_over(const struct crawl_row *c, struct sweep *sweep_r)
{
    bool full = c->max_pages && c->kept >= c->max_pages;
    *sweep_r = (struct sweep){.all = c->cancelled || full, .code = c->cancelled ? CODE_CANCELLED : CODE_LIMIT_REACHED};
    return c->running && (sweep_r->all || (c->max_pages && c->begun >= 10 * c->max_pages));
}

static enum pg_status end_waiting(struct tx *tx, struct crawl_row *c, const struct sweep *sweep)
{
    static const struct pg_stmt stmt = {
        "end_waiting",
        "WITH f AS (SELECT f.page_id FROM frontier f JOIN page p ON p.id = ANY(ARRAY[f.page_id]) WHERE f.crawl_id = $1 AND ($2 OR NOT p.has_place) LIMIT $3), "
        "d AS (SELECT page_id FROM delayed WHERE crawl_id = $1 AND $2 LIMIT $3), "
        "ids AS MATERIALIZED (SELECT page_id, row_number() OVER () AS n FROM (SELECT page_id FROM f UNION SELECT page_id FROM d) x), "
        "gone AS (DELETE FROM frontier WHERE page_id = ANY(ARRAY(SELECT page_id FROM ids))), "
        "late AS (DELETE FROM delayed WHERE page_id = ANY(ARRAY(SELECT page_id FROM ids))), "
        "old AS (SELECT id, has_place FROM page WHERE id = ANY(ARRAY(SELECT page_id FROM ids))), "
        "ended AS (UPDATE page p SET state = $4::text::page_state, code = $5, detail = NULL, has_place = false, void_release = release, "
        "ended_at = now(), event = $6 + ids.n FROM ids WHERE p.id = ANY(ARRAY[ids.page_id])) "
        "SELECT count(*), count(*) FILTER (WHERE has_place) FROM old"};
    struct pg_result *r;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, c->id);
    pg_add_bool(&tx->params, sweep->all);
    pg_add_int(&tx->params, BATCH);
    pg_add_text(&tx->params, state_name(code_state(sweep->code)));
    pg_add_text(&tx->params, code_name(sweep->code));
    pg_add_int(&tx->params, c->event);
    enum pg_status st = tx_run(tx, &stmt, &r);
    if (st != PG_OK) return st;
    c->d_state[STATE_REGISTERED] -= pg_int(r, 0, 0);
    c->d_state[code_state(sweep->code)] += pg_int(r, 0, 0);
    c->d_places -= pg_int(r, 0, 1);
    c->d_events += pg_int(r, 0, 0);
    pg_result_free(r);
    return tx_write_crawls(tx);
}

static enum pg_status sweep_crawl(struct tx *tx, int64_t id)
{
    struct sweep sweep;
    enum pg_status st = tx_begin(tx);
    tx_want_crawl(tx, id);
    if (st == PG_OK) st = tx_load(tx);
    struct crawl_row *c = st == PG_OK ? tx_crawl(tx, id) : NULL;
    return c && is_over(c, &sweep) ? end_waiting(tx, c, &sweep) : st;
}

static enum pg_status sweep_waiting(struct writer *w)
{
    int64_t crawl = 0;
    bool found = true;
    enum pg_status st = PG_OK;
    for (int rounds = 0; st == PG_OK && found && rounds < 20; rounds++) {
        st = find_over(w, &crawl, &found);
        if (st != PG_OK || !found) break;
        struct tx tx;
        tx_init(&tx, w, w->pg);
        st = tx_finish(&tx, sweep_crawl(&tx, crawl));
        tx_release(&tx);
    }
    return st;
}

/* Links are kept until their crawl ends; those that the next run may need, until their page is asked for again. */
static enum pg_status tidy(struct writer *w, struct clocks *c)
{
    static const struct pg_stmt stmt = {
        "tidy_links", "DELETE FROM page_links WHERE page_id = ANY(ARRAY(SELECT l.page_id FROM crawl c JOIN page_links l ON "
                      "l.crawl_id = ANY(ARRAY[c.id]) WHERE c.state <> 'running' AND NOT l.lasting LIMIT 5000))"};
    int64_t now = clock_wall_ms();
    if (now < c->next_tidy) return PG_OK;
    c->next_tidy = now + TIDY_MS;
    return pg_run(w->pg, &stmt, NULL, NULL);
}

enum pg_status clocks_tick(struct writer *w, struct clocks *c)
{
    bool served = false;
    enum pg_status st = again_sweep(w);
    if (st == PG_OK) st = sweep_waiting(w);
    if (st == PG_OK) st = tidy(w, c);
    if (st != PG_OK || !observe(w, c, &served)) return st;
    observe_others(w);
    st = ticket_clock(w, c);
    return st == PG_OK ? line_clock(w, c, served) : st;
}
