/* Open elements; contract in opens.h. */
#include "parser/extract/opens.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "line/limits.h"

#define UNKNOWN    0x80000000u /* set in the ids of names that enum tag does not know */
#define OUTER_MASK 0x7fffffu
#define CLOSED_BY  60
#define CHAIN_MAX  16 /* open elements of other names in a slot that are looked past: only a page made for it has as many */
#define NAMES(...)                                                                                                                         \
    {                                                                                                                                      \
        __VA_ARGS__                                                                                                                        \
    }

/* Each takes three bytes of the page at least, but for the few that are implied. */
static_assert(LIMIT_BODY / 3 + OPENS_DEPTH < 1 << 23, "an index of an open element must fit its bits");

/* An element in the first column ends where a start tag of the second comes. */
/* clang-format off */
#define HEADING(h) {TAG_##h, NAMES(TAG_fieldset, TAG_form, TAG_li, TAG_p, TAG_table)}
#define OLD_PRE(t) {TAG_##t, NAMES(TAG_dd, TAG_dl, TAG_dt, TAG_fieldset, TAG_form, TAG_li, TAG_table, TAG_ul)}
#define UNTIL_P(t) {TAG_##t, NAMES(TAG_p)}
static const struct {
    uint8_t old, by[CLOSED_BY];
} closings[] = {
    {TAG_a, NAMES(TAG_a, TAG_fieldset, TAG_table, TAG_td, TAG_th)},
    {TAG_address, NAMES(TAG_dd, TAG_dl, TAG_dt, TAG_form, TAG_li, TAG_ul)},
    {TAG_b, NAMES(TAG_center, TAG_p, TAG_td, TAG_th)},
    {TAG_caption, NAMES(TAG_col, TAG_colgroup, TAG_tbody, TAG_tfoot, TAG_thead, TAG_tr)},
    {TAG_col, NAMES(TAG_col, TAG_colgroup, TAG_tbody, TAG_tfoot, TAG_thead, TAG_tr)},
    {TAG_colgroup, NAMES(TAG_colgroup, TAG_tbody, TAG_tfoot, TAG_thead, TAG_tr)},
    {TAG_dd, NAMES(TAG_dt)},
    {TAG_dir, NAMES(TAG_dd, TAG_dl, TAG_dt, TAG_form, TAG_ul)},
    {TAG_dl, NAMES(TAG_form, TAG_li)},
    {TAG_dt, NAMES(TAG_dd, TAG_dl)},
    {TAG_font, NAMES(TAG_center, TAG_td, TAG_th)},
    {TAG_form, NAMES(TAG_form)},
    {TAG_head, NAMES(TAG_a, TAG_abbr, TAG_acronym, TAG_address, TAG_b, TAG_bdo, TAG_big, TAG_blockquote, TAG_body, TAG_br, TAG_center,
        TAG_cite, TAG_code, TAG_dd, TAG_dfn, TAG_dir, TAG_div, TAG_dl, TAG_dt, TAG_em, TAG_fieldset, TAG_font, TAG_form,
        TAG_frameset, TAG_h1, TAG_h2, TAG_h3, TAG_h4, TAG_h5, TAG_h6, TAG_hr, TAG_i, TAG_iframe, TAG_img, TAG_kbd, TAG_li,
        TAG_listing, TAG_map, TAG_menu, TAG_ol, TAG_p, TAG_pre, TAG_q, TAG_s, TAG_samp, TAG_small, TAG_span, TAG_strike,
        TAG_strong, TAG_sub, TAG_sup, TAG_table, TAG_tt, TAG_u, TAG_ul, TAG_var, TAG_xmp)},
    {TAG_hr, NAMES(TAG_form)},
    {TAG_i, NAMES(TAG_center, TAG_p, TAG_td, TAG_th)},
    {TAG_legend, NAMES(TAG_fieldset)},
    {TAG_li, NAMES(TAG_li)},
    {TAG_link, NAMES(TAG_body, TAG_frameset)},
    {TAG_menu, NAMES(TAG_dd, TAG_dl, TAG_dt, TAG_form, TAG_ul)},
    {TAG_ol, NAMES(TAG_form, TAG_ul)},
    {TAG_option, NAMES(TAG_optgroup, TAG_option)},
    {TAG_p, NAMES(TAG_address, TAG_blockquote, TAG_body, TAG_caption, TAG_center, TAG_col, TAG_colgroup, TAG_dd, TAG_dir, TAG_div, TAG_dl,
        TAG_dt, TAG_fieldset, TAG_form, TAG_frameset, TAG_h1, TAG_h2, TAG_h3, TAG_h4, TAG_h5, TAG_h6, TAG_head, TAG_hr, TAG_li,
        TAG_listing, TAG_menu, TAG_ol, TAG_p, TAG_pre, TAG_table, TAG_tbody, TAG_td, TAG_tfoot, TAG_th, TAG_title, TAG_tr,
        TAG_ul, TAG_xmp)},
    {TAG_script, NAMES(TAG_noscript)},
    {TAG_span, NAMES(TAG_td, TAG_th)},
    {TAG_style, NAMES(TAG_body, TAG_frameset)},
    {TAG_tbody, NAMES(TAG_tbody, TAG_tfoot)},
    {TAG_td, NAMES(TAG_tbody, TAG_td, TAG_tfoot, TAG_th, TAG_tr)},
    {TAG_tfoot, NAMES(TAG_tbody)},
    {TAG_th, NAMES(TAG_tbody, TAG_td, TAG_tfoot, TAG_th, TAG_tr)},
    {TAG_thead, NAMES(TAG_tbody, TAG_tfoot)},
    {TAG_title, NAMES(TAG_body, TAG_frameset)},
    {TAG_tr, NAMES(TAG_tbody, TAG_tfoot, TAG_tr)},
    {TAG_u, NAMES(TAG_p, TAG_td, TAG_th)},
    {TAG_ul, NAMES(TAG_address, TAG_form, TAG_menu, TAG_ol, TAG_pre)},
    HEADING(h1), HEADING(h2), HEADING(h3), HEADING(h4), HEADING(h5), HEADING(h6),
    OLD_PRE(listing), OLD_PRE(pre), OLD_PRE(xmp),
    UNTIL_P(big), UNTIL_P(s), UNTIL_P(small), UNTIL_P(strike), UNTIL_P(tt),
};
/* clang-format on */

