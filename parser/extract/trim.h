/* Makes XML harmless for libxml2 before it is parsed, without touching its text.
 *
 * The time libxml2 needs for the attributes of one tag is quadratic: each is compared with all before it. So those beyond
 * TRIM_ATTRS of one tag are cut. */
#ifndef GM_PARSER_EXTRACT_TRIM_H
#define GM_PARSER_EXTRACT_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TRIM_ATTRS 256

/* Cuts surplus attributes. True if something was cut: then out holds the new page; else out is empty and the page may be
 * used as it is. out's maximum must be at least n. */
bool trim_attributes(const char *xml, size_t n, struct buf *out);

#endif
