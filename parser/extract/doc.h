/* A page as one flat array of nodes in document order.
 *
 * A node's descendants are the nodes after it, up to `end`; so walks are loops, never recursion, whatever the depth of the
 * page. Texts and attribute values lie in two buffers that live as long as the document. Which attributes are kept is the list below:
 * all others are forgotten while loading. */
#ifndef GM_PARSER_EXTRACT_DOC_H
#define GM_PARSER_EXTRACT_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"

/* What the rest of the library wants to know of an element's name. */
enum {
    TAGF_BLOCK = 1, /* begins a new block of text */
    TAGF_SKIP = 2,  /* nothing below is text that a reader reads */
    TAGF_HEADING = 4,
    TAGF_VOID = 8, /* has no content and no end tag, in HTML 4 */
    TAGF_CELL = 16 /* table cell */
};

/* clang-format off */
#define TAG_LIST(X) \
    X(a, 0) X(abbr, 0) X(acronym, 0) X(address, TAGF_BLOCK) X(applet, TAGF_SKIP) X(area, TAGF_SKIP | TAGF_VOID) \
    X(article, TAGF_BLOCK) X(aside, TAGF_BLOCK) X(audio, TAGF_SKIP) X(b, 0) X(base, TAGF_SKIP | TAGF_VOID) X(basefont, TAGF_VOID) X(bdi, 0) \
    X(bdo, 0) X(big, 0) X(blockquote, TAGF_BLOCK) X(body, TAGF_BLOCK) X(br, TAGF_VOID) X(button, TAGF_SKIP) \
    X(canvas, TAGF_SKIP) X(caption, TAGF_BLOCK) X(center, TAGF_BLOCK) X(cite, 0) X(code, 0) \
    X(col, TAGF_SKIP | TAGF_VOID) X(colgroup, TAGF_BLOCK) X(data, 0) X(datalist, TAGF_SKIP) X(dd, TAGF_BLOCK) \
    X(del, 0) X(details, TAGF_BLOCK) X(dfn, 0) X(dialog, TAGF_BLOCK) X(dir, TAGF_BLOCK) X(div, TAGF_BLOCK) \
    X(dl, TAGF_BLOCK) X(dt, TAGF_BLOCK) X(em, 0) X(embed, TAGF_SKIP) X(fieldset, TAGF_BLOCK) \
    X(figcaption, TAGF_BLOCK) X(figure, TAGF_BLOCK) X(font, 0) X(footer, TAGF_BLOCK) X(form, TAGF_BLOCK) \
    X(frame, TAGF_SKIP | TAGF_VOID) X(frameset, TAGF_BLOCK) X(h1, TAGF_BLOCK | TAGF_HEADING) \
    X(h2, TAGF_BLOCK | TAGF_HEADING) X(h3, TAGF_BLOCK | TAGF_HEADING) X(h4, TAGF_BLOCK | TAGF_HEADING) \
    X(h5, TAGF_BLOCK | TAGF_HEADING) X(h6, TAGF_BLOCK | TAGF_HEADING) X(head, TAGF_BLOCK) X(header, TAGF_BLOCK) \
    X(hgroup, TAGF_BLOCK) X(hr, TAGF_BLOCK | TAGF_VOID) X(html, TAGF_BLOCK) X(i, 0) X(iframe, TAGF_SKIP) \
    X(img, TAGF_VOID) X(input, TAGF_SKIP | TAGF_VOID) X(ins, 0) X(isindex, TAGF_VOID) X(kbd, 0) X(label, 0) X(legend, TAGF_BLOCK) \
    X(li, TAGF_BLOCK) X(link, TAGF_SKIP | TAGF_VOID) X(listing, TAGF_BLOCK) X(main, TAGF_BLOCK) X(map, TAGF_SKIP) \
    X(mark, 0) X(math, TAGF_SKIP) X(menu, TAGF_BLOCK) X(meta, TAGF_SKIP | TAGF_VOID) X(meter, TAGF_SKIP) \
    X(nav, TAGF_BLOCK) X(nobr, 0) X(noembed, TAGF_SKIP) X(noframes, TAGF_BLOCK) X(noscript, TAGF_SKIP) \
    X(object, TAGF_SKIP) X(ol, TAGF_BLOCK) X(optgroup, TAGF_SKIP) X(option, TAGF_SKIP) X(output, 0) X(p, TAGF_BLOCK) \
    X(param, TAGF_SKIP | TAGF_VOID) X(picture, 0) X(plaintext, TAGF_BLOCK) X(pre, TAGF_BLOCK) X(progress, TAGF_SKIP) \
    X(q, 0) X(rp, TAGF_SKIP) X(rt, 0) X(ruby, 0) X(s, 0) X(samp, 0) X(script, TAGF_SKIP) X(section, TAGF_BLOCK) \
    X(select, TAGF_SKIP) X(small, 0) X(source, TAGF_SKIP) X(span, 0) X(strike, 0) X(strong, 0) \
    X(style, TAGF_SKIP) X(sub, 0) X(summary, TAGF_BLOCK) X(sup, 0) X(svg, TAGF_SKIP) X(table, TAGF_BLOCK) \
    X(tbody, TAGF_BLOCK) X(td, TAGF_BLOCK | TAGF_CELL) X(template, TAGF_SKIP) X(textarea, TAGF_SKIP) \
    X(tfoot, TAGF_BLOCK) X(th, TAGF_BLOCK | TAGF_CELL) X(thead, TAGF_BLOCK) X(time, 0) X(title, TAGF_SKIP) \
    X(tr, TAGF_BLOCK) X(track, TAGF_SKIP) X(tt, 0) X(u, 0) X(ul, TAGF_BLOCK) X(var, 0) X(video, TAGF_SKIP) \
    X(wbr, 0) X(xmp, TAGF_BLOCK)
