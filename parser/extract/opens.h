/* The elements that are open while a page is read, and which tag opens or closes which.
 *
 * The rules are those of HTML 4's optional tags in the form libxml2 2.9 gave them: what it reads as a tree is what the rest of the
 * library was measured with. Every step takes constant time, but for the elements it closes: a tag finds the open element of its name, and
 * what protects it, without walking what is open. What is nested deeper than OPENS_DEPTH keeps its text and loses its tags.
 *
 * So does what makes a page a crowd: OPENS_CROWD nodes are free; with more, a page has one for OPENS_ROOM of the bytes read so far, and a tag
 * that comes too soon has none. Links, and elements around text that is not to be read, come before the others: for them there is one more for
 * OPENS_FIRST bytes. Where a block or line would begin or end, the text has a line break. A node costs as much time as some ten bytes of
 * text; with this, no page is made of nodes alone. */
#ifndef GM_PARSER_EXTRACT_OPENS_H
#define GM_PARSER_EXTRACT_OPENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/extract/doc.h"

#define OPENS_DEPTH  512 /* Blink's limit, too */
#define OPENS_CROWD  16384
#define OPENS_ROOM   12
#define OPENS_FIRST  5 /* <a href=1>a, <option>a: as many bytes for each of two nodes, or more */
#define OPENS_NAMES  1024
#define OPENS_LEVELS 8

/* The name of an element. Names that enum tag does not know are told apart by a hash of 31 bits. */
struct tag_name {
    uint8_t tag;
    uint32_t id;
};

/* An open element; opens.c reads it. Ten megabytes of <b> are three million of these. */
struct open_element {
    uint32_t id_or_level;     /* a name that enum tag does not know: its id; else what `last_of_level` was before it */
    uint32_t outer_same : 23; /* what `last` was before it */
    uint32_t has_node : 1;    /* then it is opens.current while it is the innermost one with a node */
    uint32_t tag : 8;
};

struct opens {
    struct doc *doc;
    struct open_element *items;
    size_t count, cap;
    uint32_t current;                     /* the node that takes what comes next */
    uint32_t last[OPENS_NAMES];           /* innermost open element by name, 1 + its index; 0: none */
    uint32_t last_of_level[OPENS_LEVELS]; /* the same by what end tags may close it */
    unsigned misplaced;                   /* <html>, <head> and <body> that opened nothing: as many end tags close nothing */
    bool had_head, had_body;
    size_t read; /* bytes of the page before the current tag or text; the reader keeps it */
};

/* doc is empty and borrowed; it gets its node 0, which is around everything. */
void opens_init(struct opens *o, struct doc *doc);
/* Closes what is still open. */
void opens_finish(struct opens *o);

/* The name in lower case. */
struct tag_name opens_name(const char *name, size_t n);
/* The innermost open element; TAG_TEXT if none is. */
static inline enum tag opens_top(const struct opens *o)
{
    return o->count ? (enum tag)o->items[o->count - 1].tag : TAG_TEXT;
}
/* Closes what this start tag ends by itself. */
void opens_close_for(struct opens *o, enum tag tag);
/* There is room for those alone that come first. */
static inline bool opens_is_crowded(const struct opens *o)
{
    return o->doc->count > OPENS_CROWD && o->doc->count * OPENS_ROOM > o->read;
}
/* A start tag. True: it opened an element, *node_r, that waits for its attributes; NODE_NONE if there is no room for a node: see
 * above. False: a misplaced <html>, <head> or <body>, that is ignored. */
bool opens_start(struct opens *o, struct tag_name name, bool is_link, uint32_t *node_r);
/* Closes the innermost element: "/>" or an element without content. */
void opens_pop(struct opens *o);
/* An end tag. */
void opens_end(struct opens *o, struct tag_name name);
/* Text may not stand here: a <p> must be opened for it. */
static inline bool opens_need_paragraph(enum tag top)
{
    return top == TAG_TEXT || top == TAG_html || top == TAG_head;
}
/* Opens a <p> and what it implies. */
void opens_paragraph(struct opens *o);

#endif
