/* Finding out encodings and decoding; contract in charset.h. */
#include "parser/extract/charset.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/udata.h>

#include "base/utf8.h"
#include "line/limits.h"
#include "parser/extract/labels.h"

#define LABEL_MAX     40           /* longer than any label */
#define PRESCAN_BYTES (256u << 10) /* how far a late <meta> is looked for */
#define GUESS_BYTES   (64u << 10)  /* of text, for the detector */
#define DECODED_MAX   ((size_t)3 * LIMIT_BODY)

void charset_init(void)
{
    UErrorCode status = U_ZERO_ERROR;
    udata_setFileAccess(UDATA_NO_FILES, &status);
}

static bool is_space(char c)
{
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static bool label_in(const char *labels, const char *label, size_t n)
{
    for (const char *p = labels; *p;) {
        size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, label, n) == 0) return true;
        p += len + (p[len] == ' ');
    }
    return false;
}

const char *charset_by_label(const char *label, size_t n)
{
    char lower[LABEL_MAX];
    while (n && is_space(*label)) label++, n--;
    while (n && is_space(label[n - 1])) n--;
    if (n == 0 || n > sizeof lower) return NULL;
    for (size_t i = 0; i < n; i++) lower[i] = (char)tolower((unsigned char)label[i]);
    for (const struct encoding *e = encodings; e->name; e++)
        if (label_in(e->labels, lower, n)) return e->name;
    return NULL;
}

/* The label after "charset=" in a <meta> content or a header, quoted or not (HTML standard 2.4.5). */
static const char *charset_in(const char *s, size_t n)
{
    const char *end = s + n;
    for (; end - s >= 7; s++) {
        if (strncasecmp(s, "charset", 7) != 0) continue;
        const char *p = s + 7;
        while (p < end && is_space(*p)) p++;
        if (p == end || *p != '=') continue;
        for (p++; p < end && is_space(*p);) p++;
        if (p == end) return NULL;
        const char *stop = p;
        if (*p == '"' || *p == '\'') {
            stop = memchr(p + 1, *p, (size_t)(end - p - 1));
            return stop ? charset_by_label(p + 1, (size_t)(stop - p - 1)) : NULL;
        }
        while (stop < end && !is_space(*stop) && *stop != ';') stop++;
        return charset_by_label(p, (size_t)(stop - p));
    }
    return NULL;
}

struct scan {
    const char *p, *end;
};

struct scan_attr {
    const char *name, *value;
    size_t name_len, value_len;
};

/* "Get an attribute" of the prescan, 13.2.3.2. False: the tag ends here. */
static bool scan_attribute(struct scan *s, struct scan_attr *attr_r)
{
    memset(attr_r, 0, sizeof *attr_r);
    while (s->p < s->end && (is_space(*s->p) || *s->p == '/')) s->p++;
    if (s->p == s->end || *s->p == '>') return false;
    attr_r->name = s->p;
    while (s->p < s->end && (*s->p != '=' || s->p == attr_r->name) && !is_space(*s->p) && *s->p != '/' && *s->p != '>') s->p++;
    attr_r->name_len = (size_t)(s->p - attr_r->name);
    while (s->p < s->end && is_space(*s->p)) s->p++;
    if (s->p == s->end || *s->p != '=') return true;
    for (s->p++; s->p < s->end && is_space(*s->p);) s->p++;
    if (s->p == s->end) return false;
    if (*s->p == '"' || *s->p == '\'') {
        char quote = *s->p++;
        attr_r->value = s->p;
        const char *close = memchr(s->p, quote, (size_t)(s->end - s->p));
        if (!close) {
            s->p = s->end;
            return false;
        }
        attr_r->value_len = (size_t)(close - s->p);
        s->p = close + 1;
        return true;
    }
    attr_r->value = s->p;
    while (s->p < s->end && !is_space(*s->p) && *s->p != '>') s->p++;
    attr_r->value_len = (size_t)(s->p - attr_r->value);
    return true;
}

