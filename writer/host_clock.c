/* Host clocks; contract and rules in host_clock.h. */
#include "writer/host_clock.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/frontier.h"

#define SWEEP_PAGES 500
#define CLAIM_MAX   1000000000 /* of what a record says; keeps the arithmetic in range */
#define IDLE_MS     300000     /* of a pause in which nobody fetched, so much counts as tried in vain */

/* Codes that are no answer. */
static const struct {
    enum code code;
    enum ticket_use use;
} uses[] = {
    {CODE_DNS_FAIL, USE_UNREACHED}, {CODE_CONNECT_FAIL, USE_UNREACHED}, {CODE_NO_RESOLVER, USE_UNREACHED},
    {CODE_TIMEOUT, USE_TROUBLED},   {CODE_TLS, USE_TROUBLED},           {CODE_BAD_RESPONSE, USE_TROUBLED},
    {CODE_HTTP_5XX, USE_TROUBLED},  {CODE_RATE_LIMITED, USE_LIMITED},   {CODE_ADDRESS_BLOCKED, USE_NONE},
    {CODE_BAD_URL, USE_NONE},
};

static enum ticket_use use_of_code(enum code code)
{
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (uses[i].code == code) return uses[i].use;
    return USE_ANSWERED;
}

enum ticket_use host_clock_use(const struct record *r)
{
    enum code code = CODE_OK;
    if (r->kind == RECORD_FETCHED) return USE_ANSWERED;
    if (r->kind == RECORD_ROBOTS && r->status == 429) return USE_LIMITED;
    if (r->kind == RECORD_ROBOTS && r->status >= 500) return USE_TROUBLED;
    if (r->kind != RECORD_ROBOTS && r->kind != RECORD_VERDICT) return USE_NONE;
    if (r->code) code_parse(r->code, &code);
    return use_of_code(code);
}

static int64_t at_most(int64_t ms, int64_t most)
{
    return ms < most ? ms : most;
}

int64_t host_clock_pause_ms(const struct record *r)
{
    int64_t took = r->taken_at > 0 ? r->fetched_at - r->taken_at : 0;
    if (r->retry_after > 0) return at_most(at_most(r->retry_after, CLAIM_MAX) * 1000, writer_conf.retry_after_max_ms);
    if (writer_conf.host_delay_ms == 0 || took <= 0) return 0;
    return at_most(at_most(took, CLAIM_MAX) * writer_conf.delay_factor, writer_conf.crawl_delay_max_ms);
}

/* ---- whose fault ---- */

static void add_unreached(struct pg_array *ids, struct entry **entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i]->kind == ENTRY_RECORD && host_clock_use(&entries[i]->record) == USE_UNREACHED)
            pg_array_int(ids, entries[i]->record.host);
}

/* Of the hosts that were not reached: which answered before, and is our network down? */
static enum pg_status read_unreached(struct tx *tx, const struct pg_array *ids, struct pg_result **r)
{
    static const struct pg_stmt stmt = {"unreached_hosts",
                                        "SELECT id, answered_at IS NOT NULL, (SELECT down_since IS NOT NULL FROM network) FROM host "
                                        "WHERE id = ANY($1)"};
    pg_params_reset(&tx->params);
    pg_add_array(&tx->params, ids);
    return tx_run(tx, &stmt, r);
}

static bool is_known(const struct pg_result *r, int64_t host, bool *down)
{
    for (int i = 0; i < pg_rows(r); i++) {
        if (pg_int(r, i, 0) != host) continue;
        *down = *down || pg_bool(r, i, 2);
        return pg_bool(r, i, 1);
    }
    return false;
}

static bool is_ours(const struct record *r)
{
    return r->code && strcmp(r->code, code_name(CODE_NO_RESOLVER)) == 0;
}

enum pg_status host_clock_excuse(struct tx *tx, struct entry **entries, size_t count)
{
    struct pg_array ids;
    struct pg_result *r = NULL;
    enum pg_status st = PG_OK;
    bool answered = false, known = false, down = false;
    pg_array_init(&ids, PG_INT8);
    add_unreached(&ids, entries, count);
    if (ids.count > 0) st = read_unreached(tx, &ids, &r);
    for (size_t i = 0; i < count && st == PG_OK; i++) {
        struct entry *e = entries[i];
        enum ticket_use use = e->kind == ENTRY_RECORD ? host_clock_use(&e->record) : USE_NONE;
        bool is_known_host = use == USE_UNREACHED && is_known(r, e->record.host, &down);
        e->excused = use == USE_LIMITED || is_known_host || (use == USE_UNREACHED && is_ours(&e->record));
        known = known || is_known_host;
        answered = answered || use == USE_ANSWERED || use == USE_LIMITED || use == USE_TROUBLED;
    }
    for (size_t i = 0; i < count && st == PG_OK; i++)
        if (entries[i]->kind == ENTRY_RECORD && down && host_clock_use(&entries[i]->record) == USE_UNREACHED) entries[i]->excused = true;
    tx->network = answered ? NETWORK_UP : known && !down ? NETWORK_DOWN : NETWORK_UNSAID;
    pg_result_free(r);
    pg_array_release(&ids);
    return st;
}

