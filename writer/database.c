/* The writer's connection to PostgreSQL: schema, notifications, outages (law 9). Contract in writer.h. */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "writer/conf.h"
#include "writer/migrate.h"
#include "writer/request.h"
#include "writer/writer.h"

#define DEADLINE_MS    15000 /* of one statement; below half the broker's patience with our heartbeats */
#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 5000

struct database {
    ev_io io;
    bool watching;
    int64_t retry_at, backoff;
    struct log_gate gate;
};

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)io, (void)revents; /* only wakes the loop: database_turn reads */
}

enum pg_status database_prepare(struct pg *pg)
{
    return pg_by_index(pg);
}

static bool connect_now(struct writer *w)
{
    struct database *db = w->database;
    if (!pg_connect(w->pg)) {
        unsigned more = 0;
        if (log_gate(&db->gate, 10, &more)) log_warn("database: %s", pg_error(w->pg));
        return false;
    }
    enum migrate_status migrated = migrate_run(w->pg, NULL);
    if (migrated != MIGRATE_OK || database_prepare(w->pg) != PG_OK || pg_exec(w->pg, "LISTEN gistmill") != PG_OK) {
        pg_disconnect(w->pg);
        return false;
    }
    return true;
}

static void watch(struct writer *w)
{
    struct database *db = w->database;
    ev_io_init(&db->io, on_readable, pg_socket(w->pg), EV_READ);
    ev_io_start(service_loop(w->service), &db->io);
    db->watching = true;
}

static void try_connect(struct writer *w)
{
    struct database *db = w->database;
    if (connect_now(w)) {
        db->backoff = 0;
        w->db_ready = true;
        watch(w);
        service_resume(w->service);
        frontier_try_to_lead(w);
        frontier_wake(w);
        request_wake(w);
        return;
    }
    db->backoff = db->backoff ? db->backoff * 2 : BACKOFF_MIN_MS;
    if (db->backoff > BACKOFF_MAX_MS) db->backoff = BACKOFF_MAX_MS;
    db->retry_at = clock_mono_ms() + db->backoff;
}

void database_start(struct writer *w)
{
    w->database = mem_zalloc(sizeof *w->database);
    w->pg = pg_new(writer_conf.database_url, "gistmill writer", DEADLINE_MS);
    try_connect(w);
    if (!w->db_ready) service_suspend(w->service, "waiting for the database");
}

static void unwatch(struct writer *w)
{
    if (w->database->watching) ev_io_stop(service_loop(w->service), &w->database->io);
    w->database->watching = false;
}

void database_stop(struct writer *w)
{
    if (!w->database) return;
    unwatch(w);
    pg_free(&w->pg);
    free(w->database);
    w->database = NULL;
}

void database_tick(struct writer *w)
{
    if (!w->db_ready && clock_mono_ms() >= w->database->retry_at) try_connect(w);
}

void database_turn(struct writer *w)
{
    if (!w->db_ready) return;
    if (pg_notified(w->pg)) {
        frontier_wake(w);
        request_wake(w);
    }
    if (!pg_connected(w->pg)) database_lost(w);
}

void database_lost(struct writer *w)
{
    if (!w->db_ready) return;
    log_warn("database lost: %s", pg_error(w->pg));
    w->db_ready = false;
    unwatch(w);
    pg_disconnect(w->pg);
    frontier_lost(w);
    service_suspend(w->service, "waiting for the database");
    intake_drop(w);
    w->database->retry_at = clock_mono_ms() + BACKOFF_MIN_MS;
}

int database_migrate_command(void)
{
    struct pg *pg = pg_new(writer_conf.database_url, "gistmill writer --migrate", DEADLINE_MS);
    int applied = 0, rc = EXITCODE_DEPENDENCY;
    if (!pg_connect(pg))
        log_error("database: %s", pg_error(pg));
    else if (migrate_run(pg, &applied) == MIGRATE_OK) {
        printf("schema is up to date, %d migration%s applied\n", applied, applied == 1 ? "" : "s");
        rc = EXITCODE_OK;
    }
    pg_free(&pg);
    return rc;
}