static bool attr_is(const struct scan_attr *a, const char *name)
{
    return a->name_len == strlen(name) && strncasecmp(a->name, name, a->name_len) == 0;
}

/* A <meta> of the prescan; the cursor is behind its name. NULL if it declares nothing. */
static const char *scan_meta(struct scan *s)
{
    struct scan_attr a;
    bool seen_http = false, seen_content = false, seen_charset = false, got_pragma = false, failed = false;
    enum { UNSET, YES, NO } need_pragma = UNSET;
    const char *found = NULL;
    while (scan_attribute(s, &a)) {
        if (attr_is(&a, "http-equiv") && !seen_http) {
            seen_http = true;
            got_pragma = a.value_len == 12 && strncasecmp(a.value, "content-type", 12) == 0;
        } else if (attr_is(&a, "content") && !seen_content) {
            seen_content = true;
            const char *name = a.value ? charset_in(a.value, a.value_len) : NULL;
            if (name && !found) found = name, need_pragma = YES;
        } else if (attr_is(&a, "charset") && !seen_charset) {
            seen_charset = true;
            found = a.value ? charset_by_label(a.value, a.value_len) : NULL;
            failed = !found;
            need_pragma = NO;
        }
    }
    if (s->p >= s->end) return NULL; /* a tag that does not end is none */
    if (need_pragma == UNSET || (need_pragma == YES && !got_pragma) || failed || !found) return NULL;
    if (strncmp(found, "utf-16", 6) == 0) return "utf-8"; /* it was read as ASCII, so it is not UTF-16 */
    return strcmp(found, "x-user-defined") == 0 ? "windows-1252" : found;
}

static const char *prescan(const char *bytes, size_t n)
{
    struct scan s = {bytes, bytes + n};
    while (s.p < s.end && (s.p = memchr(s.p, '<', (size_t)(s.end - s.p)))) {
        size_t left = (size_t)(s.end - s.p);
        if (left >= 4 && memcmp(s.p, "<!--", 4) == 0) {
            const char *close = memmem(s.p + 2, left - 2, "-->", 3);
            if (!close) return NULL;
            s.p = close + 3;
        } else if (left >= 6 && strncasecmp(s.p, "<meta", 5) == 0 && (is_space(s.p[5]) || s.p[5] == '/')) {
            s.p += 5;
            const char *found = scan_meta(&s);
            if (found) return found;
        } else if (left >= 3 && (isalpha((unsigned char)s.p[1]) || (s.p[1] == '/' && isalpha((unsigned char)s.p[2])))) {
            struct scan_attr ignored;
            while (s.p < s.end && !is_space(*s.p) && *s.p != '>') s.p++;
            while (scan_attribute(&s, &ignored)) continue;
        } else if (left >= 2 && (s.p[1] == '!' || s.p[1] == '/' || s.p[1] == '?')) {
            const char *close = memchr(s.p, '>', left);
            if (!close) return NULL;
            s.p = close;
        } else {
            s.p++;
        }
    }
    return NULL;
}

/* encoding="…" of an XML declaration. No HTML declaration by the standard, but what browsers and XHTML pages go by. */
static const char *xml_declaration(const char *bytes, size_t n)
{
    if (n < 20 || memcmp(bytes, "<?xml", 5) != 0) return NULL;
    const char *end = memmem(bytes, n, "?>", 2);
    const char *p = end ? memmem(bytes, (size_t)(end - bytes), "encoding", 8) : NULL;
    if (!p) return NULL;
    for (p += 8; p < end && (is_space(*p) || *p == '=');) p++;
    if (p == end || (*p != '"' && *p != '\'')) return NULL;
    const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
    const char *name = close ? charset_by_label(p + 1, (size_t)(close - p - 1)) : NULL;
    return name && strncmp(name, "utf-16", 6) == 0 ? "utf-8" : name;
}