/* ---- writing ---- */

static enum pg_status write_network(struct tx *tx)
{
    static const struct pg_stmt up = {"network_up", "UPDATE network SET down_since = NULL WHERE down_since IS NOT NULL"};
    static const struct pg_stmt down = {"network_down", "UPDATE network SET down_since = now() WHERE down_since IS NULL"};
    struct writer *w = tx->writer;
    if (tx->network == NETWORK_UNSAID || (tx->network == NETWORK_UP && !w->network_down)) return PG_OK;
    pg_params_reset(&tx->params);
    enum pg_status st = tx_run(tx, tx->network == NETWORK_UP ? &up : &down, NULL);
    if (st == PG_OK) w->network_down = tx->network == NETWORK_DOWN; /* if the commit fails, the next look puts it right */
    return st;
}

/* Several failures of one moment (requests that were under way together) are one: a ticket released before the last failure
 * adds none. */
static const char ENDS_SQL[] =
    "WITH u AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) "
    "AS u (host_id, page_id, release, pause, use, code)), "
    "gone AS (DELETE FROM ticket t USING u WHERE t.page_id = ANY(ARRAY[u.page_id]) AND t.host_id = u.host_id AND t.release = u.release "
    "RETURNING t.host_id, u.pause, u.use, u.code, t.deadline - $8 * interval '1 ms' AS begun), "
    "ended AS (SELECT host_id, count(*) AS n, max(pause) AS pause, bool_or(use = 1) AS answered, max(use) AS use, "
    "max(code) FILTER (WHERE use > 1) AS code, max(begun) FILTER (WHERE use > 1) AS begun FROM gone GROUP BY host_id), "
    "judged AS (SELECT h.id, e.*, h.free_at, h.crawl_delay_ms, "
    "e.use > 1 AND NOT e.answered AND (h.failed_at IS NULL OR e.begun > h.failed_at) AS fails, "
    "CASE WHEN e.answered THEN 0 ELSE h.failures END AS failures, "
    "CASE WHEN e.answered OR h.failures = 0 THEN 0 ELSE h.stalled_ms + (extract(epoch FROM least(now() - h.failed_at, "
    "greatest(h.free_at, h.failed_at) - h.failed_at + $9 * interval '1 ms')) * 1000)::bigint END AS stalled "
    "FROM ended e JOIN host h ON h.id = ANY(ARRAY[e.host_id])), "
    "pauses AS (SELECT *, CASE WHEN pause < 0 THEN 0 ELSE greatest($7, coalesce(crawl_delay_ms, 0), pause, "
    "CASE WHEN fails AND (use > 2 OR failures >= 2) THEN least($10 * (1::bigint << least(failures - CASE use WHEN 2 THEN 2 ELSE 0 END, 30)), $11) "
    "END) END AS ms FROM judged) "
    "UPDATE host h SET out = h.out - p.n, free_at = CASE WHEN p.ms > 0 THEN greatest(h.free_at, now() + p.ms * interval '1 ms') "
    "ELSE h.free_at END, next_at = CASE WHEN p.ms > 0 THEN greatest(h.free_at, now() + p.ms * interval '1 ms') "
    "ELSE greatest(h.free_at, now()) END, "
    "answered_at = CASE WHEN p.answered THEN now() ELSE h.answered_at END, failures = p.failures + p.fails::integer, "
    "failed_at = CASE WHEN p.fails THEN now() ELSE h.failed_at END, fault = CASE WHEN p.fails THEN p.code ELSE h.fault END, "
    "stalled_ms = CASE WHEN p.fails OR p.answered THEN p.stalled ELSE h.stalled_ms END "
    "FROM pauses p WHERE h.id = ANY(ARRAY[p.id])";

enum pg_status host_clock_write(struct tx *tx)
{
    static const struct pg_stmt stmt = {"end_tickets", ENDS_SQL};
    static const enum pg_type types[] = {PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_INT8, PG_TEXT};
    enum { COLUMNS = sizeof types / sizeof *types };
    if (tx->end_count == 0) return PG_OK;
    struct pg_array columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) pg_array_init(&columns[i], types[i]);
    for (size_t i = 0; i < tx->end_count; i++) {
        const struct ticket_end *e = &tx->ends[i];
        pg_array_int(&columns[0], e->host_id);
        pg_array_int(&columns[1], e->page_id);
        pg_array_int(&columns[2], e->release);
        pg_array_int(&columns[3], e->pause_ms);
        pg_array_int(&columns[4], e->use);
        pg_array_text(&columns[5], e->use > USE_ANSWERED ? code_name(e->code) : NULL);
    }
    pg_params_reset(&tx->params);
    for (size_t i = 0; i < COLUMNS; i++) pg_add_array(&tx->params, &columns[i]);
    pg_add_int(&tx->params, writer_conf.host_delay_ms);
    pg_add_int(&tx->params, writer_conf.ticket_ms);
    pg_add_int(&tx->params, IDLE_MS);
    pg_add_int(&tx->params, writer_conf.backoff_ms);
    pg_add_int(&tx->params, writer_conf.host_backoff_max_ms);
    enum pg_status st = tx_run(tx, &stmt, NULL);
    for (size_t i = 0; i < COLUMNS; i++) pg_array_release(&columns[i]);
    tx->admitted = true; /* a slot is free */
    return st == PG_OK ? write_network(tx) : st;
}

