/* Rows for people: fixed columns, the last one takes what is left. On a terminal cells are cut to fit; elsewhere they stay whole. */
#ifndef GM_CLI_TABLE_H
#define GM_CLI_TABLE_H

#include "cli/cli.h"

#define TABLE_COLUMNS 8

struct column {
    const char *title;
    size_t width; /* of the last one: 0 */
    bool right;   /* numbers */
};

struct row {
    const char *cells[TABLE_COLUMNS]; /* as they came: they are cleaned here */
    enum style style;                 /* of the cell `styled` */
    size_t styled;
};

void table_head(const struct look *look, const struct column *columns, size_t n);
void table_row(const struct look *look, const struct column *columns, size_t n, const struct row *row);
/* How a state is shown. */
enum style table_style(const char *state);

#endif