static const char *byte_order_mark(const char *b, size_t n)
{
    if (n >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0) return "utf-8";
    if (n >= 2 && memcmp(b, "\xfe\xff", 2) == 0) return "utf-16be";
    if (n >= 2 && memcmp(b, "\xff\xfe", 2) == 0) return "utf-16le";
    return NULL;
}

/* Copies what is outside of tags, up to GUESS_BYTES: markup is ASCII and tells a detector nothing. */
static void text_sample(struct buf *out, const char *bytes, size_t n)
{
    const char *p = bytes, *end = bytes + n;
    while (p < end && out->len < GUESS_BYTES) {
        const char *tag = memchr(p, '<', (size_t)(end - p));
        size_t len = (size_t)((tag ? tag : end) - p);
        bool high = false;
        for (size_t i = 0; i < len && !high; i++) high = (p[i] & 0x80) != 0;
        if (len > GUESS_BYTES - out->len) len = GUESS_BYTES - out->len;
        if (high) buf_add(out, p, len), buf_add_char(out, ' ');
        p = tag ? memchr(tag, '>', (size_t)(end - tag)) : NULL;
        if (!p) return;
        p++;
    }
}

static const char *detect(const char *bytes, size_t n)
{
    struct buf sample = BUF_INIT(GUESS_BYTES + 1);
    UErrorCode status = U_ZERO_ERROR;
    const char *found = NULL;
    UCharsetDetector *detector = ucsdet_open(&status);
    text_sample(&sample, bytes, n);
    if (U_SUCCESS(status) && sample.len > 0) {
        ucsdet_setText(detector, sample.data, (int32_t)sample.len, &status);
        const UCharsetMatch *match = ucsdet_detect(detector, &status);
        const char *name = match ? ucsdet_getName(match, &status) : NULL;
        if (name) found = charset_by_label(name, strlen(name));
        if (found && strcmp(found, "iso-8859-8-i") == 0) found = "iso-8859-8"; /* logical order is the rule, not a guess */
        if (found && (strcmp(found, "utf-8") == 0 || strncmp(found, "utf-16", 6) == 0)) found = NULL;
    }
    if (detector) ucsdet_close(detector);
    buf_release(&sample);
    return found ? found : "windows-1252";
}

static bool all_ascii(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        if (word & 0x8080808080808080u) return false;
    }
    for (; i < n; i++)
        if (p[i] & 0x80) return false;
    return true;
}

static const char *guess(const char *bytes, size_t n)
{
    if (n >= 2 && bytes[0] == '<' && bytes[1] == 0) return "utf-16le";
    if (n >= 2 && bytes[0] == 0 && bytes[1] == '<') return "utf-16be";
    if (all_ascii(bytes, n)) {
        /* ISO-2022-JP is ASCII to look at: its shifts to Kanji give it away. */
        const char *shift = memchr(bytes, '\x1b', n);
        size_t left = shift ? n - (size_t)(shift - bytes) : 0;
        bool kanji = shift && (memmem(shift, left, "\x1b$B", 3) || memmem(shift, left, "\x1b$@", 3));
        return kanji ? "iso-2022-jp" : "windows-1252";
    }
    return utf8_valid(bytes, n) ? "utf-8" : detect(bytes, n);
}

/* Bytes said to be UTF-8 are believed unless most of what is not ASCII is ill-formed. */
static bool is_mostly_utf8(const char *bytes, size_t n)
{
    size_t good = 0, bad = 0, i = 0;
    if (utf8_valid(bytes, n)) return true;
    while (i < n) {
        unsigned char c = (unsigned char)bytes[i];
        size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
        if (len > 1 && (i + len > n || !utf8_valid(bytes + i, len))) len = 0;
        good += len > 1;
        bad += len == 0;
        i += len ? len : 1;
    }
    return good >= bad;
}

