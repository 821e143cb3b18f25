/* Requests; contract in request.h. */
#include "writer/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define REQUESTS_A_TIME 32 /* each may have 1 MiB */

void request_wake(struct writer *w)
{
    w->requests = true;
}

void request_read(const struct request *request, struct seed *seed)
{
    if (seed->kind == SEED_URLS && !seed->url) {
        seed->kind = SEED_BAD;
        snprintf(seed->reason, sizeof seed->reason, "not a JSON object such as {\"url\": \"https://example.org/\"}");
    } else if (seed->kind != SEED_BAD) {
        seed->kind = request->inbox ? SEED_URLS : SEED_CRAWL; /* whatever the fields would make of it */
    }
}

void request_refuse(struct request *request, const char *field, const char *reason)
{
    if (request->error[0]) return;
    snprintf(request->field, sizeof request->field, "%s", field);
    snprintf(request->error, sizeof request->error, "%s", reason);
}

/* ---- in the transaction ---- */

enum pg_status request_lock(struct tx *tx, struct entry **entries, size_t count)
{
    /* Who has one locked is taking it. */
    static const struct pg_stmt stmt = {"lock_requests", "SELECT replace(id::text, '-', '') FROM request WHERE id = ANY($1) "
                                                         "AND taken_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED"};
    struct pg_array ids;
    struct pg_result *r = NULL;
    enum pg_status st = PG_OK;
    pg_array_init(&ids, PG_UUID);
    for (size_t i = 0; i < count; i++) {
        struct request *q = entries[i]->request;
        if (!q) continue;
        q->ours = false; /* this may be another try */
        q->crawl = 0;
        q->field[0] = q->error[0] = '\0';
        pg_array_uuid(&ids, &q->id);
    }
    if (ids.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &ids);
        st = tx_run(tx, &stmt, &r);
    }
    for (int row = 0; st == PG_OK && row < pg_rows(r); row++) {
        struct digest id;
        if (digest_parse(pg_text(r, row, 0), &id) != 0) continue;
        for (size_t i = 0; i < count; i++)
            if (entries[i]->request && memcmp(&entries[i]->request->id, &id, sizeof id) == 0) entries[i]->request->ours = true;
    }
    pg_result_free(r);
    pg_array_release(&ids);
    return st;
}

enum pg_status request_write(struct tx *tx, struct entry **entries, size_t count)
{
    static const struct pg_stmt stmt = {
        "write_requests",
        "UPDATE request q SET taken_at = now(), crawl_id = nullif(u.crawl, 0), field = nullif(u.field, ''), "
        "error = CASE WHEN u.crawl = 0 THEN u.error END "
        "FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) AS u (id, crawl, field, error) WHERE q.id = ANY(ARRAY[u.id])"};
    static const enum pg_type types[] = {PG_UUID, PG_INT8, PG_TEXT, PG_TEXT};
    enum { COLUMNS = sizeof types / sizeof *types };
    struct pg_array columns[COLUMNS];
    enum pg_status st = PG_OK;
    for (size_t k = 0; k < COLUMNS; k++) pg_array_init(&columns[k], types[k]);
    for (size_t i = 0; i < count; i++) {
        const struct request *q = entries[i]->request;
        if (!q || !q->ours) continue;
        pg_array_uuid(&columns[0], &q->id);
        pg_array_int(&columns[1], q->crawl);
        pg_array_text(&columns[2], q->crawl ? "" : q->field);
        pg_array_text(&columns[3], q->error);
    }
    if (columns[0].count > 0) {
        pg_params_reset(&tx->params);
        for (size_t k = 0; k < COLUMNS; k++) pg_add_array(&tx->params, &columns[k]);
        st = tx_run(tx, &stmt, NULL);
        if (st == PG_OK) st = pg_exec(tx->pg, "NOTIFY gistmill_taken"); /* who asked may be waiting */
    }
    for (size_t k = 0; k < COLUMNS; k++) pg_array_release(&columns[k]);
    return st;
}

/* ---- looking ---- */

static struct entry *new_entry(const struct pg_result *r, int row)
{
    struct entry *e = mem_zalloc(sizeof *e);
    struct request *q = mem_zalloc(sizeof *q);
    const char *body = pg_text(r, row, 1); /* lives as long as r */
    if (digest_parse(pg_text(r, row, 0), &q->id) != 0) log_panic("a request without an id");
    q->express = pg_bool(r, row, 2);
    q->inbox = pg_bool(r, row, 3);
    q->force = pg_bool(r, row, 4);
    *e = (struct entry){.kind = ENTRY_SEED, .request = q, .text = body, .text_len = strlen(body)};
    e->rows = seed_rows(e->text, e->text_len);
    return e;
}

static void free_entries(struct entry **entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        record_release(&entries[i]->record);
        free(entries[i]->request);
        free(entries[i]->url);
        free(entries[i]);
    }
    free(entries);
}

void request_turn(struct writer *w)
{
    static const struct pg_stmt stmt = {"new_requests", "SELECT replace(id::text, '-', ''), body, express, inbox, force FROM request "
                                                        "WHERE taken_at IS NULL ORDER BY at LIMIT $1"};
    struct pg_params params;
    struct pg_result *r;
    if (!w->requests || !w->db_ready || service_stopping(w->service)) return;
    w->requests = false;
    pg_params_init(&params);
    pg_add_int(&params, REQUESTS_A_TIME);
    enum pg_status st = pg_run(w->pg, &stmt, &params, &r);
    pg_params_release(&params);
    if (st != PG_OK) {
        if (st == PG_LOST) database_lost(w);
        return; /* the next second looks again */
    }
    size_t count = (size_t)pg_rows(r);
    struct entry **entries = mem_calloc(count, sizeof *entries);
    for (size_t i = 0; i < count; i++) entries[i] = new_entry(r, (int)i);
    if (!intake_work(w, entries, count)) database_lost(w);
    free_entries(entries, count);
    pg_result_free(r);
    if (count == REQUESTS_A_TIME) request_wake(w); /* there may be more */
}
