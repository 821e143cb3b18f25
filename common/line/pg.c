/* PostgreSQL connection; contract in pg.h. Parameters are in pg_params.c. */
#include "line/pg.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define CONNECT_MS     10000
#define SESSION_S      30  /* an idle session ends after this, and with it its locks */
#define STATEMENTS_MAX 256 /* prepared in one connection, three quarters of them used at most */

struct pg {
    char *url;
    char *app;
    int64_t deadline_ms;
    PGconn *conn; /* NULL: not connected */
    bool notified;
    const struct pg_stmt *prepared[STATEMENTS_MAX]; /* open addressing by pointer */
    size_t prepared_count;
    char error[600];
    char sqlstate[6];
};

struct pg_result {
    PGresult *rows;
};

/* --- failures ------------------------------------------------------------------------------------------------- */

/* Which status a SQLSTATE is: the first prefix that fits. */
static const struct {
    const char *prefix;
    enum pg_status status;
} classes[] = {
    {"40P01", PG_RETRY}, {"40001", PG_RETRY}, {"55P03", PG_RETRY}, {"57014", PG_RETRY}, {"21", PG_DATA},
    {"22", PG_DATA},     {"23", PG_DATA},     {"54", PG_DATA},     {"08", PG_LOST}, /* connection exception */
    {"25006", PG_LOST},                                                             /* read only: this server is a standby now */
    {"25P03", PG_LOST},                                                             /* idle in transaction for too long */
    {"53", PG_LOST},                                                                /* disk, memory or connections used up */
    {"57P", PG_LOST},                                                               /* shut down, starting, idle for too long */
    {"58", PG_LOST},                                                                /* input or output error of the server */
};

static enum pg_status classify(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!sqlstate) return PG_LOST; /* libpq's own words: the connection broke */
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(sqlstate, classes[i].prefix, strlen(classes[i].prefix)) == 0) return classes[i].status;
    return severity && strcmp(severity, "ERROR") != 0 ? PG_LOST : PG_BUG; /* FATAL and PANIC end the session */
}

/* Keeps an error as one line. */
static void set_error(struct pg *pg, const char *sqlstate, const char *what, const char *text, const char *detail)
{
    snprintf(pg->sqlstate, sizeof pg->sqlstate, "%s", sqlstate ? sqlstate : "");
    snprintf(pg->error, sizeof pg->error, "%s%s%s%s%s%s", what ? what : "", what ? ": " : "", text, detail ? " (" : "",
             detail ? detail : "", detail ? ")" : "");
    size_t n = strlen(pg->error);
    while (n > 0 && (pg->error[n - 1] == '\n' || pg->error[n - 1] == ' ')) pg->error[--n] = '\0';
    for (char *p = pg->error; *p; p++)
        if ((unsigned char)*p < ' ') *p = ' ';
}

static enum pg_status fail_lost(struct pg *pg, const char *what, const char *text)
{
    set_error(pg, NULL, what, text, NULL);
    pg_disconnect(pg);
    return PG_LOST;
}

