/* The schema: numbered files of sql/, built into the program; each runs once, in order. Migrations only add. */
#ifndef GM_WRITER_MIGRATE_H
#define GM_WRITER_MIGRATE_H

#include "line/pg.h"

enum migrate_status {
    MIGRATE_OK,
    MIGRATE_FAILED, /* pg_error says why */
    MIGRATE_NEWER   /* the database was made by a newer version: this program must not touch it */
};

/* Brings the schema up to date, in one transaction under an advisory lock: writers that start together wait for one.
 * *applied_r (may be NULL) gets the number of files run. */
enum migrate_status migrate_run(struct pg *pg, int *applied_r);

#endif
