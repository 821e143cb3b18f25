/* The leader among the writers: releases, and watches over tickets and the line. Contract in writer.h. */
#include "writer/frontier.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "writer/article_out.h"
#include "writer/awaited.h"
#include "writer/clocks.h"
#include "writer/conf.h"
#include "writer/host_clock.h"
#include "writer/live.h"
#include "writer/release.h"
#include "writer/resummary.h"

#define PAUSE_MIN_MS 50 /* after a ticket that the queue did not take */
#define PAUSE_MAX_MS 1000
#define LOOK_MAX_MS  1000 /* looks at least so often, should a wake-up be missed */

struct frontier {
    struct host_rules *rules;
    struct clocks *clocks;
    bool leads;
    bool woken;
    int64_t look_at; /* monotonic ms of the next look */
    int64_t pause, paused_until;
    ev_timer timer;
};

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)w, (void)revents; /* only wakes the loop: frontier_turn looks at the clock */
}

struct frontier *frontier_new(struct writer *w)
{
    (void)w;
    struct frontier *f = mem_zalloc(sizeof *f);
    f->rules = host_rules_new();
    f->clocks = clocks_new();
    ev_timer_init(&f->timer, on_timer, 0, 0);
    return f;
}

void frontier_free(struct frontier **f)
{
    if (!*f) return;
    host_rules_free(&(*f)->rules);
    clocks_free(&(*f)->clocks);
    free(*f);
    *f = NULL;
}

bool frontier_leads(const struct writer *w)
{
    return w->frontier->leads;
}

void frontier_lost(struct writer *w)
{
    if (w->frontier->leads) log_info("no longer the leading writer");
    w->frontier->leads = false;
}

void frontier_wake(struct writer *w)
{
    w->frontier->woken = true;
}

/* ---- tickets ---- */

struct ticket_out {
    struct writer *writer;
    int64_t page, host, release;
};

static void on_ticket_settled(void *context, enum mq_settled how)
{
    struct ticket_out *t = context;
    struct frontier *f = t->writer->frontier;
    if (how == MQ_CONFIRMED) {
        f->pause = 0;
    } else if (how != MQ_LOST) { /* one that is lost may be in the queue and be used: the ticket clock looks after it */
        struct record r = {.kind = RECORD_RETURNED, .page = t->page, .host = t->host, .release = t->release};
        intake_own(t->writer, ENTRY_PUTBACK, &r);
        if (clock_mono_ms() >= f->paused_until) {
            f->pause = f->pause ? f->pause * 2 : PAUSE_MIN_MS;
            if (f->pause > PAUSE_MAX_MS) f->pause = PAUSE_MAX_MS;
            f->paused_until = clock_mono_ms() + f->pause;
        }
    }
    free(t);
}

/* Once; if the queue does not take it, its row is put back by the next transaction. */
static void publish_ticket(struct writer *w, enum queue_id queue, const struct record *ticket)
{
    char id[48];
    struct buf body;
    struct ticket_out *t = mem_zalloc(sizeof *t);
    *t = (struct ticket_out){.writer = w, .page = ticket->page, .host = ticket->host, .release = ticket->release};
    buf_init(&body, LIMIT_MESSAGE);
    record_encode(ticket, &body);
    snprintf(id, sizeof id, "%lld.%lld", (long long)ticket->page, (long long)ticket->release);
    size_t len = body.len;
    struct mq_message message = {
        .queue = queue, .message_id = id, .type = "ticket.v1", .content_type = "application/json", .body = buf_take(&body), .len = len};
    mq_publish(service_mq(w->service), &message, MQ_ONESHOT, on_ticket_settled, t);
}

/* ---- releasing ---- */

/* The loop's idea of now may be some milliseconds old, so a timer may be early: each turn that is too early sets it again. */
static void wake_in(struct writer *w, int64_t ms)
{
    struct frontier *f = w->frontier;
    ev_timer_stop(service_loop(w->service), &f->timer);
    ev_timer_set(&f->timer, ms > 0 ? (double)ms / 1000 : 0.0005, 0);
    ev_timer_start(service_loop(w->service), &f->timer);
}

