/* What the plain text of an article no longer shows: which of its lines are list items, headings, code or rows of tables.
 * The same article's Markdown tells, line by line: a line is known again by its letters and digits. */
#ifndef GM_SUMMARIZER_GIST_SHAPE_H
#define GM_SUMMARIZER_GIST_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reused from article to article; released by gist_shape_release. Begins as {0}. */
struct gist_shape {
    uint64_t *slots; /* open addressing; 0 is an empty slot */
    size_t slot_count, count;
};

void gist_shape_release(struct gist_shape *s);
/* Reads Markdown as the parser writes it (CommonMark, tables with bars); of it, the first LIMIT_MARKDOWN bytes. NULL or "":
 * nothing is known. */
void gist_shape_read(struct gist_shape *s, const char *markdown);
/* True if n bytes of the plain text are such a line. */
bool gist_shape_has(const struct gist_shape *s, const char *line, size_t n);

#endif
