/* Database connections; contract in db.h. */
#include "gateway/db.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/http.h"

#define TRIES 3 /* of a statement that met a deadlock, or a connection that was lost meanwhile */

static atomic_bool up;
static _Atomic(const char *) why = "starting";

/* Idle connections stay. */
static const char SESSION[] = "SET idle_session_timeout = 0; SET jit = off; "
                              "SET max_parallel_workers_per_gather = 0; SET synchronous_commit = on";

void db_init(struct db *db, const char *name, int64_t deadline_ms)
{
    db->pg = pg_new(gateway_conf.database_url, name, deadline_ms);
    pg_params_init(&db->params);
}

void db_release(struct db *db)
{
    pg_free(&db->pg);
    pg_params_release(&db->params);
}

struct pg_params *db_begin(struct db *db)
{
    pg_params_reset(&db->params);
    return &db->params;
}

bool db_is_up(void)
{
    return up;
}

const char *db_why(void)
{
    return why;
}

static void set_down(const char *words, const char *detail)
{
    why = words;
    if (!atomic_exchange(&up, false)) return;
    gateway_stats.database_lost++;
    log_warn("database: %s", detail);
}

static bool connect_to(struct db *db)
{
    if (pg_connected(db->pg)) return true;
    if (pg_connect(db->pg) && pg_exec(db->pg, SESSION) == PG_OK) return true;
    pg_disconnect(db->pg);
    return false;
}

bool db_look(struct db *db)
{
    static const struct pg_stmt schema = {"gw_schema", "SELECT to_regprocedure('crawl_find(text)') IS NOT NULL"};
    static struct log_gate gate;
    struct pg_result *r = NULL;
    bool fits = false;
    if (!connect_to(db)) {
        set_down("the database cannot be reached", pg_error(db->pg));
        if (log_gate(&gate, 10, NULL)) log_warn("database: %s", pg_error(db->pg));
        return false;
    }
    enum pg_status status = pg_run(db->pg, &schema, db_begin(db), &r);
    if (status == PG_OK) fits = pg_bool(r, 0, 0);
    pg_result_free(r);
    if (!fits) {
        set_down(status == PG_LOST ? "the database cannot be reached" : "the database has an older schema: start a writer of this version",
                 status == PG_OK ? "older schema" : pg_error(db->pg));
        return false;
    }
    if (!atomic_exchange(&up, true)) log_info("database: there");
    return true;
}

static enum pg_status run(struct db *db, const struct pg_stmt *stmt, struct pg_result **result_r)
{
    enum pg_status status = PG_LOST;
    for (int i = 0; i < TRIES; i++) {
        if (!db_is_up()) return PG_LOST;
        if (!connect_to(db)) {
            set_down("the database cannot be reached", pg_error(db->pg));
            return PG_LOST;
        }
        status = pg_run(db->pg, stmt, &db->params, result_r);
        bool slow = status == PG_RETRY && strcmp(pg_sqlstate(db->pg), "57014") == 0; /* it has had its time */
        if (slow || (status != PG_RETRY && status != PG_LOST)) return status;
    }
    if (status == PG_LOST) set_down("the database cannot be reached", pg_error(db->pg));
    return status;
}

struct pg_result *db_try(struct db *db, const struct pg_stmt *stmt)
{
    static struct log_gate gate;
    struct pg_result *r = NULL;
    if (run(db, stmt, &r) == PG_OK) return r;
    if (log_gate(&gate, 10, NULL)) log_warn("%s: %s", stmt->name, pg_error(db->pg));
    return NULL;
}

/* What functions of sql/ say by their SQLSTATE. */
static const struct {
    const char *sqlstate;
    enum fault fault;
    bool words; /* its own, which are for people */
} said[] = {
    {"P0002", FAULT_UNKNOWN, true},      {"55000", FAULT_CONFLICT, true},     {"22023", FAULT_BAD_REQUEST, true},
    {"57014", FAULT_UNAVAILABLE, false}, {"42P01", FAULT_UNAVAILABLE, false}, {"42883", FAULT_UNAVAILABLE, false},
};

static void answer_error(struct request *req, struct db *db, const struct pg_stmt *stmt, enum pg_status status)
{
    static struct log_gate gate;
    const char *state = pg_sqlstate(db->pg), *words = pg_error(db->pg);
    size_t name = strlen(stmt->name);
    if (strncmp(words, stmt->name, name) == 0 && words[name] == ':') words += name + 2;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        if (status == PG_LOST || strcmp(state, said[i].sqlstate) != 0) continue;
        answer_fault(req, said[i].fault, NULL, "%s", said[i].words ? words : "the database takes too long, or has another schema");
        return;
    }
    if (status == PG_LOST || status == PG_RETRY) {
        answer_fault(req, FAULT_UNAVAILABLE, NULL, "%s", db_is_up() ? "the database is busy" : db_why());
    } else if (status == PG_DATA) {
        answer_fault(req, FAULT_BAD_REQUEST, NULL, "a value cannot be used: %s", words);
    } else {
        if (log_gate(&gate, 10, NULL)) log_error("%s", pg_error(db->pg));
        answer_fault(req, FAULT_INTERNAL, NULL, "a fault of ours; the log says more");
    }
}

struct pg_result *db_run(struct request *req, struct db *db, const struct pg_stmt *stmt)
{
    struct pg_result *r = NULL;
    enum pg_status status = run(db, stmt, &r);
    if (status != PG_OK) answer_error(req, db, stmt, status);
    return r;
}

bool db_answer(struct request *req, struct db *db, const struct pg_stmt *stmt, const char *what)
{
    struct pg_result *r = db_run(req, db, stmt);
    if (!r) return false;
    bool found = pg_rows(r) > 0 && !pg_is_null(r, 0, 0);
    if (found)
        answer_json(req, 200, pg_text(r, 0, 0));
    else
        answer_fault(req, FAULT_UNKNOWN, NULL, "%s", what);
    pg_result_free(r);
    return found;
}
