/* Taming XML before libxml2 sees it; contract in trim.h. */
#include "parser/extract/trim.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* One piece of markup, found by a reading of HTML that agrees with libxml2's where it matters. */
struct piece {
    const char *start, *end; /* from '<' to after '>' */
    const char *name;        /* of the element */
    size_t name_len;
    bool closing;
    bool is_tag; /* false: comment, declaration: to be left alone */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static const char *find(const char *p, const char *end, const char *what, size_t n)
{
    const char *hit = p < end ? memmem(p, (size_t)(end - p), what, n) : NULL;
    return hit ? hit + n : end;
}

/* The end of a tag whose name ends at p. A quote counts only after '=', as in libxml2. */
static const char *tag_end(const char *p, const char *end)
{
    char before = ' ';
    for (; p < end; p++) {
        char c = *p;
        if (c == '>') return p + 1;
        if ((c == '"' || c == '\'') && before == '=') {
            const char *close = memchr(p + 1, c, (size_t)(end - p - 1));
            if (!close) return end;
            p = close;
        }
        if (!is_blank(c)) before = c;
    }
    return end;
}

/* The two elements whose content libxml2 takes as raw text. */
static bool is_raw(const struct piece *piece)
{
    return (piece->name_len == 6 && strncasecmp(piece->name, "script", 6) == 0) ||
           (piece->name_len == 5 && strncasecmp(piece->name, "style", 5) == 0);
}

/* Where the raw text of an element ends: at its end tag. NULL if its content is markup. */
static const char *raw_end(const struct piece *piece, const char *end)
{
    if (!is_raw(piece) || piece->closing) return NULL;
    for (const char *p = piece->end; (p = memchr(p, '<', (size_t)(end - p))); p++)
        if ((size_t)(end - p) > piece->name_len + 2 && p[1] == '/' && strncasecmp(p + 2, piece->name, piece->name_len) == 0) return p;
    return end;
}

/* Finds the next markup at or after p; false at the end of the page. */
static bool next_piece(const char *p, const char *end, struct piece *piece_r)
{
    while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
        const char *q = p + 1;
        if (q == end) return false;
        *piece_r = (struct piece){.start = p, .closing = *q == '/'};
        if (*q == '/' && ++q == end) return false;
        if (isalpha((unsigned char)*q)) {
            piece_r->name = q;
            while (q < end && *q != '>' && *q != '/' && !is_blank(*q)) q++;
            piece_r->name_len = (size_t)(q - piece_r->name);
            piece_r->end = tag_end(q, end);
            piece_r->is_tag = true;
            return true;
        }
        if (*q == '!' || *q == '?') {
            bool comment = end - q >= 3 && q[1] == '-' && q[2] == '-';
            piece_r->end = comment ? find(q + 3, end, "-->", 3) : find(q, end, ">", 1);
            return true;
        }
        p++;
    }
    return false;
}

/* Copies a start tag with its first TRIM_ATTRS attributes; returns true if some were left out. */
static bool copy_attributes(const struct piece *tag, struct buf *out)
{
    const char *p = tag->name + tag->name_len, *end = tag->end;
    unsigned count = 0;
    while (p < end && count <= TRIM_ATTRS) {
        while (p < end && (is_blank(*p) || *p == '/')) p++;
        if (p == end || *p == '>') return false;
        if (++count > TRIM_ATTRS) break;
        while (p < end && *p != '=' && *p != '>' && !is_blank(*p)) p++;
        const char *q = p;
        while (q < end && is_blank(*q)) q++;
        if (q == end || *q != '=') continue;
        for (p = q + 1; p < end && is_blank(*p);) p++;
        if (p < end && (*p == '"' || *p == '\'')) {
            const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
            p = close ? close + 1 : end;
        } else {
            while (p < end && *p != '>' && !is_blank(*p)) p++;
        }
    }
    if (count <= TRIM_ATTRS) return false;
    buf_add(out, tag->start, (size_t)(p - tag->start));
    buf_add_char(out, '>');
    return true;
}

bool trim_attributes(const char *html, size_t n, struct buf *out)
{
    const char *p = html, *end = html + n, *kept = html; /* [kept, p) is not yet copied */
    struct piece piece;
    while (next_piece(p, end, &piece)) {
        p = piece.end;
        /* An attribute is two bytes at least ("a "): shorter tags cannot hold too many. */
        if (piece.is_tag && (size_t)(piece.end - piece.start) > 2 * TRIM_ATTRS) {
            size_t before = out->len;
            buf_add(out, kept, (size_t)(piece.start - kept));
            if (copy_attributes(&piece, out))
                kept = piece.end;
            else
                buf_truncate(out, before);
        }
        const char *raw = piece.is_tag ? raw_end(&piece, end) : NULL;
        if (raw) p = raw;
    }
    if (kept == html) return false;
    buf_add(out, kept, (size_t)(end - kept));
    return true;
}
