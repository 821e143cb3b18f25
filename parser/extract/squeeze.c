/* Words in a row; contract in squeeze.h. */
#include "parser/extract/squeeze.h"

#include "base/utf8.h"

/* A text has no other control characters than those that are white space: load.c leaves them out. */
static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* Where everything fits. No call a word, and no branch but for blanks at the beginning: words may be short. */
static void add_all(struct squeeze *s, struct span text)
{
    const char *p = text.p, *end = text.p + text.n;
    while (p < end && is_blank(*p)) p++;
    bool gap = p > text.p;
    if (gap && !s->gap) s->gap = ' ';
    if (p == end || !buf_reserve(s->out, (size_t)(end - p) + 1)) return;
    char *data = s->out->data, *to = data + s->out->len;
    if (s->gap && s->out->len > s->start) *to++ = s->gap;
    for (gap = false; p < end; p++) {
        bool blank = is_blank(*p);
        *to = blank ? ' ' : *p;
        to += !(blank & gap);
        gap = blank;
    }
    to -= gap;
    s->gap = gap ? ' ' : '\0';
    *to = '\0';
    s->out->len = (size_t)(to - data);
}

static bool add_words(struct squeeze *s, struct span text, bool fill)
{
    size_t from, i = 0;
    if (text.n < s->out->max - s->out->len) {
        add_all(s, text);
        return true;
    }
    for (;;) {
        for (from = i; i < text.n && is_blank(text.p[i]); i++) continue;
        if (i > from && !s->gap) s->gap = ' ';
        if (i == text.n) return true;
        for (from = i; i < text.n && !is_blank(text.p[i]); i++) continue;
        if (s->gap && s->out->len > s->start && !buf_add_char(s->out, s->gap)) return false;
        s->gap = '\0';
        size_t n = i - from, room = s->out->max - s->out->len;
        if (n > room && !fill) return false;
        buf_add(s->out, text.p + from, n <= room ? n : utf8_floor(text.p + from, room));
        if (n > room) return false;
    }
}

bool squeeze_add(struct squeeze *s, struct span text)
{
    return add_words(s, text, false);
}

bool squeeze_fill(struct squeeze *s, struct span text)
{
    return add_words(s, text, true);
}
