/* PostgreSQL: one connection, parameters and arrays in binary, every call with a deadline. The only file that knows libpq.
 *
 * After PG_LOST the connection is closed and everything since BEGIN is undone; pg_connect() again. Calls block up to the
 * deadline given to pg_new, also when the server is frozen; a statement is cancelled shortly before it (PG_RETRY).
 *
 * The server ends a session that is idle for 30 s, in a transaction or not: run something more often. */
#ifndef GM_LINE_PG_H
#define GM_LINE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"

struct pg;
struct pg_result;

enum pg_status {
    PG_OK,
    PG_RETRY, /* 40P01, 40001, 55P03, 57014: undo and try the transaction again */
    PG_DATA,  /* SQLSTATE class 21, 22, 23, 54: the data cannot be stored; halve the batch */
    PG_LOST,  /* no connection (or a server that is not usable now) */
    PG_BUG    /* any other error: our statement is wrong */
};

/* A statement, prepared on first use in each connection. Must live for ever. */
struct pg_stmt {
    const char *name;
    const char *sql;
};

/* True if libpq can read a connection string, URI or key=value. Says nothing of the server. */
bool pg_url_valid(const char *url);
struct pg *pg_new(const char *url, const char *application_name, int64_t deadline_ms);
void pg_free(struct pg **pg);
/* Connects (10 s at most) and sets the session up. False: pg_error says why. */
bool pg_connect(struct pg *pg);
bool pg_connected(const struct pg *pg);
void pg_disconnect(struct pg *pg);
const char *pg_error(const struct pg *pg);    /* the last failure, one line */
const char *pg_sqlstate(const struct pg *pg); /* of the last failure, "" if none */
/* Socket to watch for notifications, -1 if not connected. */
int pg_socket(const struct pg *pg);
/* Reads what arrived; true if a notification was among it, or among what pg_run and pg_exec read since the last call. Does
 * not block. A connection found broken is closed. */
bool pg_notified(struct pg *pg);

/* Parameters of one call. The values of arrays and strings are copied. Reset before each use. What is too large (64 MiB a
 * call) or out of the type's range makes pg_run answer PG_DATA. */
enum pg_type { PG_INT4, PG_INT8, PG_BOOL, PG_TEXT, PG_BYTEA, PG_UUID, PG_TIMESTAMPTZ };
#define PG_PARAMS_MAX 40
struct pg_params {
    int count;
    struct {
        int oid;
        size_t offset, length;
        bool null;
    } items[PG_PARAMS_MAX];
    struct buf bytes;
};
void pg_params_init(struct pg_params *p);
void pg_params_reset(struct pg_params *p);
void pg_params_release(struct pg_params *p);
void pg_add_int(struct pg_params *p, int64_t value); /* bigint */
void pg_add_bool(struct pg_params *p, bool value);
void pg_add_text(struct pg_params *p, const char *value); /* NULL: SQL null */
void pg_add_bytes(struct pg_params *p, const void *data, size_t n);
void pg_add_uuid(struct pg_params *p, const struct digest *d);
void pg_add_time(struct pg_params *p, int64_t wall_ms); /* 0: null */

/* A growing column for `unnest($n::bigint[])` and the like. */
struct pg_array {
    enum pg_type type;
    size_t count;
    bool has_null;
    struct buf bytes;
};
void pg_array_init(struct pg_array *a, enum pg_type type);
void pg_array_reset(struct pg_array *a);
void pg_array_release(struct pg_array *a);
void pg_array_int(struct pg_array *a, int64_t value); /* PG_INT4, PG_INT8 */
void pg_array_bool(struct pg_array *a, bool value);
void pg_array_text(struct pg_array *a, const char *value); /* NULL: SQL null */
void pg_array_bytes(struct pg_array *a, const void *data, size_t n);
void pg_array_uuid(struct pg_array *a, const struct digest *d); /* NULL: SQL null */
void pg_array_time(struct pg_array *a, int64_t wall_ms);        /* 0: SQL null */
void pg_add_array(struct pg_params *p, const struct pg_array *a);

/* Runs a prepared statement. *result_r (may be NULL) gets the rows, in text; freed with pg_result_free. On failure it
 * is NULL. */
enum pg_status pg_run(struct pg *pg, const struct pg_stmt *stmt, const struct pg_params *params, struct pg_result **result_r);
/* Runs plain SQL without parameters, several commands allowed: BEGIN, COMMIT, migrations. */
enum pg_status pg_exec(struct pg *pg, const char *sql);

/* How the statements of this session are planned: rows are found by an index, whatever the planner believes. The reasons, and how a
 * statement must be written for it, are in pg.c. */
enum pg_status pg_by_index(struct pg *pg);

int pg_rows(const struct pg_result *r); /* NULL: 0 */
bool pg_is_null(const struct pg_result *r, int row, int column);
const char *pg_text(const struct pg_result *r, int row, int column); /* "" for null; borrowed from r */
int64_t pg_int(const struct pg_result *r, int row, int column);      /* 0 for null */
bool pg_bool(const struct pg_result *r, int row, int column);
/* bytea column: the bytes, to be freed by the caller with free(). */
void *pg_bytes(const struct pg_result *r, int row, int column, size_t *n_r);
void pg_result_free(struct pg_result *r);

#endif
