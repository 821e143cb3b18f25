/* What people see of the line; contract in live.h. */
#include "writer/live.h"

#include <ev.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "writer/conf.h"

#define PROCESSES_MAX  1000 /* heard between two ticks */
#define TIDY_MS        60000
#define PURGE_PAGES    500 /* of a deleted crawl, in one transaction */
#define PURGE_MS       100 /* of a tick */
#define SEARCH_MIN     4   /* ends of pages looked at in one transaction */
#define SEARCH_MAX     64
#define SEARCH_TAKE_MS 40   /* a transaction should take no longer */
#define REST_MS        300  /* nothing was stored for so long: the line rests */
#define BUSY_EVERY_MS  1000 /* else one transaction in so long */

/* Programs speak with the clock's second; their words are here soon after. Then all writers write them down, and the leader, a little later,
 * counts what all have in hand. */
#define WRITE_AT 0.3 /* s of a second */
#define LEAD_AT  0.4

struct live {
    struct alive *heard;
    size_t heard_count, heard_cap;
    struct alive own; /* without an id: nothing was said yet */
    bool had_pages;   /* and they are written down */
    ev_periodic second;
    struct {
        bool seen;
        uint32_t ready, consumers;
    } queues[QUEUE_COUNT];
    int64_t tidy_at; /* monotonic ms */
    /* the search */
    int64_t portion, search_at;
    ev_timer again;
};

static void on_second(struct ev_loop *loop, ev_periodic *periodic, int revents);

static void on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)timer, (void)revents; /* only wakes the loop */
}

struct live *live_new(struct writer *w)
{
    struct live *l = mem_zalloc(sizeof *l);
    l->portion = SEARCH_MIN;
    ev_init(&l->again, on_again);
    ev_periodic_init(&l->second, on_second, WRITE_AT, 1.0, NULL);
    l->second.data = w;
    ev_periodic_start(service_loop(w->service), &l->second);
    return l;
}

void live_free(struct writer *w)
{
    if (!w->live) return;
    ev_periodic_stop(service_loop(w->service), &w->live->second);
    ev_timer_stop(service_loop(w->service), &w->live->again);
    free(w->live->heard);
    free(w->live);
    w->live = NULL;
}

void live_alive(struct writer *w, const struct alive *alive)
{
    struct live *l = w->live;
    size_t i = 0;
    while (i < l->heard_count && strcmp(l->heard[i].id, alive->id) != 0) i++;
    if (i >= PROCESSES_MAX) return;
    if (i == l->heard_count) l->heard = mem_grow(l->heard, &l->heard_cap, ++l->heard_count, sizeof *l->heard);
    l->heard[i] = *alive;
}

void live_own(struct writer *w, const struct alive *alive)
{
    w->live->own = *alive;
    live_alive(w, alive);
}

void live_depth(struct writer *w, enum queue_id queue, uint32_t ready, uint32_t consumers)
{
    w->live->queues[queue].seen = true;
    w->live->queues[queue].ready = ready;
    w->live->queues[queue].consumers = consumers;
}

static enum pg_status run_columns(struct writer *w, const struct pg_stmt *stmt, struct pg_array *columns, size_t n)
{
    struct pg_params params;
    pg_params_init(&params);
    for (size_t i = 0; i < n; i++) pg_add_array(&params, &columns[i]);
    enum pg_status st = columns[0].count > 0 ? pg_run(w->pg, stmt, &params, NULL) : PG_OK;
    pg_params_release(&params);
    for (size_t i = 0; i < n; i++) pg_array_release(&columns[i]);
    return st;
}

static enum pg_status write_processes(struct writer *w)
{
    static const struct pg_stmt stmt = {
        "write_processes",
        "INSERT INTO process (id, program, host, pid, version, started_at, seen_at, state, why, in_hand, alarm, model) "
        "SELECT i, p, h, n, v, s, now(), t, nullif(y, ''), c, nullif(a, ''), nullif(m, '')::jsonb FROM unnest($1::text[], $2::text[], $3::text[], "
        "$4::bigint[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[]) "
        "AS u (i, p, h, n, v, s, t, y, c, a, m) ORDER BY i "
        "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, state = excluded.state, why = excluded.why, in_hand = excluded.in_hand, "
        "alarm = excluded.alarm, model = excluded.model"};
    static const enum pg_type types[] = {PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT, PG_TIMESTAMPTZ,
                                         PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT, PG_TEXT};
    enum { COLUMNS = sizeof types / sizeof *types };
    struct pg_array c[COLUMNS];
    struct live *l = w->live;
    for (size_t i = 0; i < COLUMNS; i++) pg_array_init(&c[i], types[i]);
    for (size_t i = 0; i < l->heard_count; i++) {
        const struct alive *a = &l->heard[i];
        pg_array_text(&c[0], a->id);
        pg_array_text(&c[1], a->program);
        pg_array_text(&c[2], a->host);
        pg_array_int(&c[3], a->pid <= INT32_MAX ? a->pid : 0);
        pg_array_text(&c[4], a->version);
        pg_array_time(&c[5], a->started_at);
        pg_array_text(&c[6], a->state);
        pg_array_text(&c[7], a->why);
        pg_array_int(&c[8], a->in_hand);
        pg_array_text(&c[9], a->alarm);
        pg_array_text(&c[10], a->model);
    }
    return run_columns(w, &stmt, c, COLUMNS);
}

