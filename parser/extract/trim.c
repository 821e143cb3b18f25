/* Taming XML before libxml2 sees it; contract in trim.h. */
#include "parser/extract/trim.h"

#include <string.h>

/* A start tag or the tag of an empty element. */
struct tag {
    const char *start, *end; /* from '<' to after '>' */
    const char *attrs;       /* after the name */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* After the end of what is neither text nor start tag: p is at the '<' of a comment, CDATA section, instruction, declaration or end tag.
 * NULL: of a start tag. */
static const char *skip_other(const char *p, const char *end)
{
    static const struct {
        const char *begin, *close;
    } kinds[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}, {"</", ">"}};
    if (end - p < 2 || (p[1] != '/' && p[1] != '!' && p[1] != '?')) return NULL; /* most of them: begin with what costs least */
    for (size_t i = p[1] == '/' ? 4 : 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].begin);
        if ((size_t)(end - p) < n || memcmp(p, kinds[i].begin, n) != 0) continue;
        size_t left = (size_t)(end - p) - n, close = strlen(kinds[i].close);
        const char *hit = close == 1 ? memchr(p + n, '>', left) : memmem(p + n, left, kinds[i].close, close);
        return hit ? hit + close : end;
    }
    return NULL;
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

/* Finds the next start tag at or after p; false at the end of the document. */
static bool next_tag(const char *p, const char *end, struct tag *tag_r)
{
    while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
        const char *after = skip_other(p, end), *q = p + 1;
        if (after) {
            p = after;
            continue;
        }
        while (q < end && *q != '>' && *q != '/' && !is_blank(*q)) q++;
        *tag_r = (struct tag){.start = p, .attrs = q, .end = tag_end(q, end)};
        return true;
    }
    return false;
}

/* Copies a start tag with its first TRIM_ATTRS attributes; returns true if some were left out. */
static bool copy_attributes(const struct tag *tag, struct buf *out)
{
    const char *p = tag->attrs, *end = tag->end;
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
    buf_add_str(out, end[-1] == '>' && end[-2] == '/' ? "/>" : ">");
    return true;
}

bool trim_attributes(const char *xml, size_t n, struct buf *out)
{
    const char *p = xml, *end = xml + n, *kept = xml; /* [kept, p) is not yet copied */
    struct tag tag;
    while (next_tag(p, end, &tag)) {
        p = tag.end;
        /* An attribute is two bytes at least ("a "): shorter tags cannot hold too many. */
        if ((size_t)(tag.end - tag.start) <= 2 * TRIM_ATTRS) continue;
        size_t before = out->len;
        buf_add(out, kept, (size_t)(tag.start - kept));
        if (copy_attributes(&tag, out))
            kept = tag.end;
        else
            buf_truncate(out, before);
    }
    if (kept == xml) return false;
    buf_add(out, kept, (size_t)(end - kept));
    return true;
}
