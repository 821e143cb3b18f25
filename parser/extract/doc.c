/* The flat document; contract in doc.h. */
#include "parser/extract/doc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "line/limits.h"
#include "parser/extract/squeeze.h"

#define TEXTS_MAX ((size_t)4 * LIMIT_BODY) /* decoding to UTF-8 at most triples a body; entities never grow it */
#define TAG_SLOTS 512

static const char *const tag_names[TAG_COUNT] = {[TAG_TEXT] = "",
                                                 [TAG_OTHER] = "",
                                                 [TAG_CUSTOM] = "",
#define X(id, flags) [TAG_##id] = #id,
                                                 TAG_LIST(X)
#undef X
};

const uint8_t doc_flags[TAG_COUNT] = {[TAG_CUSTOM] = TAGF_BLOCK,
#define X(id, flags) [TAG_##id] = flags,
                                      TAG_LIST(X)
#undef X
};

static const char *const attr_names[ATTR_COUNT] = {
#define X(id, text) text,
    ATTR_LIST(X)
#undef X
};

void doc_init(struct doc *d)
{
    memset(d, 0, sizeof *d);
    buf_init(&d->texts, TEXTS_MAX);
    buf_init(&d->values, TEXTS_MAX);
}

void doc_release(struct doc *d)
{
    free(d->nodes);
    free(d->attrs);
    free(d->notes);
    buf_release(&d->texts);
    buf_release(&d->values);
    doc_init(d);
}

static unsigned tag_hash(const char *name, size_t n)
{
    unsigned h = (unsigned)n;
    for (size_t i = 0; i < n; i++) h = h * 31 + (unsigned char)name[i];
    return h % TAG_SLOTS;
}

enum tag doc_tag(const char *name, size_t n)
{
    static uint8_t slots[TAG_SLOTS]; /* open addressing; 0 is TAG_TEXT, which has no name: an empty slot */
    if (!slots[tag_hash("a", 1)]) {
        for (int t = TAG_CUSTOM + 1; t < TAG_COUNT; t++) {
            unsigned h = tag_hash(tag_names[t], strlen(tag_names[t]));
            while (slots[h]) h = (h + 1) % TAG_SLOTS;
            slots[h] = (uint8_t)t;
        }
    }
    for (unsigned h = tag_hash(name, n); slots[h]; h = (h + 1) % TAG_SLOTS) {
        const char *known = tag_names[slots[h]];
        size_t same = 0;
        while (same < n && known[same] == name[same]) same++;
        if (same == n && known[n] == '\0') return (enum tag)slots[h];
    }
    return memchr(name, '-', n) ? TAG_CUSTOM : TAG_OTHER;
}

const char *doc_tag_name(enum tag tag)
{
    return tag_names[tag];
}

enum attr_name doc_attr_name(const char *name)
{
    for (int i = 0; i < ATTR_COUNT; i++)
        if (attr_names[i][0] == name[0] && strcmp(attr_names[i], name) == 0) return (enum attr_name)i;
    return ATTR_COUNT;
}

struct span doc_attr(const struct doc *d, size_t node, enum attr_name name)
{
    const struct node *e = &d->nodes[node];
    if (e->tag == TAG_TEXT) return span_of(NULL, 0);
    for (uint32_t i = 0; i < e->n; i++) {
        const struct attr *a = &d->attrs[e->at + i];
        if (a->name == name) return span_of(buf_str(&d->values) + a->at, a->n);
    }
    return span_of(NULL, 0);
}

void doc_reserve(struct doc *d, size_t nodes)
{
    d->cap = nodes;
    d->nodes = mem_array(nodes, sizeof *d->nodes);
}

void doc_note(struct doc *d)
{
    uint32_t last = (uint32_t)(d->count - 1);
    if (d->note_count && d->notes[d->note_count - 1] == last) return;
    d->notes = mem_grow(d->notes, &d->note_cap, d->note_count + 1, sizeof *d->notes);
    d->notes[d->note_count++] = last;
}

void doc_add_break(struct doc *d, uint32_t parent)
{
    struct node *last = &d->nodes[d->count - 1];
    if (last->tag != TAG_TEXT || last->parent != parent)
        last = doc_add_node(d, parent, TAG_TEXT, (uint32_t)d->texts.len);
    else if (d->texts.data[d->texts.len - 1] == '\n')
        return;
    buf_add_char(&d->texts, '\n');
    size_t all = d->texts.len - last->at;
    last->n = (uint16_t)(all < NODE_LONG ? all : NODE_LONG);
}

/* It ends where the next text begins. */
size_t doc_long_text(const struct doc *d, size_t node)
{
    size_t next = node + 1;
    while (next < d->count && d->nodes[next].tag != TAG_TEXT) next++;
    return (next < d->count ? d->nodes[next].at : d->texts.len) - d->nodes[node].at;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

void doc_collect(const struct doc *d, size_t node, struct buf *out)
{
    struct squeeze words = squeeze_to(out);
    for (size_t i = node + 1; i < d->nodes[node].end;) {
        const struct node *e = &d->nodes[i];
        unsigned flags = doc_tag_flags(e->tag);
        if (flags & TAGF_BLOCK || e->tag == TAG_br) words.gap = ' ';
        if (e->tag == TAG_TEXT && !squeeze_add(&words, doc_text(d, i))) return;
        i = flags & TAGF_SKIP ? e->end : i + 1;
    }
}

bool span_is(struct span s, const char *word)
{
    return s.p && strlen(word) == s.n && strncasecmp(s.p, word, s.n) == 0;
}

bool span_has(struct span s, const char *part)
{
    size_t n = strlen(part);
    if (n == 0) return s.p != NULL;
    char low = (char)(part[0] | 32), first = low >= 'a' && low <= 'z' ? low : part[0];
    for (size_t i = 0; s.p && i + n <= s.n; i++)
        if ((s.p[i] == first || (s.p[i] | 32) == first) && strncasecmp(s.p + i, part, n) == 0) return true;
    return false;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Nearly all differ in their first byte. */
bool span_starts(struct span s, const char *prefix)
{
    size_t n = 0;
    while (n < s.n && prefix[n] && lower(s.p[n]) == lower(prefix[n])) n++;
    return s.p && prefix[n] == '\0';
}

struct span span_trim(struct span s)
{
    while (s.n && is_blank(s.p[0])) s.p++, s.n--;
    while (s.n && is_blank(s.p[s.n - 1])) s.n--;
    return s;
}