/* A misplaced end tag closes only elements of its own level or below: </b> does not close a <div>, </div> no table. */
static const uint8_t levels[TAG_COUNT] = {
    [TAG_div] = 1,   [TAG_td] = 2,    [TAG_th] = 2,   [TAG_tr] = 3,   [TAG_thead] = 4, [TAG_tbody] = 4,
    [TAG_tfoot] = 4, [TAG_table] = 5, [TAG_head] = 6, [TAG_body] = 6, [TAG_html] = 7,
};

static bool ends[TAG_COUNT][TAG_COUNT]; /* [new][old]: this start tag ends that element */

static void fill(void)
{
    for (size_t i = 0; i < sizeof closings / sizeof *closings; i++)
        for (const uint8_t *by = closings[i].by; *by; by++) ends[*by][closings[i].old] = true;
}

static void add_node(struct opens *o, enum tag tag)
{
    doc_add_node(o->doc, o->current, tag, (uint32_t)o->doc->attr_count);
    if (tag == TAG_title || tag == TAG_h1 || tag == TAG_h2) doc_note(o->doc);
}

/* Where a block would begin or end that has no node. Two line breaks part texts, more say nothing else. */
static void add_break(struct opens *o)
{
    struct doc *d = o->doc;
    if (opens_is_crowded(o)) {
        doc_add_break(d, o->current);
        return;
    }
    if (d->count > 2 && d->nodes[d->count - 1].tag == TAG_br && d->nodes[d->count - 2].tag == TAG_br &&
        d->nodes[d->count - 1].parent == o->current && d->nodes[d->count - 2].parent == o->current)
        return;
    add_node(o, TAG_br);
}

void opens_init(struct opens *o, struct doc *doc)
{
    static bool filled;
    if (!filled) fill(), filled = true;
    memset(o, 0, sizeof *o);
    o->doc = doc;
    o->current = NODE_NONE;
    add_node(o, TAG_html); /* there may be text before any element; with this, all text has one around it */
    o->current = 0;
}

void opens_finish(struct opens *o)
{
    for (uint32_t i = o->current; i != NODE_NONE; i = o->doc->nodes[i].parent) o->doc->nodes[i].end = (uint32_t)o->doc->count;
    free(o->items);
}

struct tag_name opens_name(const char *name, size_t n)
{
    enum tag tag = doc_tag(name, n);
    if (tag > TAG_CUSTOM) return (struct tag_name){(uint8_t)tag, (uint32_t)tag};
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)name[i]) * 16777619u;
    return (struct tag_name){(uint8_t)tag, h | UNKNOWN};
}

/* Known tags have slots of their own, the others share the rest. */
static unsigned slot_of(uint32_t id)
{
    return id & UNKNOWN ? TAG_COUNT + (id & ~UNKNOWN) % (OPENS_NAMES - TAG_COUNT) : id;
}

static uint32_t id_of(const struct open_element *e)
{
    return e->tag > TAG_CUSTOM ? e->tag : e->id_or_level;
}

static bool is_open(const struct opens *o, enum tag tag)
{
    return o->last[tag] != 0;
}

