/* Blocks of text; contract in blocks.h. */
#include "parser/extract/blocks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "parser/extract/words.h"

#define HEADING_WORDS 30
#define MIXED_PLAIN   60 /* characters beside its links that a block of many links must have to be prose */
#define JUMP_MAX      5  /* a link within the page of so few characters is a reference mark, not navigation */

struct cutter {
    struct page *page;
    struct open {
        uint32_t node;
        uint32_t outer; /* the block-level element around it */
        uint32_t box;   /* its own, if it is one */
        bool is_link;
    } * open; /* the open elements above the current node */
    size_t depth, cap;
    uint32_t block_node;  /* innermost open block-level element */
    unsigned links, bold; /* how many of them are open */
    bool in_block;        /* the last block of the page is still growing */
    bool after_break;     /* the last thing in it was a <br> */
    bool link_is_jump;
    uint32_t plain_chars; /* of the growing block, not bold */
};

static bool style_hides(struct span style)
{
    /* Property and value may be written with or without a blank. */
    return span_has(style, "display:none") || span_has(style, "display: none") || span_has(style, "visibility:hidden") ||
           span_has(style, "visibility: hidden");
}

/* A role is no name that somebody made up, but one of WAI-ARIA's. */
static uint32_t words_of_role(struct span role)
{
    return span_is(role, "dialog") || span_is(role, "alertdialog") ? WORD_DIALOG : 0;
}

/* What an attribute says of its element. */
static uint32_t words_of_attr(const struct attr *a, struct span value)
{
    switch (a->name) {
    case ATTR_id: return words_of_id(value);
    case ATTR_class:
    case ATTR_itemprop: return words_of(value);
    case ATTR_role: return words_of(value) | words_of_role(value);
    case ATTR_hidden: return WORD_HIDDEN;
    case ATTR_style: return style_hides(value) ? WORD_HIDDEN : 0;
    case ATTR_aria_hidden: return span_is(value, "true") ? WORD_HIDDEN : 0;
    default: return 0;
    }
}

/* Reads class, id, role and the ways of hiding of all elements. */
static void read_words(struct page *page)
{
    const struct doc *d = &page->doc;
    page->words = mem_calloc(d->attr_count, sizeof *page->words);
    for (size_t i = 0; i < d->note_count; i++) {
        const struct node *e = &d->nodes[d->notes[i]];
        for (uint32_t k = 0; k < e->n; k++) {
            const struct attr *a = &d->attrs[e->at + k];
            struct span value = span_of(buf_str(&d->values) + a->at, a->n);
            page->words[e->at] |= words_of_attr(a, value);
            if (a->name == ATTR_id && page->wiki == NODE_NONE && span_is(value, "mw-content-text")) page->wiki = d->notes[i];
        }
    }
}

/* Inline elements that are not part of the sentence they stand in. */
static enum mark inline_mark(uint8_t tag, uint32_t words)
{
    switch (tag) {
    case TAG_sup: return words & WORD_EDIT ? MARK_EDIT : MARK_NONE;
    case TAG_a:
    case TAG_span:
    case TAG_i:
        if (words & WORD_HIDDEN) return MARK_HIDDEN;
        return words & WORD_EDIT ? MARK_EDIT : MARK_NONE;
    default: return MARK_NONE;
    }
}

static enum block_kind kind_of(const struct cutter *c)
{
    const struct doc *d = &c->page->doc;
    uint32_t node = c->block_node;
    /* A paragraph in a list item or a quote is still part of it; a few steps up tell. */
    bool in_paragraph = false;
    for (int up = 0; up < 3 && node != NODE_NONE; up++, node = d->nodes[node].parent) {
        switch (d->nodes[node].tag) {
        case TAG_h1:
        case TAG_h2:
        case TAG_h3:
        case TAG_h4:
        case TAG_h5:
        case TAG_h6: return in_paragraph ? BLOCK_TEXT : BLOCK_HEADING;
        case TAG_li:
        case TAG_dd: return BLOCK_ITEM;
        case TAG_dt: return BLOCK_TERM;
        case TAG_td:
        case TAG_th: return BLOCK_CELL;
        case TAG_pre:
        case TAG_listing:
        case TAG_xmp: return BLOCK_PRE;
        case TAG_blockquote: return BLOCK_QUOTE;
        case TAG_p: in_paragraph = true; break;
        case TAG_div: break;
        default: return BLOCK_TEXT;
        }
    }
    return BLOCK_TEXT;
}