static enum pg_status fail_result(struct pg *pg, const char *what, const PGresult *result)
{
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    set_error(pg, PQresultErrorField(result, PG_DIAG_SQLSTATE), what, primary ? primary : PQresultErrorMessage(result),
              PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    return classify(result);
}

/* --- waiting -------------------------------------------------------------------------------------------------- */

/* Waits until the socket is ready for one of events; what it is ready for, or 0 at the deadline. */
static int wait_socket(const struct pg *pg, short events, int64_t until_ms)
{
    for (;;) {
        int64_t left = until_ms - clock_mono_ms();
        if (left <= 0) return 0;
        struct pollfd p = {.fd = PQsocket(pg->conn), .events = events};
        int n = poll(&p, 1, (int)(left < 60000 ? left : 60000));
        if (n > 0) return p.revents;
        if (n < 0 && errno != EINTR) return 0;
    }
}

enum wait_end { WAIT_DONE, WAIT_EXPIRED, WAIT_BROKEN };

/* Sends what is still to be sent. The server may send first, or neither side would ever read. */
static enum wait_end flush_out(struct pg *pg, int64_t until_ms)
{
    int left;
    while ((left = PQflush(pg->conn)) != 0) {
        if (left < 0) return WAIT_BROKEN;
        int ready = wait_socket(pg, POLLIN | POLLOUT, until_ms);
        if (!ready) return WAIT_EXPIRED;
        if (ready & POLLIN && !PQconsumeInput(pg->conn)) return WAIT_BROKEN;
    }
    return WAIT_DONE;
}

static enum wait_end wait_result(struct pg *pg, int64_t until_ms)
{
    while (PQisBusy(pg->conn)) {
        if (!wait_socket(pg, POLLIN, until_ms)) return WAIT_EXPIRED;
        if (!PQconsumeInput(pg->conn)) return WAIT_BROKEN;
    }
    return WAIT_DONE;
}

static void take_notifications(struct pg *pg)
{
    PGnotify *note;
    while ((note = PQnotifies(pg->conn))) {
        pg->notified = true;
        PQfreemem(note);
    }
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

/* Awaits all results of what was sent. *last_r (may be NULL) gets the last one, if all is well. */
static enum pg_status collect(struct pg *pg, const char *what, PGresult **last_r)
{
    int64_t until_ms = clock_mono_ms() + pg->deadline_ms;
    enum pg_status status = PG_OK;
    PGresult *last = NULL, *result;
    enum wait_end end = flush_out(pg, until_ms);
    while (end == WAIT_DONE && (end = wait_result(pg, until_ms)) == WAIT_DONE && (result = PQgetResult(pg->conn))) {
        if (!succeeded(result) && status == PG_OK) status = fail_result(pg, what, result);
        bool copying = PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT;
        PQclear(last);
        last = result;
        if (copying) { /* would never end */
            set_error(pg, NULL, what, "COPY is not for here", NULL);
            pg_disconnect(pg);
            PQclear(last);
            return PG_BUG;
        }
    }
    if (end == WAIT_EXPIRED)
        status = fail_lost(pg, what, "no answer in time");
    else if (end == WAIT_BROKEN && status == PG_OK)
        status = fail_lost(pg, what, PQerrorMessage(pg->conn));
    else if (end == WAIT_BROKEN || status == PG_LOST)
        pg_disconnect(pg);
    if (end == WAIT_BROKEN) status = PG_LOST;
    if (pg->conn) take_notifications(pg);
    if (status == PG_OK && last_r)
        *last_r = last;
    else
        PQclear(last);
    return status;
}

/* --- the connection ------------------------------------------------------------------------------------------- */

static void on_notice(void *context, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    (void)context;
    log_debug("postgresql: %s", text ? text : "?");
}

bool pg_url_valid(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    PQconninfoFree(options);
    return options != NULL;
}

struct pg *pg_new(const char *url, const char *application_name, int64_t deadline_ms)
{
    struct pg *pg = mem_zalloc(sizeof *pg);
    pg->url = mem_strdup(url);
    pg->app = mem_strdup(application_name);
    pg->deadline_ms = deadline_ms;
    return pg;
}

void pg_free(struct pg **pg)
{
    if (!*pg) return;
    pg_disconnect(*pg);
    free((*pg)->url);
    free((*pg)->app);
    free(*pg);
    *pg = NULL;
}

void pg_disconnect(struct pg *pg)
{
    PQfinish(pg->conn); /* does not block: the connection is in non-blocking mode */
    pg->conn = NULL;
    pg->notified = false;
}

/* libpq repeats a connection string it cannot read, password and all, so it is read here first. */
static bool url_readable(const char *url)
{
    if (!strstr(url, "://") && !strchr(url, '=')) return true; /* a database name */
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    PQconninfoFree(options);
    return options != NULL;
}

static bool await_connection(struct pg *pg)
{
    int64_t until_ms = clock_mono_ms() + CONNECT_MS; /* connect_timeout does not count with PQconnectPoll */
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED || PQstatus(pg->conn) == CONNECTION_BAD) {
            fail_lost(pg, "connect", PQerrorMessage(pg->conn));
            return false;
        }
        if (!wait_socket(pg, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ms)) {
            fail_lost(pg, "connect", "no answer in time");
            return false;
        }
        state = PQconnectPoll(pg->conn);
    }
    return true;
}