enum pg_status host_clock_look(struct writer *w)
{
    static const struct pg_stmt stmt = {"network_look", "SELECT down_since IS NOT NULL FROM network"};
    struct pg_result *r;
    enum pg_status st = pg_run(w->pg, &stmt, NULL, &r);
    if (st != PG_OK) return st;
    bool down = pg_rows(r) > 0 && pg_bool(r, 0, 0);
    if (down != w->network_down && frontier_leads(w))
        log_warn("%s", down ? "our network seems to be down: hosts that answered before cannot be reached" : "our network is back");
    w->network_down = down;
    pg_result_free(r);
    return PG_OK;
}

/* ---- giving up ---- */

/* The pages of one host that wait in the frontier; the code they end with. */
static enum pg_status find_stalled(struct writer *w, struct tx *tx, int64_t *host_r, enum code *code_r)
{
    static const struct pg_stmt host = {"stalled_host",
                                        "SELECT id, coalesce(fault, '') FROM host WHERE stalled_ms > 0 AND stalled_ms >= $1 LIMIT 1"};
    static const struct pg_stmt pages = {"stalled_pages", "SELECT page_id FROM frontier WHERE host_id = $1 ORDER BY host_id LIMIT $2"};
    struct pg_result *r;
    *host_r = 0;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, writer_conf.host_stall_ms);
    enum pg_status st = pg_run(w->pg, &host, &tx->params, &r);
    if (st != PG_OK) return st;
    if (pg_rows(r) > 0) {
        *host_r = pg_int(r, 0, 0);
        *code_r = strcmp(pg_text(r, 0, 1), code_name(CODE_RATE_LIMITED)) == 0 ? CODE_RATE_LIMITED : CODE_HOST_DOWN;
    }
    pg_result_free(r);
    if (!*host_r) return PG_OK;
    pg_params_reset(&tx->params);
    pg_add_int(&tx->params, *host_r);
    pg_add_int(&tx->params, SWEEP_PAGES);
    st = pg_run(w->pg, &pages, &tx->params, &r);
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) tx_want_page(tx, pg_int(r, i, 0));
    if (st == PG_OK) pg_result_free(r);
    return st;
}

/* Nothing waits any more: who comes later may try again. */
static enum pg_status forget_stall(struct writer *w, int64_t host)
{
    static const struct pg_stmt stmt = {"forget_stall", "UPDATE host SET stalled_ms = 0 WHERE id = $1 AND stalled_ms >= $2"};
    struct pg_params params;
    pg_params_init(&params);
    pg_add_int(&params, host);
    pg_add_int(&params, writer_conf.host_stall_ms);
    enum pg_status st = pg_run(w->pg, &stmt, &params, NULL);
    pg_params_release(&params);
    return st;
}

static enum pg_status give_up(struct tx *tx, enum code code)
{
    enum pg_status st = tx_begin(tx);
    if (st == PG_OK) st = tx_load(tx);
    for (size_t i = 0; i < tx->page_count && st == PG_OK; i++) {
        struct page_row *p = &tx->pages[i];
        if (p->state != STATE_REGISTERED) continue;
        tx_attempt(tx, p, p->release, code, "given up: all fetches from its host failed for HOST_STALL", NULL);
        tx_page_end(p, code, "all fetches from its host failed for HOST_STALL", NULL);
    }
    if (st == PG_OK) st = tx_admit(tx); /* locks the hosts */
    if (st == PG_OK) st = tx_write(tx);
    return tx_finish(tx, st);
}

enum pg_status host_clock_sweep(struct writer *w)
{
    enum pg_status st = PG_OK;
    int64_t host = 1;
    for (int rounds = 0; st == PG_OK && host && rounds < 20; rounds++) {
        struct tx tx;
        enum code code = CODE_HOST_DOWN;
        tx_init(&tx, w, w->pg);
        st = find_stalled(w, &tx, &host, &code);
        if (st == PG_OK && host) st = tx.want_page_count > 0 ? give_up(&tx, code) : forget_stall(w, host);
        tx_release(&tx);
    }
    return st;
}
