/* UTF-8 checks and repairs; contract in utf8.h. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>
#include <unicode/utf8.h>

bool utf8_valid(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t i = 0;
    while (i < n) {
        if (p[i] < 0x80) {
            if (p[i] == 0) return false;
            i++;
            continue;
        }
        UChar32 c;
        size_t rest = n - i < 4 ? n - i : 4;
        size_t j = 0;
        U8_NEXT(p + i, j, rest, c);
        if (c < 0) return false;
        i += j;
    }
    return true;
}

bool utf8_clean(struct buf *out, const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t i = 0, good = 0; /* [good, i) is well-formed and not yet copied */
    while (i < n) {
        UChar32 c = p[i];
        size_t j = 1;
        if (p[i] >= 0x80) {
            size_t rest = n - i < 4 ? n - i : 4;
            j = 0;
            U8_NEXT(p + i, j, rest, c);
        }
        if (c > 0) {
            i += j;
            continue;
        }
        if (!buf_add(out, s + good, i - good) || !buf_add_str(out, "\xef\xbf\xbd")) return false;
        i += j;
        good = i;
    }
    return buf_add(out, s + good, n - good);
}

size_t utf8_floor(const char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80) n--;
    return n;
}