/* By SET and not by the parameter `options`, which belongs to the URL's owner. */
static bool set_session(struct pg *pg)
{
    char sql[600];
    int64_t margin_ms = pg->deadline_ms / 10 < 1000 ? pg->deadline_ms / 10 : 1000;
    int64_t statement_ms = pg->deadline_ms - margin_ms > 0 ? pg->deadline_ms - margin_ms : 1;
    snprintf(sql, sizeof sql,
             "SET synchronous_commit = on; SET statement_timeout = %" PRId64 "; SET lock_timeout = %" PRId64 ";"
             "SET idle_in_transaction_session_timeout = '%ds'; SET idle_session_timeout = '%ds';"
             "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex'; SET client_min_messages = notice",
             statement_ms, statement_ms / 2 > 0 ? statement_ms / 2 : 1, SESSION_S, SESSION_S);
    if (pg_exec(pg, sql) == PG_OK) return true;
    pg_disconnect(pg);
    return false;
}

bool pg_connect(struct pg *pg)
{
    char user_timeout[24];
    /* What stands before dbname may be changed by the URL, what stands after it may not. */
    const char *const keys[] = {"keepalives",       "keepalives_idle",  "keepalives_interval",
                                "keepalives_count", "tcp_user_timeout", "dbname",
                                "application_name", "client_encoding",  NULL};
    const char *const values[] = {"1", "10", "5", "3", user_timeout, pg->url, pg->app, "UTF8", NULL};
    snprintf(user_timeout, sizeof user_timeout, "%" PRId64, pg->deadline_ms < INT32_MAX ? pg->deadline_ms : INT32_MAX);
    pg_disconnect(pg);
    memset(pg->prepared, 0, sizeof pg->prepared);
    pg->prepared_count = 0;
    if (!url_readable(pg->url)) {
        set_error(pg, NULL, "connect", "not a PostgreSQL connection URL", NULL);
        return false;
    }
    pg->conn = PQconnectStartParams(keys, values, 1);
    if (!pg->conn) log_panic("out of memory");
    PQsetNoticeReceiver(pg->conn, on_notice, pg);
    if (!await_connection(pg)) return false;
    if (PQsetnonblocking(pg->conn, 1) != 0) {
        fail_lost(pg, "connect", PQerrorMessage(pg->conn));
        return false;
    }
    return set_session(pg);
}

bool pg_connected(const struct pg *pg)
{
    return pg->conn != NULL;
}

const char *pg_error(const struct pg *pg)
{
    return pg->error;
}

const char *pg_sqlstate(const struct pg *pg)
{
    return pg->sqlstate;
}

int pg_socket(const struct pg *pg)
{
    return pg->conn ? PQsocket(pg->conn) : -1;
}

bool pg_notified(struct pg *pg)
{
    if (!pg->conn) return false;
    if (!PQconsumeInput(pg->conn)) {
        fail_lost(pg, "listen", PQerrorMessage(pg->conn));
        return false;
    }
    take_notifications(pg);
    bool notified = pg->notified;
    pg->notified = false;
    return notified;
}

/* --- statements ----------------------------------------------------------------------------------------------- */

/* The place of stmt in the table of those prepared in this connection: holds it, or NULL where it belongs. */
static const struct pg_stmt **slot_of(struct pg *pg, const struct pg_stmt *stmt)
{
    size_t i = ((uintptr_t)stmt >> 4) % STATEMENTS_MAX;
    while (pg->prepared[i] && pg->prepared[i] != stmt) i = (i + 1) % STATEMENTS_MAX;
    return &pg->prepared[i];
}

static enum pg_status prepare(struct pg *pg, const struct pg_stmt *stmt, const struct pg_params *params)
{
    const struct pg_stmt **slot = slot_of(pg, stmt);
    Oid types[PG_PARAMS_MAX];
    int count = params ? params->count : 0;
    if (*slot) return PG_OK;
    if (pg->prepared_count >= STATEMENTS_MAX / 4 * 3) log_panic("more than %zu statements", pg->prepared_count);
    for (int i = 0; i < count; i++) types[i] = (Oid)params->items[i].oid;
    if (!PQsendPrepare(pg->conn, stmt->name, stmt->sql, count, types)) return fail_lost(pg, stmt->name, PQerrorMessage(pg->conn));
    enum pg_status status = collect(pg, stmt->name, NULL);
    if (status == PG_OK) {
        *slot = stmt;
        pg->prepared_count++;
    }
    return status;
}

