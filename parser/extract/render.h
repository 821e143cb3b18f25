/* The kept blocks as plain text and as Markdown (CommonMark with tables). */
#ifndef GM_PARSER_EXTRACT_RENDER_H
#define GM_PARSER_EXTRACT_RENDER_H

#include "parser/extract/links.h"
#include "parser/extract/page.h"

/* Plain text: blocks parted by a blank line, <br> as a line end, preformatted text as it is, a table row on a line, its
 * cells parted by tabs.
 * Stops at out's maximum, at the end of a block or, if there is only one, of a character. */
void render_text(const struct page *page, struct buf *out);

/* Markdown of the same blocks. Link targets are absolute; false links are plain text. Stops at out's maximum at the end of a block. */
void render_markdown(const struct page *page, struct links *links, struct buf *out);

#endif
