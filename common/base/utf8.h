/* UTF-8 checks and repairs, on ICU's macros. */
#ifndef GM_BASE_UTF8_H
#define GM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* True if the n bytes are well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms) without U+0000. */
bool utf8_valid(const char *s, size_t n);
/* Appends s with every ill-formed sequence and every U+0000 replaced by U+FFFD. False if out would exceed its maximum. */
bool utf8_clean(struct buf *out, const char *s, size_t n);
/* The largest m <= n such that the first m bytes do not end within a character. s must be well-formed
 * and s[n] readable, as it is in a C string of at least n bytes. */
size_t utf8_floor(const char *s, size_t n);
/* The same for what ends at n, perhaps within its last character: nothing behind is read. */
size_t utf8_whole(const char *s, size_t n);

#endif