static bool send_prepared(struct pg *pg, const struct pg_stmt *stmt, const struct pg_params *params)
{
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX], count = params ? params->count : 0;
    for (int i = 0; i < count; i++) {
        values[i] = params->items[i].null ? NULL : buf_str(&params->bytes) + params->items[i].offset;
        lengths[i] = (int)params->items[i].length;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(pg->conn, stmt->name, count, values, lengths, formats, 0) == 1;
}

enum pg_status pg_run(struct pg *pg, const struct pg_stmt *stmt, const struct pg_params *params, struct pg_result **result_r)
{
    if (result_r) *result_r = NULL;
    if (!pg->conn) {
        set_error(pg, NULL, stmt->name, "not connected", NULL);
        return PG_LOST;
    }
    if (params && buf_failed(&params->bytes)) { /* "program limit exceeded": fewer rows, or none, will do */
        set_error(pg, "54000", stmt->name, "a parameter is too large or out of range", NULL);
        return PG_DATA;
    }
    enum pg_status status = prepare(pg, stmt, params);
    if (status != PG_OK) return status;
    if (!send_prepared(pg, stmt, params)) return fail_lost(pg, stmt->name, PQerrorMessage(pg->conn));
    PGresult *rows = NULL;
    status = collect(pg, stmt->name, &rows);
    if (status != PG_OK || !result_r) {
        PQclear(rows);
        return status;
    }
    *result_r = mem_alloc(sizeof **result_r);
    (*result_r)->rows = rows;
    return PG_OK;
}

enum pg_status pg_exec(struct pg *pg, const char *sql)
{
    char what[40];
    snprintf(what, sizeof what, "%.39s", sql);
    if (!pg->conn) {
        set_error(pg, NULL, what, "not connected", NULL);
        return PG_LOST;
    }
    if (!PQsendQuery(pg->conn, sql)) return fail_lost(pg, what, PQerrorMessage(pg->conn));
    return collect(pg, what, NULL);
}

/* Each of our statements finds its rows by an index, for tens to hundreds of keys, and must whatever the planner believes: a
 * table that an ANALYZE saw without rows, but with pages, counts as empty until the next, however many rows it gets, and then
 * reading all of it looks as cheap as finding a row. So whole tables are forbidden here, and joins are written so that no whole
 * index serves them: the first column of the index is compared as `= ANY(ARRAY[x])`, whose order is of no use to a join (with
 * `= x` an ordered read of the index is offered, for a merge), the others as `= x`; `IN (SELECT …)` is `= ANY(ARRAY(SELECT …))`. */
static const char PLANNING[] =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; "
    "SET jit = off";

enum pg_status pg_by_index(struct pg *pg)
{
    return pg_exec(pg, PLANNING);
}

/* --- results -------------------------------------------------------------------------------------------------- */

int pg_rows(const struct pg_result *r)
{
    return r ? PQntuples(r->rows) : 0;
}

bool pg_is_null(const struct pg_result *r, int row, int column)
{
    return PQgetisnull(r->rows, row, column);
}

const char *pg_text(const struct pg_result *r, int row, int column)
{
    return PQgetvalue(r->rows, row, column);
}

int64_t pg_int(const struct pg_result *r, int row, int column)
{
    return strtoll(pg_text(r, row, column), NULL, 10);
}

bool pg_bool(const struct pg_result *r, int row, int column)
{
    return *pg_text(r, row, column) == 't';
}

void *pg_bytes(const struct pg_result *r, int row, int column, size_t *n_r)
{
    void *bytes = PQunescapeBytea((const unsigned char *)pg_text(r, row, column), n_r);
    if (!bytes) log_panic("out of memory");
    return bytes;
}

void pg_result_free(struct pg_result *r)
{
    if (!r) return;
    PQclear(r->rows);
    free(r);
}