/* Is there no room for a node of this tag? Without their elements, script and style would be text. */
static bool is_too_much(const struct opens *o, enum tag tag, bool is_link)
{
    unsigned flags = doc_tag_flags(tag);
    bool is_raw = tag == TAG_script || tag == TAG_style, is_frame = tag == TAG_html || tag == TAG_head || tag == TAG_body;
    if (o->count >= OPENS_DEPTH && !is_raw && !(flags & TAGF_VOID)) return true;
    if (!opens_is_crowded(o) || is_raw || is_frame) return false;
    bool comes_first = is_link || (flags & TAGF_SKIP && !(flags & TAGF_VOID));
    return !comes_first || o->doc->count > OPENS_CROWD + o->read / OPENS_FIRST;
}

/* Makes an element and, where there is room, its node. A block without one leaves a line break. */
static uint32_t push(struct opens *o, struct tag_name name, bool is_link)
{
    o->had_head |= name.tag == TAG_head;
    o->had_body |= name.tag == TAG_body;
    bool bare = is_too_much(o, name.tag, is_link);
    uint32_t node = NODE_NONE;
    if (!bare) {
        add_node(o, name.tag);
        o->current = node = (uint32_t)(o->doc->count - 1);
    } else if (doc_tag_flags(name.tag) & TAGF_BLOCK || name.tag == TAG_br) {
        add_break(o);
    }
    uint32_t *same = &o->last[slot_of(name.id)], *level = &o->last_of_level[levels[name.tag]];
    if (o->count == o->cap) o->items = mem_grow(o->items, &o->cap, o->count + 1, sizeof *o->items);
    o->items[o->count++] = (struct open_element){
        .id_or_level = name.id & UNKNOWN ? name.id : *level, .outer_same = *same & OUTER_MASK, .has_node = !bare, .tag = name.tag};
    *same = (uint32_t)o->count;
    if (!(name.id & UNKNOWN)) *level = (uint32_t)o->count;
    return node;
}

void opens_pop(struct opens *o)
{
    if (o->count == 0) return;
    const struct open_element *e = &o->items[--o->count];
    uint32_t id = id_of(e);
    o->last[slot_of(id)] = e->outer_same;
    if (!(id & UNKNOWN)) o->last_of_level[levels[e->tag]] = e->id_or_level;
    if (!e->has_node) {
        if (doc_tag_flags(e->tag) & TAGF_BLOCK) add_break(o);
        return;
    }
    struct node *node = &o->doc->nodes[o->current];
    node->end = (uint32_t)o->doc->count;
    o->current = node->parent;
}

static void push_known(struct opens *o, enum tag tag)
{
    push(o, (struct tag_name){(uint8_t)tag, (uint32_t)tag}, false);
}

void opens_close_for(struct opens *o, enum tag tag)
{
    while (o->count && ends[tag][o->items[o->count - 1].tag]) opens_pop(o);
}

static bool belongs_in_head(enum tag tag)
{
    return tag == TAG_script || tag == TAG_style || tag == TAG_meta || tag == TAG_link || tag == TAG_title || tag == TAG_base;
}

/* <html>, <head> and <body> may be left out. */
static void imply(struct opens *o, enum tag tag)
{
    if (tag == TAG_html) return;
    if (o->count == 0) push_known(o, TAG_html);
    if (tag == TAG_body || tag == TAG_head) return;
    if (o->count <= 1 && belongs_in_head(tag)) {
        if (!o->had_head && !o->had_body) push_known(o, TAG_head);
        return;
    }
    if (tag == TAG_noframes || tag == TAG_frame || tag == TAG_frameset || o->had_body) return;
    if (!is_open(o, TAG_body) && !is_open(o, TAG_head)) push_known(o, TAG_body);
}

bool opens_start(struct opens *o, struct tag_name name, bool is_link, uint32_t *node_r)
{
    opens_close_for(o, name.tag);
    imply(o, name.tag);
    if ((name.tag == TAG_html && o->count > 0) || (name.tag == TAG_head && o->count != 1) ||
        (name.tag == TAG_body && is_open(o, TAG_body))) {
        o->misplaced++;
        return false;
    }
    *node_r = push(o, name, is_link);
    return true;
}

void opens_end(struct opens *o, struct tag_name name)
{
    if (o->misplaced > 0 && (name.tag == TAG_html || name.tag == TAG_body || name.tag == TAG_head)) {
        o->misplaced--;
        return;
    }
    uint32_t found = o->last[slot_of(name.id)];
    for (int i = 0; found && id_of(&o->items[found - 1]) != name.id; i++) found = i < CHAIN_MAX ? o->items[found - 1].outer_same : 0;
    if (!found) return;
    for (unsigned level = levels[name.tag] + 1u; level < OPENS_LEVELS; level++)
        if (o->last_of_level[level] > found) return;
    while (o->count >= found) opens_pop(o);
}

void opens_paragraph(struct opens *o)
{
    opens_close_for(o, TAG_p);
    imply(o, TAG_p);
    push_known(o, TAG_p);
}
