/* Makes HTML harmless for libxml2 before it is parsed, without touching its text.
 *
 * Two costs of libxml2's HTML parser are quadratic: the attributes of one tag (each is compared with all before it) and
 * the depth of open elements (each end tag may walk the whole stack). So attributes beyond TRIM_ATTRS of one tag are cut, and a page
 * nested deeper than TRIM_DEPTH (Blink's own limit) is flattened: tags below that depth go, a <br> stands where a block began.
 * The same is done to a page with many more end tags than start tags. */
#ifndef GM_PARSER_EXTRACT_TRIM_H
#define GM_PARSER_EXTRACT_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TRIM_ATTRS 256
#define TRIM_DEPTH 512

/* Cuts surplus attributes. True if something was cut: then out holds the new page; else out is empty and the page may be
 * used as it is. out's maximum must be at least n. *unbalanced_r tells whether the page has so many more end tags than start tags
 * that it needs trim_depth. */
bool trim_attributes(const char *html, size_t n, struct buf *out, bool *unbalanced_r);

/* Flattens everything deeper than TRIM_DEPTH and leaves end tags out that end nothing. out's maximum must be at least 2 * n. */
void trim_depth(const char *html, size_t n, struct buf *out);

#endif