const char *charset_of(const char *bytes, size_t n, const char *content_type, bool is_html)
{
    const char *found = byte_order_mark(bytes, n);
    if (found) return found;
    found = charset_in(content_type, strlen(content_type));
    if (!found && is_html) found = prescan(bytes, n < PRESCAN_BYTES ? n : PRESCAN_BYTES);
    if (!found && is_html) found = xml_declaration(bytes, n);
    if (!found) return guess(bytes, n);
    if (strcmp(found, "utf-8") == 0 && !is_mostly_utf8(bytes, n)) return detect(bytes, n);
    return found;
}

static size_t count_replaced(const char *s, size_t n)
{
    size_t count = 0;
    for (const char *p = s, *end = s + n; (p = memmem(p, (size_t)(end - p), "\xef\xbf\xbd", 3)); p += 3) count++;
    return count;
}

static bool decode_utf8(struct charset_text *t, const char *bytes, size_t n)
{
    if (utf8_valid(bytes, n)) {
        t->utf8 = bytes;
        t->n = n;
        return true;
    }
    if (!utf8_clean(&t->own, bytes, n)) return false;
    t->utf8 = buf_str(&t->own);
    t->n = t->own.len;
    t->broken = count_replaced(t->utf8, t->n);
    return true;
}

static bool decode_legacy(struct charset_text *t, const char *converter, const char *bytes, size_t n)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *from = ucnv_open(converter, &status), *to = ucnv_open("UTF-8", &status);
    struct buf raw = BUF_INIT(DECODED_MAX);
    UChar pivot[2048], *pivot_source = pivot, *pivot_target = pivot;
    const char *source = bytes, *end = bytes + n;
    bool ok = U_SUCCESS(status), first = true;
    while (ok) {
        if (!(ok = buf_reserve(&raw, 65536 < raw.max - raw.len ? 65536 : raw.max - raw.len) && raw.len < raw.max)) break;
        char *target = raw.data + raw.len;
        status = U_ZERO_ERROR;
        ucnv_convertEx(to, from, &target, raw.data + raw.cap - 1, &source, end, pivot, &pivot_source, &pivot_target, pivot + 2048, first, 1,
                       &status);
        first = false;
        raw.len = (size_t)(target - raw.data);
        raw.data[raw.len] = '\0';
        if (status == U_BUFFER_OVERFLOW_ERROR) continue;
        ok = U_SUCCESS(status);
        break;
    }
    if (from) ucnv_close(from);
    if (to) ucnv_close(to);
    if (ok && memchr(buf_str(&raw), 0, raw.len))
        ok = utf8_clean(&t->own, buf_str(&raw), raw.len), buf_release(&raw);
    else if (ok)
        t->own = raw, buf_init(&raw, 0);
    buf_release(&raw);
    t->utf8 = buf_str(&t->own);
    t->n = t->own.len;
    t->broken = count_replaced(t->utf8, t->n);
    return ok;
}

/* One byte a character, the lower half of them ASCII. */
static bool is_above_ascii(const char *encoding)
{
    return strncmp(encoding, "windows-", 8) == 0 || strncmp(encoding, "iso-8859-", 9) == 0;
}

bool charset_decode(const char *bytes, size_t n, const char *encoding, struct charset_text *text_r)
{
    *text_r = (struct charset_text){.encoding = encoding, .own = BUF_INIT(DECODED_MAX)};
    const struct encoding *e = encodings;
    while (e->name && strcmp(e->name, encoding) != 0) e++;
    if (!e->name || strcmp(e->name, "replacement") == 0) return false;
    const char *mark = byte_order_mark(bytes, n);
    if (mark && strcmp(mark, encoding) == 0) {
        size_t len = mark[4] == '8' ? 3 : 2; /* "utf-8" or "utf-16.." */
        bytes += len;
        n -= len;
    }
    if (!e->converter || (is_above_ascii(encoding) && all_ascii(bytes, n))) return decode_utf8(text_r, bytes, n);
    return decode_legacy(text_r, e->converter, bytes, n);
}

void charset_text_release(struct charset_text *text)
{
    buf_release(&text->own);
}
