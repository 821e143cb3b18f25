/* Rows for people; contract in table.h. */
#include "cli/table.h"

#include <string.h>

#include "cli/text.h"

#define CELL_MAX 65536 /* bytes of a cell, cleaned */

/* Columns left of the terminal for the last cell. */
static size_t rest(const struct look *look, const struct column *columns, size_t n)
{
    size_t width = look_width(stdout), taken = 0;
    for (size_t i = 0; i + 1 < n; i++) taken += columns[i].width + 2;
    if (!look->tty) return SIZE_MAX / 2;
    return width > taken + 8 ? width - taken : 8;
}

static void print_cell(const struct look *look, const struct column *column, const char *clean, size_t width, bool last, enum style s)
{
    struct buf text = BUF_INIT(CELL_MAX);
    size_t taken = text_width(clean);
    for (size_t i = taken; column->right && i < width; i++) putchar(' ');
    text_fit(&text, clean, look->tty ? width : SIZE_MAX / 2, false, look->unicode);
    print_styled(look, stdout, s, buf_str(&text));
    for (size_t i = taken; !column->right && !last && i < width; i++) putchar(' ');
    fputs(last ? "\n" : "  ", stdout);
    buf_release(&text);
}

void table_head(const struct look *look, const struct column *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        print_cell(look, &columns[i], columns[i].title, i + 1 == n ? rest(look, columns, n) : columns[i].width, i + 1 == n, STYLE_DIM);
}

void table_row(const struct look *look, const struct column *columns, size_t n, const struct row *row)
{
    struct buf clean = BUF_INIT(CELL_MAX);
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        const char *text = text_line(&clean, row->cells[i]);
        print_cell(look, &columns[i], text, last ? rest(look, columns, n) : columns[i].width, last,
                   i == row->styled ? row->style : STYLE_NONE);
    }
    buf_release(&clean);
}

enum style table_style(const char *state)
{
    static const struct {
        const char *state;
        enum style style;
    } styles[] = {{"completed", STYLE_GOOD}, {"stored", STYLE_GOOD},  {"failed", STYLE_BAD},      {"error", STYLE_BAD},
                  {"running", STYLE_BOLD},   {"paused", STYLE_WARN},  {"cancelling", STYLE_WARN}, {"cancelled", STYLE_DIM},
                  {"skipped", STYLE_DIM},    {"waiting", STYLE_WARN}, {"gone", STYLE_DIM}};
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        if (strcmp(styles[i].state, state) == 0) return styles[i].style;
    return STYLE_NONE;
}
