/* Text on its way to a terminal; contract in text.h. */
#include "cli/text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#define MARKS_MAX   8 /* combining marks in a row; more of them write over the lines above */
#define REPLACEMENT 0xfffdu

/* What has no business on a terminal, beside line feeds and blanks. Sources: ECMA-48 for the controls, UAX #9 for those of
 * direction, Unicode's Default_Ignorable_Code_Point for what hides. U+200C and U+200D stay: Persian and Indic scripts need them. */
static const struct {
    uint32_t first, last;
} unwanted[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200b},   {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
};

bool text_init(void)
{
    setlocale(LC_CTYPE, "");
    bool unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    setlocale(LC_CTYPE, "C.UTF-8"); /* wcwidth knows nothing beyond ASCII elsewhere */
    return unicode;
}

static bool is_unwanted(uint32_t c)
{
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        if (c >= unwanted[i].first && c <= unwanted[i].last) return true;
    return false;
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Columns of one character; -1 if there is no such character. */
static int columns(uint32_t c)
{
    if (c < 0x7f) return c >= ' ' ? 1 : -1;
    return wcwidth((wchar_t)c);
}

/* Bytes that the first byte of a character promises, and the bounds of the second one. 0: no character begins so. */
static size_t promised(uint8_t first, uint8_t *low_r, uint8_t *high_r)
{
    *low_r = 0x80;
    *high_r = 0xbf;
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    if (first < 0xe0) return 2;
    if (first == 0xe0) *low_r = 0xa0;
    if (first == 0xed) *high_r = 0x9f;
    if (first < 0xf0) return 3;
    if (first == 0xf0) *low_r = 0x90;
    if (first == 0xf4) *high_r = 0x8f;
    return 4;
}

/* The length of the character at s, or 0 if it is ill-formed; *cut_r: only because the bytes end. */
static size_t length(const char *s, size_t n, bool *cut_r)
{
    const uint8_t *p = (const uint8_t *)s;
    uint8_t low, high;
    size_t need = promised(p[0], &low, &high);
    *cut_r = false;
    for (size_t i = 1; i < need; i++) {
        if (i == n) {
            *cut_r = true;
            return 0;
        }
        if (p[i] < low || p[i] > high) return 0;
        low = 0x80;
        high = 0xbf;
    }
    return need;
}

size_t text_next(const char *s, size_t n, uint32_t *c_r)
{
    static const uint8_t head[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    bool cut;
    size_t need = length(s, n, &cut);
    if (need == 0) {
        *c_r = REPLACEMENT;
        return 1;
    }
    *c_r = (uint8_t)s[0] & head[need];
    for (size_t i = 1; i < need; i++) *c_r = *c_r << 6 | ((uint8_t)s[i] & 0x3f);
    return need;
}

size_t text_whole(const char *s, size_t n)
{
    size_t back = 0;
    bool cut;
    while (back < n && back < 3 && ((uint8_t)s[n - 1 - back] & 0xc0) == 0x80) back++;
    if (back == n) return n;
    size_t start = n - 1 - back;
    return length(s + start, n - start, &cut) == 0 && cut ? start : n;
}

static void add_char(struct buf *out, uint32_t c)
{
    char s[4];
    size_t n = 0;
    if (c < 0x80) {
        s[n++] = (char)c;
    } else if (c < 0x800) {
        s[n++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        s[n++] = (char)(0xe0 | c >> 12);
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        s[n++] = (char)(0xf0 | c >> 18);
        s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80) s[n++] = (char)(0x80 | (c & 0x3f));
    buf_add(out, s, n);
}

/* White space as it goes out: a line feed, a blank, or 0 for nothing. */
static char blank_of(uint32_t c, bool lines)
{
    if (!lines) return ' ';
    if (c == '\r') return 0; /* of \r\n; alone it would only write over the line */
    return c == ' ' || c == '\t' ? ' ' : '\n';
}

void text_clean(struct buf *out, const char *s, size_t n, bool lines)
{
    size_t marks = 0, start = out->len;
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += text_next(s + i, n - i, &c);
        if (is_blank(c)) {
            char blank = blank_of(c, lines);
            if (blank && (lines || (out->len > start && out->data[out->len - 1] != ' '))) buf_add_char(out, blank);
            marks = 0;
            continue;
        }
        if (is_unwanted(c)) continue;
        int wide = columns(c);
        marks = wide == 0 ? marks + 1 : 0;
        if (marks <= MARKS_MAX) add_char(out, wide < 0 ? REPLACEMENT : c);
    }
    if (!lines && out->len > start && out->data[out->len - 1] == ' ') buf_truncate(out, out->len - 1);
}

const char *text_line(struct buf *out, const char *s)
{
    buf_reset(out);
    if (s) text_clean(out, s, strlen(s), false);
    return buf_str(out);
}

/* Bytes of s, of n, that fit into width columns, and the columns they take. */
static size_t fitting(const char *s, size_t n, size_t width, size_t *taken_r)
{
    size_t i = 0, taken = 0;
    while (i < n) {
        uint32_t c;
        size_t len = text_next(s + i, n - i, &c);
        int wide = columns(c);
        if (wide > 0 && taken + (size_t)wide > width) break;
        taken += wide > 0 ? (size_t)wide : 0;
        i += len;
    }
    *taken_r = taken;
    return i;
}

size_t text_width(const char *s)
{
    size_t taken;
    fitting(s, strlen(s), SIZE_MAX / 2, &taken);
    return taken;
}

void text_fit(struct buf *out, const char *s, size_t width, bool pad, bool unicode)
{
    const char *dots = unicode ? "\u2026" : "...";
    size_t n = strlen(s), dots_width = unicode ? 1 : 3, taken, fits = fitting(s, n, width, &taken);
    if (fits < n && width > dots_width) {
        fits = fitting(s, n, width - dots_width, &taken);
        buf_add(out, s, fits);
        buf_add_str(out, dots);
        taken += dots_width;
    } else {
        buf_add(out, s, fits);
    }
    for (; pad && taken < width; taken++) buf_add_char(out, ' ');
}

static void wrap_line(struct buf *out, const char *s, size_t n, size_t width, size_t indent)
{
    do {
        size_t taken, fits = fitting(s, n, width, &taken);
        if (fits < n) { /* back to a blank, if there is one, else the word is cut */
            size_t blank = fits;
            while (blank > 0 && s[blank] != ' ') blank--;
            if (blank > 0) fits = blank;
        }
        if (fits == 0 && n > 0) { /* a character wider than the line */
            uint32_t c;
            fits = text_next(s, n, &c);
        }
        for (size_t i = 0; n > 0 && i < indent; i++) buf_add_char(out, ' ');
        buf_add(out, s, fits);
        buf_add_char(out, '\n');
        s += fits;
        n -= fits;
        while (n > 0 && *s == ' ') s++, n--;
    } while (n > 0);
}

void text_wrap(struct buf *out, const char *s, size_t width, size_t indent)
{
    width = width > indent + 20 ? width - indent : 20;
    while (*s) {
        const char *end = strchr(s, '\n');
        size_t n = end ? (size_t)(end - s) : strlen(s);
        wrap_line(out, s, n, width, indent);
        s += end ? n + 1 : n;
    }
}

void text_json(struct buf *out, const char *json, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t len = text_next(json + i, n - i, &c);
        if (c == REPLACEMENT && len == 1)
            buf_add_str(out, "\\ufffd");
        else if (c < 0x7f || !is_unwanted(c))
            buf_add(out, json + i, len);
        else if (c < 0x10000)
            buf_addf(out, "\\u%04x", (unsigned)c);
        else
            buf_addf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (c >> 10)), (unsigned)(0xdc00 | (c & 0x3ff)));
        i += len;
    }
}