void frontier_turn(struct writer *w)
{
    struct frontier *f = w->frontier;
    if (!f->leads || !w->db_ready || service_stopping(w->service) || mq_blocked(service_mq(w->service))) return;
    int64_t now = clock_mono_ms(), due = f->woken || f->look_at < f->paused_until ? f->paused_until : f->look_at;
    if (now < due) {
        wake_in(w, due - now);
        return;
    }
    struct release_result result;
    f->woken = false;
    enum pg_status st = release_run(w, f->rules, publish_ticket, &result);
    if (st == PG_LOST) {
        database_lost(w);
        return;
    }
    if (st != PG_OK && st != PG_RETRY) log_error("release: %s", pg_error(w->pg));
    int64_t wait = st != PG_OK ? 100 : result.more ? 0 : result.next_in_ms < 0 ? LOOK_MAX_MS : result.next_in_ms;
    if (wait > LOOK_MAX_MS) wait = LOOK_MAX_MS;
    f->look_at = clock_mono_ms() + (wait > 0 ? wait : 0);
    wake_in(w, wait);
}

/* ---- leading ---- */

/* One lock for all writers; it goes with the session. */
void frontier_try_to_lead(struct writer *w)
{
    static const struct pg_stmt stmt = {"lead", "SELECT pg_try_advisory_lock(72747281)"};
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &stmt, NULL, &r);
    if (st == PG_LOST) database_lost(w);
    if (st != PG_OK) return;
    w->frontier->leads = pg_bool(r, 0, 0);
    pg_result_free(r);
    if (!w->frontier->leads) return;
    log_info("leading: this writer releases");
    clocks_reset(w->frontier->clocks);
    frontier_wake(w);
}

void frontier_tick(struct writer *w)
{
    if (!w->db_ready) return;
    if (!w->frontier->leads) frontier_try_to_lead(w);
    if (!w->db_ready) return;
    enum pg_status st = host_clock_look(w);
    if (st == PG_OK) st = article_out_put_back(w->articles);
    if (st == PG_OK && w->frontier->leads) {
        st = release_delayed(w);
        if (st == PG_OK) st = host_clock_sweep(w);
        if (st == PG_OK) st = awaited_tick(w);
        if (st == PG_OK) st = resummary_tick(w);
        if (st == PG_OK) st = clocks_tick(w, w->frontier->clocks);
    }
    if (st == PG_OK) st = live_tick(w); /* last: nothing depends on it */
    if (st == PG_LOST)
        database_lost(w);
    else if (st != PG_OK && st != PG_RETRY)
        log_error("clocks: %s", pg_error(w->pg));
    frontier_wake(w);
}

void frontier_log_completed(struct writer *w, int64_t crawl)
{
    static const struct pg_stmt stmt = {
        "closing_line", "SELECT seed, run, admitted, stored, skipped, errors, added, changed, unchanged, gone, failed, "
                        "(extract(epoch FROM finished_at - started_at) * 1000)::bigint, state::text, cancelled FROM crawl WHERE id = $1"};
    struct pg_params params;
    struct pg_result *r;
    pg_params_init(&params);
    pg_add_int(&params, crawl);
    if (pg_run(w->pg, &stmt, &params, &r) == PG_OK) {
        if (pg_rows(r) == 1) {
            const struct log_field fields[] = {LOG_INT("crawl", crawl),
                                               LOG_STR("seed", pg_text(r, 0, 0)),
                                               LOG_INT("run", pg_int(r, 0, 1)),
                                               LOG_INT("admitted", pg_int(r, 0, 2)),
                                               LOG_INT("stored", pg_int(r, 0, 3)),
                                               LOG_INT("skipped", pg_int(r, 0, 4)),
                                               LOG_INT("errors", pg_int(r, 0, 5)),
                                               LOG_INT("cancelled", pg_int(r, 0, 13)),
                                               LOG_INT("added", pg_int(r, 0, 6)),
                                               LOG_INT("changed", pg_int(r, 0, 7)),
                                               LOG_INT("unchanged", pg_int(r, 0, 8)),
                                               LOG_INT("gone", pg_int(r, 0, 9)),
                                               LOG_INT("failed", pg_int(r, 0, 10)),
                                               LOG_INT("ms", pg_int(r, 0, 11)),
                                               LOG_END};
            log_event(LOG_INFO, pg_text(r, 0, 12), fields);
        }
        pg_result_free(r);
    }
    pg_params_release(&params);
}