/* "{7,8}"; what: an offset in struct alive_page. */
static void add_list(struct pg_array *column, const struct alive *a, size_t what)
{
    struct buf text = BUF_INIT(ALIVE_HAND * 24u);
    for (size_t i = 0; i < a->hand_count; i++)
        buf_addf(&text, "%c%" PRId64, i ? ',' : '{', *(const int64_t *)(const void *)((const char *)&a->hand[i] + what));
    buf_add_str(&text, a->hand_count ? "}" : "{}");
    pg_array_text(column, buf_str(&text));
    buf_release(&text);
}

static enum pg_status write_hands(struct writer *w)
{
    static const struct pg_stmt stmt = {
        "write_hands",
        "INSERT INTO hand (process, program, at, pages, releases, since) SELECT i, p, now(), g::bigint[], r::bigint[], s::bigint[] "
        "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS u (i, p, g, r, s) ORDER BY i "
        "ON CONFLICT (process) DO UPDATE SET at = excluded.at, pages = excluded.pages, releases = excluded.releases, since = excluded.since "
        "WHERE hand.pages <> '{}' OR excluded.pages <> '{}'"};
    enum { COLUMNS = 5 };
    struct pg_array c[COLUMNS];
    struct live *l = w->live;
    struct alive *own = &l->own;
    own->hand_count = *own->id ? intake_pages(w, own->hand, ALIVE_HAND) : 0;
    for (size_t i = 0; i < COLUMNS; i++) pg_array_init(&c[i], PG_TEXT);
    for (size_t i = 0; i <= l->heard_count; i++) {
        const struct alive *a = i < l->heard_count ? &l->heard[i] : own;
        if (a == own ? own->hand_count == 0 && !l->had_pages : strcmp(a->program, "writer") == 0) continue; /* each writes its own */
        pg_array_text(&c[0], a->id);
        pg_array_text(&c[1], a->program);
        add_list(&c[2], a, offsetof(struct alive_page, page));
        add_list(&c[3], a, offsetof(struct alive_page, release));
        add_list(&c[4], a, offsetof(struct alive_page, since));
    }
    l->had_pages = own->hand_count > 0;
    return run_columns(w, &stmt, c, COLUMNS);
}

static enum pg_status write_queues(struct writer *w)
{
    static const struct pg_stmt stmt = {
        "write_queues",
        "INSERT INTO queue (name, ready, consumers, seen_at) SELECT n, r, c, now() FROM unnest($1::text[], $2::bigint[], $3::bigint[]) "
        "AS u (n, r, c) ORDER BY n ON CONFLICT (name) DO UPDATE SET ready = excluded.ready, consumers = excluded.consumers, "
        "seen_at = excluded.seen_at"};
    struct pg_array c[3];
    pg_array_init(&c[0], PG_TEXT);
    pg_array_init(&c[1], PG_INT8);
    pg_array_init(&c[2], PG_INT8);
    for (int q = 0; q < QUEUE_COUNT; q++) {
        if (!w->live->queues[q].seen) continue;
        w->live->queues[q].seen = false;
        pg_array_text(&c[0], queue_name((enum queue_id)q));
        pg_array_int(&c[1], w->live->queues[q].ready);
        pg_array_int(&c[2], w->live->queues[q].consumers);
    }
    return run_columns(w, &stmt, c, 3);
}

/* Pages in hand are no more than the windows allow, whatever else there is. */
static enum pg_status count_stages(struct writer *w)
{
    static const struct pg_stmt stmt = {"count_stages", "SELECT crawl_now_count()"};
    return pg_run(w->pg, &stmt, NULL, NULL);
}

static enum pg_status write_heard(struct writer *w)
{
    enum pg_status st = write_processes(w);
    if (st == PG_OK) st = write_hands(w);
    w->live->heard_count = 0; /* what could not be written is old when it could be */
    return st == PG_OK && frontier_leads(w) ? count_stages(w) : st;
}

