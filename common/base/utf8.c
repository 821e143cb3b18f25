/* UTF-8 checks and repairs; contract in utf8.h. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>
#include <unicode/utf8.h>

/* Eight bytes of ASCII without NUL, the usual case: no top bit set, and none that taking one away sets. */
static bool plain_eight(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return ((word | (word - 0x0101010101010101u)) & 0x8080808080808080u) == 0;
}

bool utf8_valid(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t i = 0;
    while (i < n) {
        if (n - i >= 8 && plain_eight(p + i)) {
            i += 8;
            continue;
        }
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

size_t utf8_whole(const char *s, size_t n)
{
    size_t last = n;
    while (last > 0 && ((unsigned char)s[last - 1] & 0xc0) == 0x80) last--;
    if (last == 0) return 0;
    unsigned char lead = (unsigned char)s[--last];
    size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return n - last < length ? last : n;
}