/* clang-format on */

enum tag {
    TAG_TEXT,   /* not an element: a run of text */
    TAG_OTHER,  /* an element of a name not listed: inline */
    TAG_CUSTOM, /* a custom element (its name holds a hyphen): a block */
#define X(name, flags) TAG_##name,
    TAG_LIST(X)
#undef X
        TAG_COUNT
};

/* clang-format off */
#define ATTR_LIST(X) \
    X(alt, "alt") X(aria_hidden, "aria-hidden") X(class, "class") X(content, "content") X(datetime, "datetime") \
    X(data_src, "data-src") X(hidden, "hidden") X(href, "href") X(http_equiv, "http-equiv") X(id, "id") \
    X(itemprop, "itemprop") X(itemtype, "itemtype") X(lang, "lang") X(name, "name") X(property, "property") \
    X(pubdate, "pubdate") X(rel, "rel") X(role, "role") X(src, "src") X(style, "style") X(title, "title") \
    X(type, "type") X(xml_lang, "xml:lang")
/* clang-format on */

enum attr_name {
#define X(id, name) ATTR_##id,
    ATTR_LIST(X)
#undef X
        ATTR_COUNT
};

#define NODE_NONE UINT32_MAX
#define NODE_LONG UINT16_MAX

/* Node 0 is an element around everything, of tag html. A page may have a node every three bytes: what few need is not in here. */
struct node {
    uint32_t parent; /* index; NODE_NONE for node 0 */
    uint32_t end;    /* index after the last descendant */
    uint32_t at;     /* text: offset into texts; element: index of the first attribute */
    uint16_t n;      /* text: bytes, NODE_LONG for so many or more (see doc_text); element: number of attributes */
    uint8_t tag;     /* enum tag */
    uint8_t drop;    /* enum mark: why the subtree is left out, 0 if it is not; set by blocks.c and mark.c */
};

struct attr {
    uint32_t at;
    uint16_t n;
    uint8_t name; /* enum attr_name */
};

struct span {
    const char *p; /* not NUL-terminated; NULL if there is nothing */
    size_t n;
};

struct doc {
    struct node *nodes;
    size_t count, cap;
    size_t text_count; /* how many of them are texts */
    struct attr *attrs;
    size_t attr_count, attr_cap;
    uint32_t *notes; /* the elements with attributes, and <title>, <h1> and <h2>, in document order: whatever asks for more than text */
    size_t note_count, note_cap;
    struct buf texts;  /* well-formed UTF-8; of all text nodes, in document order, nothing between them */
    struct buf values; /* attribute values, well-formed UTF-8 */
};

void doc_init(struct doc *d);
void doc_release(struct doc *d);

/* The name of an element in lower case to its tag, and back ("" for TAG_TEXT, TAG_OTHER and TAG_CUSTOM). */
enum tag doc_tag(const char *name, size_t n);
const char *doc_tag_name(enum tag tag);
/* TAGF_* of a tag. */
extern const uint8_t doc_flags[TAG_COUNT];
static inline unsigned doc_tag_flags(enum tag tag)
{
    return doc_flags[tag];
}
/* ATTR_COUNT for an attribute that is not kept. */
enum attr_name doc_attr_name(const char *name);

/* An attribute of an element; {NULL, 0} if it has none of that name. Present but empty gives a pointer and 0. */
struct span doc_attr(const struct doc *d, size_t node, enum attr_name name);
/* Appends all text below a node, white space collapsed to single blanks, ends trimmed; skips TAGF_SKIP elements below it.
 * Stops silently at out's maximum. */
void doc_collect(const struct doc *d, size_t node, struct buf *out);

/* Makes room for so many nodes at once: growing a large array may copy it. */
void doc_reserve(struct doc *d, size_t nodes);
/* Appends a node without descendants. */
static inline struct node *doc_add_node(struct doc *d, uint32_t parent, enum tag tag, uint32_t at)
{
    if (d->count == d->cap) d->nodes = mem_grow(d->nodes, &d->cap, d->count + 1, sizeof *d->nodes);
    struct node *node = &d->nodes[d->count++];
    d->text_count += tag == TAG_TEXT;
    *node = (struct node){.parent = parent, .end = (uint32_t)d->count, .at = at, .tag = (uint8_t)tag};
    return node;
}
/* Parts what was added last from what is added next below the same parent: a line break of text, once. It costs no node of its own
 * if text is around it. */
void doc_add_break(struct doc *d, uint32_t parent);
/* Enters the last node, an element, into the notes, once. */
void doc_note(struct doc *d);
/* The length of a text node that is longer than its n can say. */
size_t doc_long_text(const struct doc *d, size_t node);

/* span helpers; comparison without regard to ASCII case */
bool span_is(struct span s, const char *word);
bool span_has(struct span s, const char *part);
bool span_starts(struct span s, const char *prefix);
struct span span_trim(struct span s); /* ASCII white space off both ends */
static inline struct span span_of(const char *p, size_t n)
{
    return (struct span){p, n};
}

/* The text of a text node. */
static inline struct span doc_text(const struct doc *d, size_t node)
{
    const struct node *e = &d->nodes[node];
    return span_of(d->texts.data + e->at, e->n < NODE_LONG ? e->n : doc_long_text(d, node));
}

#endif