static bool is_prose(const struct block *b)
{
    if (b->kind == BLOCK_HEADING) return false;
    /* What is not a link must read like text by itself. */
    uint32_t plain = b->chars - b->link_chars;
    if (b->link_chars * 3 > b->chars && (plain < MIXED_PLAIN || b->stops == 0 || b->link_chars > 2 * plain)) return false;
    return (b->words >= 8 && b->stops > 0) || b->words >= 18 || b->kind == BLOCK_PRE;
}

static bool is_linky(const struct block *b)
{
    return b->link_chars * 2 > b->chars && !b->is_prose;
}

static void block_close(struct cutter *c)
{
    if (!c->in_block) return;
    struct block *b = &c->page->blocks[c->page->block_count - 1];
    c->in_block = false;
    b->all_bold = c->plain_chars == 0;
    if (b->kind == BLOCK_HEADING && b->words > HEADING_WORDS) b->kind = BLOCK_TEXT; /* unclosed, or used for its size */
    b->is_prose = is_prose(b);
    b->is_linky = is_linky(b);
    if (b->is_prose) c->page->prose_words += b->words;
    if (block_is_title(b)) c->page->titles += b->chars;
}

static struct block *block_open(struct cutter *c, uint32_t node)
{
    struct page *page = c->page;
    if (!c->in_block) {
        page->blocks[page->block_count++] = (struct block){.node = c->block_node, .first = node, .kind = (uint8_t)kind_of(c)};
        c->in_block = true;
        c->plain_chars = 0;
    }
    page->blocks[page->block_count - 1].end = node + 1;
    return &page->blocks[page->block_count - 1];
}

struct counts {
    uint32_t chars, words, stops, commas;
};

/* Scripts without blanks between words: an ideograph counts half a word, a letter of Thai and its neighbours a quarter.
 * Characters beyond ASCII are told apart by their first bytes, which is enough here: E3 to E9 and EF begin ideographs,
 * kana and full-width signs. */
static struct counts measure(struct span s)
{
    struct counts n = {0};
    bool in_word = false;
    uint32_t ideographs = 0, unspaced = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ') {
            in_word = false;
        } else if (c < 0x80) {
            n.chars++;
            if (!in_word) n.words++;
            in_word = true;
            n.commas += c == ',';
            if (c == '.' || c == '!' || c == '?' || c == ':')
                n.stops += i + 1 == s.n || (unsigned char)s.p[i + 1] <= ' ' || s.p[i + 1] == '"';
        } else if (c >= 0xc0) {
            n.chars++;
            if (c >= 0xe3 && c <= 0xef && c != 0xea) {
                ideographs++;
                /* U+3001, U+3002, U+FF0C, U+FF01, U+FF1F */
                if (c == 0xe3 && s.n - i > 2 && s.p[i + 1] == '\x80') n.commas += s.p[i + 2] == '\x81', n.stops += s.p[i + 2] == '\x82';
                if (c == 0xef && s.n - i > 2 && s.p[i + 1] == '\xbc')
                    n.commas += s.p[i + 2] == '\x8c', n.stops += s.p[i + 2] == '\x81' || s.p[i + 2] == '\x9f';
            } else if ((c == 0xe0 && i + 1 < s.n && (unsigned char)s.p[i + 1] >= 0xb8) || c == 0xe1) {
                unspaced++; /* U+0E00 on: Thai, Lao, and with E1 Khmer, Burmese */
            } else {
                if (!in_word) n.words++;
                in_word = true;
            }
        }
    }
    n.words += (ideographs + 1) / 2 + (unspaced + 3) / 4;
    return n;
}

static uint16_t saturated(uint32_t n)
{
    return (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX);
}

static void cut_text(struct cutter *c, uint32_t node)
{
    struct span s = doc_text(&c->page->doc, node);
    struct counts n = measure(s);
    if (n.chars == 0 && !c->in_block) return;
    struct block *b = block_open(c, node);
    b->chars += n.chars;
    b->words += n.words;
    b->stops = saturated(b->stops + n.stops);
    b->commas = saturated(b->commas + n.commas);
    if (c->links && !(c->link_is_jump && n.chars <= JUMP_MAX)) b->link_chars += n.chars;
    if (!c->bold) c->plain_chars += n.chars;
    if (n.chars > 0) c->after_break = false;
}

static bool is_bold(uint8_t tag)
{
    return tag == TAG_b || tag == TAG_strong;
}

/* A wiki without text is one all the same: it has no article. */
static bool holds_wiki(const struct page *page, uint32_t node)
{
    return node <= page->wiki && page->wiki < page->doc.nodes[node].end;
}

