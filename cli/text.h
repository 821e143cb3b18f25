/* Text on its way to a terminal. Titles, summaries, articles and errors come from anybody's pages: none of it may move the
 * cursor, change colours, set a title, or show words in another order than they stand.
 *
 * UTF-8 is read here and not by base/utf8.h: that one stands on ICU, 30 MB that a thin client can do without. */
#ifndef GM_CLI_TEXT_H
#define GM_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Sets the locale that widths of characters are taken from; true if the user's own locale says that the terminal shows UTF-8. */
bool text_init(void);

/* The next character of the n > 0 bytes at s; the result is how many bytes it takes. U+FFFD and 1 for what is ill-formed
 * (Unicode 15, table 3-7). */
size_t text_next(const char *s, size_t n, uint32_t *c_r);
/* The largest m <= n such that the first m bytes do not end within a character; an ill-formed end counts as whole. */
size_t text_whole(const char *s, size_t n);

/* Appends s without control characters (C0, DEL, C1), without what turns the direction of writing or hides (bidi controls, zero
 * width spaces, tags), with at most 8 combining marks in a row. Ill-formed and unassigned: U+FFFD.
 * lines: line feeds and runs of blanks stay; else the text becomes one line, runs of white space one blank. */
void text_clean(struct buf *out, const char *s, size_t n, bool lines);
/* The same for one line: clears out first, gives its text, valid until out changes. NULL gives "". */
const char *text_line(struct buf *out, const char *s);

/* Columns that clean text takes. */
size_t text_width(const char *s);
/* Appends clean text cut to width columns; what was cut ends in an ellipsis. pad: blanks up to width. */
void text_fit(struct buf *out, const char *s, size_t width, bool pad, bool unicode);
/* Appends clean text in lines of at most width columns where blanks allow it, each after indent blanks; ends with a line feed unless empty. */
void text_wrap(struct buf *out, const char *s, size_t width, size_t indent);

/* Appends JSON such that no character that text_clean would remove stands in it raw: \uXXXX instead. The same value, whoever reads it. */
void text_json(struct buf *out, const char *json, size_t n);

#endif
