/* Schema migrations; contract in migrate.h. */
#include "writer/migrate.h"

#include <stdio.h>

#include "base/log.h"

/* The files as they are in sql/, taken in by the assembler; the build runs in the top folder. */
#define SQL_FILE(symbol, file)                                                                                                             \
    __asm__(".section .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" file "\"\n.byte 0\n.previous\n");                            \
    extern const char symbol[]

SQL_FILE(sql_001_init, "sql/001_init.sql");
SQL_FILE(sql_002_robots_directives, "sql/002_robots_directives.sql");
SQL_FILE(sql_003_scope, "sql/003_scope.sql");
SQL_FILE(sql_004_recrawl, "sql/004_recrawl.sql");
SQL_FILE(sql_005_control, "sql/005_control.sql");
SQL_FILE(sql_006_host_clock, "sql/006_host_clock.sql");
SQL_FILE(sql_007_page_hot, "sql/007_page_hot.sql");
SQL_FILE(sql_008_leases, "sql/008_leases.sql");
SQL_FILE(sql_009_resummarise, "sql/009_resummarise.sql");
SQL_FILE(sql_010_sources, "sql/010_sources.sql");
SQL_FILE(sql_011_gateway, "sql/011_gateway.sql");
SQL_FILE(sql_012_stages, "sql/012_stages.sql");
SQL_FILE(sql_013_host_hot, "sql/013_host_hot.sql");
SQL_FILE(sql_014_search_again, "sql/014_search_again.sql");

static const struct {
    const char *name;
    const char *sql;
} migrations[] = {
    {"001_init", sql_001_init},
    {"002_robots_directives", sql_002_robots_directives},
    {"003_scope", sql_003_scope},
    {"004_recrawl", sql_004_recrawl},
    {"005_control", sql_005_control},
    {"006_host_clock", sql_006_host_clock},
    {"007_page_hot", sql_007_page_hot},
    {"008_leases", sql_008_leases},
    {"009_resummarise", sql_009_resummarise},
    {"010_sources", sql_010_sources},
    {"011_gateway", sql_011_gateway},
    {"012_stages", sql_012_stages},
    {"013_host_hot", sql_013_host_hot},
    {"014_search_again", sql_014_search_again},
};

#define LATEST ((int)(sizeof migrations / sizeof *migrations))

static enum pg_status prepare(struct pg *pg, int *version_r)
{
    static const struct pg_stmt stmt = {"schema_version", "SELECT coalesce(max(version), 0) FROM schema_version"};
    struct pg_result *r;
    enum pg_status st = pg_exec(pg, "BEGIN; SELECT pg_advisory_xact_lock(72747280); "
                                    "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, name text NOT NULL, "
                                    "applied_at timestamptz NOT NULL DEFAULT now())");
    if (st == PG_OK) st = pg_run(pg, &stmt, NULL, &r);
    if (st != PG_OK) return st;
    *version_r = (int)pg_int(r, 0, 0);
    pg_result_free(r);
    return PG_OK;
}

static enum pg_status apply(struct pg *pg, int version)
{
    char note[200];
    enum pg_status st = pg_exec(pg, migrations[version - 1].sql);
    snprintf(note, sizeof note, "INSERT INTO schema_version (version, name) VALUES (%d, '%s')", version, migrations[version - 1].name);
    return st == PG_OK ? pg_exec(pg, note) : st;
}

enum migrate_status migrate_run(struct pg *pg, int *applied_r)
{
    int version = 0, from;
    enum pg_status st = prepare(pg, &version);
    from = version;
    if (st == PG_OK && version > LATEST) {
        log_error("the database has schema version %d, this program knows %d: use a newer program", version, LATEST);
        pg_exec(pg, "ROLLBACK");
        return MIGRATE_NEWER;
    }
    while (st == PG_OK && version < LATEST) st = apply(pg, ++version);
    if (st == PG_OK) st = pg_exec(pg, "COMMIT");
    if (st != PG_OK) {
        log_error("migration: %s", pg_error(pg));
        if (pg_connected(pg)) pg_exec(pg, "ROLLBACK");
        return MIGRATE_FAILED;
    }
    for (int v = from + 1; v <= LATEST; v++) log_info("schema brought to version %d (%s)", v, migrations[v - 1].name);
    if (applied_r) *applied_r = LATEST - from;
    return MIGRATE_OK;
}