static void leave(struct cutter *c, const struct open *open)
{
    struct page *page = c->page;
    uint8_t tag = page->doc.nodes[open->node].tag;
    if (doc_tag_flags(tag) & TAGF_BLOCK) {
        block_close(c);
        if (page->block_at[open->node] == page->block_count && !holds_wiki(page, open->node))
            page->box_count = open->box; /* there was no text in it, so in no box within either */
        else
            page->boxes[open->box].next = (uint32_t)page->box_count;
    }
    c->block_node = open->outer;
    c->links -= open->is_link;
    c->bold -= is_bold(tag);
}

static uint32_t add_box(struct page *page, uint32_t node)
{
    page->boxes[page->box_count].node = node;
    return (uint32_t)page->box_count++;
}

/* All block-level elements of a part that is stepped over. */
static void add_boxes_within(struct page *page, uint32_t from, uint32_t to)
{
    uint32_t first = (uint32_t)page->box_count;
    for (uint32_t i = from; i < to; i++)
        if (doc_tag_flags(page->doc.nodes[i].tag) & TAGF_BLOCK) add_box(page, i);
    /* From the last to the first, each step over what is already known to be within. */
    for (uint32_t k = (uint32_t)page->box_count; k-- > first;) {
        uint32_t next = k + 1, end = page->doc.nodes[page->boxes[k].node].end;
        while (next < page->box_count && page->boxes[next].node < end) next = page->boxes[next].next;
        page->boxes[k].next = next;
    }
}

/* An element whose text is to be read. */
static void enter(struct cutter *c, uint32_t node)
{
    const struct doc *d = &c->page->doc;
    const struct node *e = &d->nodes[node];
    bool is_block = doc_tag_flags(e->tag) & TAGF_BLOCK;
    if (e->tag == TAG_br) {
        if (c->in_block && c->after_break) block_close(c);
        c->after_break = true;
    } else if (is_block) {
        block_close(c);
    }
    if (e->end == node + 1 && e->tag != TAG_a && node != c->page->wiki) return; /* nothing in it */
    bool is_link = false;
    if (e->tag == TAG_a) {
        struct span href = doc_attr(d, node, ATTR_href);
        c->link_is_jump = span_starts(href, "#");
        is_link = href.p != NULL;
    }
    c->links += is_link;
    c->bold += is_bold(e->tag);
    if (c->depth == c->cap) c->open = mem_grow(c->open, &c->cap, c->depth + 1, sizeof *c->open);
    struct open *open = &c->open[c->depth++];
    open->node = node;
    open->outer = c->block_node;
    open->is_link = is_link;
    if (!is_block) return;
    open->box = add_box(c->page, node);
    c->block_node = node;
}

/* Reads the text of the page; what is hidden or never text is stepped over. */
static void cut(struct cutter *c)
{
    struct page *page = c->page;
    const struct doc *d = &page->doc;
    uint32_t count = (uint32_t)d->count, next;
    for (uint32_t i = 0; i < count; i = next) {
        struct node *e = &d->nodes[i];
        while (c->depth && d->nodes[c->open[c->depth - 1].node].end <= i) c->depth--, leave(c, &c->open[c->depth]);
        page->block_at[i] = (uint32_t)page->block_count;
        next = i + 1;
        if (e->tag == TAG_TEXT) {
            cut_text(c, i);
            continue;
        }
        unsigned flags = doc_tag_flags(e->tag);
        if (e->n && !(flags & TAGF_BLOCK)) e->drop = (uint8_t)inline_mark(e->tag, page_words(page, e));
        if (!(flags & TAGF_SKIP || e->drop)) {
            enter(c, i);
            continue;
        }
        next = e->end;
        if (holds_wiki(page, i)) add_boxes_within(page, i, next);
        for (uint32_t k = i + 1; k < next; k++) page->block_at[k] = (uint32_t)page->block_count;
    }
    while (c->depth) c->depth--, leave(c, &c->open[c->depth]);
    page->block_at[count] = (uint32_t)page->block_count;
}

void blocks_cut(struct page *page)
{
    struct cutter c = {.page = page, .block_node = NODE_NONE};
    read_words(page);
    /* As many as there can be: no array grows, and what is not used of them is never touched. */
    page->block_at = mem_array(page->doc.count + 1, sizeof *page->block_at);
    page->blocks = mem_array(page->doc.text_count, sizeof *page->blocks);
    page->boxes = mem_array(page->doc.count - page->doc.text_count, sizeof *page->boxes);
    cut(&c);
    free(c.open);
}
