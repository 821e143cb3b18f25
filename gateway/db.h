/* A worker's database connection, and what its failures mean for a client. When the database is away, workers do not try it one after
 * the other: one thread looks (watch.c), the others answer UNAVAILABLE at once. */
#ifndef GM_GATEWAY_DB_H
#define GM_GATEWAY_DB_H

#include <stdbool.h>

#include "line/pg.h"

struct db {
    struct pg *pg;
    struct pg_params params; /* for the statement to come; db_begin empties it */
};
struct request;

/* name: for the server's lists. deadline_ms: of a statement. */
void db_init(struct db *db, const char *name, int64_t deadline_ms);
void db_release(struct db *db);
/* Empties the parameters and gives them. */
struct pg_params *db_begin(struct db *db);
/* Runs a statement with db->params: the rows, or NULL with an answer that says what went wrong. Repeats what may be repeated: statements
 * must be such that twice is as once. */
struct pg_result *db_run(struct request *req, struct db *db, const struct pg_stmt *stmt);
/* The same without a request: NULL if it failed. */
struct pg_result *db_try(struct db *db, const struct pg_stmt *stmt);
/* Answers with the JSON text that a statement gives as its only value; no row or null: UNKNOWN, with `what` it is that is not there.
 * False if the answer is a fault. */
bool db_answer(struct request *req, struct db *db, const struct pg_stmt *stmt, const char *what);

/* The database as all threads see it. */
bool db_is_up(void);
const char *db_why(void); /* why not, for people; static text */
/* Tries the connection (the watcher's) and its schema, and tells all. */
bool db_look(struct db *db);

#endif
