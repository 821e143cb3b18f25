/* Configuration from the environment: one typed table a program.
 *
 * A row names the variable, its default, its bounds and where the value goes. A bad value stops the start, naming
 * variable and bounds. CONF_SECRET rows may also come from a file named by NAME_FILE and are masked in dumps. */
#ifndef GM_BASE_CONF_H
#define GM_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum conf_type {
    CONF_STRING, /* char *: owned by the table, "" when unset */
    CONF_INT,    /* int64_t */
    CONF_MS,     /* int64_t milliseconds; written as 500ms, 30s, 5m, 24h (a bare number is seconds) */
    CONF_BOOL,   /* bool: 0 1 no yes false true off on */
    CONF_REAL    /* double */
};

#define CONF_SECRET 1u

struct conf_row {
    const char *name;
    enum conf_type type;
    void *target;
    const char *def; /* default, in the form of the environment */
    double min, max; /* numbers: bounds, inclusive, in units of the target (ms for CONF_MS); CONF_STRING: max length if > 0 */
    unsigned flags;
    const char *help; /* one line, for --help and the docs */
};
#define CONF_END                                                                                                                           \
    {                                                                                                                                      \
        .name = NULL                                                                                                                       \
    }

struct conf_error {
    char text[300];
};

/* Reads all rows of a table. 0, or -1 with the first fault in words. */
int conf_load(const struct conf_row *rows, struct conf_error *error_r);
/* Prints NAME=value, one a line; secrets as NAME=***. */
void conf_dump(const struct conf_row *rows, FILE *out);
/* Prints names, defaults, bounds and help, for --help. */
void conf_help(const struct conf_row *rows, FILE *out);
/* Frees what conf_load allocated. */
void conf_release(const struct conf_row *rows);

#endif