static void on_second(struct ev_loop *loop, ev_periodic *periodic, int revents)
{
    struct writer *w = periodic->data;
    double at = frontier_leads(w) ? LEAD_AT : WRITE_AT;
    (void)revents;
    if (periodic->offset != at) {
        ev_periodic_set(periodic, at, 1.0, NULL);
        ev_periodic_again(loop, periodic);
    }
    if (!w->db_ready) return;
    enum pg_status st = write_heard(w);
    if (st == PG_LOST)
        database_lost(w);
    else if (st != PG_OK && st != PG_RETRY)
        log_error("what people see of the line: %s", pg_error(w->pg));
}

/* ---- what goes ---- */

static enum pg_status purge(struct writer *w)
{
    static const struct pg_stmt find = {"purge_find", "SELECT id FROM crawl WHERE purge_at IS NOT NULL ORDER BY id LIMIT 1"};
    static const struct pg_stmt stmt = {"purge", "SELECT crawl_purge($1, $2::bigint::integer)"};
    int64_t begun = clock_mono_ms();
    enum pg_status st = PG_OK;
    bool found = true;
    while (st == PG_OK && found && clock_mono_ms() - begun < PURGE_MS) {
        struct pg_result *r;
        struct pg_params params;
        st = pg_run(w->pg, &find, NULL, &r);
        if (st != PG_OK) break;
        found = pg_rows(r) > 0;
        pg_params_init(&params);
        pg_add_int(&params, pg_rows(r) ? pg_int(r, 0, 0) : 0);
        pg_add_int(&params, PURGE_PAGES);
        if (found) st = pg_run(w->pg, &stmt, &params, NULL);
        pg_params_release(&params);
        pg_result_free(r);
    }
    return st == PG_RETRY ? PG_OK : st; /* somebody stores just now */
}

static enum pg_status tidy(struct writer *w)
{
    static const struct pg_stmt processes = {"tidy_processes", "DELETE FROM process WHERE seen_at < now() - interval '1 hour'"};
    static const struct pg_stmt hands = {"tidy_hands", "DELETE FROM hand WHERE at < now() - interval '1 hour'"};
    /* What a crawl was first asked for with stays as long as it. */
    static const struct pg_stmt requests = {
        "tidy_requests",
        "DELETE FROM request WHERE id = ANY(ARRAY(SELECT q.id FROM request q WHERE q.taken_at < now() - $1 * interval '1 ms' "
        "AND NOT EXISTS (SELECT FROM crawl c WHERE c.public_id = q.id) ORDER BY q.taken_at LIMIT 5000))"};
    struct pg_params params;
    if (clock_mono_ms() < w->live->tidy_at) return PG_OK;
    w->live->tidy_at = clock_mono_ms() + TIDY_MS;
    pg_params_init(&params);
    pg_add_int(&params, writer_conf.request_keep_ms);
    enum pg_status st = pg_run(w->pg, &processes, NULL, NULL);
    if (st == PG_OK) st = pg_run(w->pg, &hands, NULL, NULL);
    if (st == PG_OK) st = pg_run(w->pg, &requests, &params, NULL);
    pg_params_release(&params);
    return st;
}

enum pg_status live_tick(struct writer *w)
{
    if (!frontier_leads(w)) return PG_OK;
    enum pg_status st = write_queues(w);
    if (st == PG_OK) st = purge(w);
    return st == PG_OK ? tidy(w) : st;
}

/* ---- the search ---- */

/* The next look in `ms`; the loop wakes for it. */
static void look_in(struct writer *w, int64_t ms)
{
    struct live *l = w->live;
    l->search_at = clock_mono_ms() + ms;
    ev_timer_stop(service_loop(w->service), &l->again);
    ev_timer_set(&l->again, ms > 0 ? (double)ms / 1000 : 0.0005, 0);
    ev_timer_start(service_loop(w->service), &l->again);
}

void live_turn(struct writer *w)
{
    static const struct pg_stmt stmt = {"search_take", "SELECT search_take($1::bigint::integer)"};
    struct live *l = w->live;
    struct pg_params params;
    struct pg_result *r;
    int64_t begun = clock_mono_ms();
    bool rests = intake_quiet_ms(w) >= REST_MS;
    if (begun < l->search_at || !w->db_ready || !frontier_leads(w) || service_stopping(w->service)) return;
    pg_params_init(&params);
    pg_add_int(&params, rests ? l->portion : SEARCH_MIN);
    enum pg_status st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    bool more = st == PG_OK && !pg_is_null(r, 0, 0);
    if (st == PG_OK) pg_result_free(r);
    if (st == PG_LOST) database_lost(w);
    if (st != PG_OK && st != PG_RETRY && st != PG_LOST) log_error("search: %s", pg_error(w->pg));
    int64_t took = clock_mono_ms() - begun;
    if (took > SEARCH_TAKE_MS && l->portion > SEARCH_MIN) l->portion /= 2;
    if (took < SEARCH_TAKE_MS / 2 && l->portion < SEARCH_MAX) l->portion *= 2;
    look_in(w, more && rests ? 0 : BUSY_EVERY_MS);
}
