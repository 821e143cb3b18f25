/* Marking by names, roles and repetition; contract in mark.h. */
#include "parser/extract/mark.h"

#include <stdlib.h>

#include "base/mem.h"
#include "parser/extract/words.h"

#define COMMENTS_OUTSIDE 250 /* characters of prose outside of the comments that make them comments */
#define HEADLINE_PROSE   150 /* characters of prose that make an <h1> in the same element the article's */
#define DIALOG_SHARE     .9f /* of the page's prose in a dialog: then the page is that dialog */
#define TEASERS_MIN      3   /* so many alike are a list of teasers */
#define FIGURE_NODES     50  /* a figure's table begins soon */
#define TEASER_TITLE     12  /* characters of links in one at least */
#define TEASER_PROSE     700 /* characters of prose in one at most */

/* What each word makes of an element, in order of precedence, and the share of the page's prose from which on an element is not thrown
 * away for its name: a class "share" on the whole article is a slip, a footer with half of all sentences is a page with a
 * short article. */
static const struct {
    uint32_t word;
    enum mark mark;
    float dominant;
} by_word[] = {
    {WORD_HIDDEN, MARK_HIDDEN, .5f}, {WORD_COMMENT, MARK_COMMENT, .4f}, {WORD_AD, MARK_AD, .4f},     {WORD_NAV, MARK_NAV, .6f},
    {WORD_SHARE, MARK_SHARE, .05f},  {WORD_RELATED, MARK_RELATED, .5f}, {WORD_FORM, MARK_FORM, .5f}, {WORD_SIDE, MARK_SIDE, .5f},
    {WORD_FOOT, MARK_FOOT, .7f},     {WORD_CAPTION, MARK_CAPTION, .4f}, {WORD_META, MARK_META, .4f}, {WORD_EDIT, MARK_EDIT, .3f},
};

/* A figure is a picture, or a table, a listing, a quotation (HTML, 4.4.12); only of the first all words are a caption, unless it
 * is the article's head with its headline. */
static bool is_text_figure(const struct doc *d, uint32_t node)
{
    for (uint32_t i = node + 1; i < d->nodes[node].end && i - node < FIGURE_NODES; i++) {
        uint8_t tag = d->nodes[i].tag;
        if (tag == TAG_table || tag == TAG_pre || tag == TAG_h1) return true;
    }
    return false;
}

/* What its tag makes of an element. */
static enum mark mark_by_tag(const struct doc *d, uint32_t node)
{
    switch (d->nodes[node].tag) {
    case TAG_nav:
    case TAG_menu: return MARK_NAV;
    case TAG_aside: return MARK_SIDE;
    case TAG_footer: return MARK_FOOT;
    case TAG_dialog: return MARK_FORM;
    case TAG_figure: return is_text_figure(d, node) ? MARK_NONE : MARK_CAPTION;
    case TAG_figcaption:
    case TAG_caption: return MARK_CAPTION;
    default: return MARK_NONE;
    }
}

/* Elements that are text by nature; their classes tell what the text is about or where it was taken from. */
static bool is_text_by_nature(uint8_t tag)
{
    return tag == TAG_blockquote || tag == TAG_pre;
}

static enum mark mark_by_word(uint8_t tag, uint32_t words, float *dominant_r)
{
    *dominant_r = .6f;
    if (!words) return MARK_NONE;
    if (words & WORD_TOC && !(words & WORD_GOOD)) return MARK_TOC;
    for (size_t i = 0; i < sizeof by_word / sizeof *by_word; i++) {
        if (!(words & by_word[i].word)) continue;
        if (is_text_by_nature(tag) && by_word[i].mark != MARK_HIDDEN) return MARK_NONE;
        *dominant_r = by_word[i].dominant;
        return by_word[i].mark;
    }
    return MARK_NONE;
}

/* Some nodes, in document order. */
struct places {
    uint32_t *nodes;
    size_t count, cap;
};

static void places_add(struct places *p, uint32_t node)
{
    p->nodes = mem_grow(p->nodes, &p->cap, p->count + 1, sizeof *p->nodes);
    p->nodes[p->count++] = node;
}

/* Is one of them from `from` on before `to`? */
static bool places_within(const struct places *p, uint32_t from, uint32_t to)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->nodes[middle] < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->count && p->nodes[low] < to;
}

/* Only a page with names or teasers needs the sums. */
static const struct sums *sums_of(struct page *page)
{
    struct sums sums = {.prose = 0};
    if (page->sums) return page->sums;
    page->sums = mem_array(page->block_count + 1, sizeof *page->sums);
    for (size_t i = 0; i < page->block_count; i++) {
        const struct block *b = &page->blocks[i];
        page->sums[i] = sums;
        sums.prose += b->is_prose ? b->chars : 0;
        sums.prose_blocks += b->is_prose;
        sums.titles += block_is_title(b) ? b->chars : 0;
        sums.links += b->link_chars;
    }
    page->sums[page->block_count] = sums;
    return page->sums;
}

/* Elements that protect what is around them. */
struct guards {
    struct places bodies;    /* surely the article's text */
    struct places headlines; /* <h1> */
};

static void guards_find(const struct page *page, struct guards *g)
{
    for (size_t i = 0; i < page->doc.note_count; i++) {
        uint32_t note = page->doc.notes[i];
        const struct node *e = &page->doc.nodes[note];
        if (page_words(page, e) & WORD_BODY) places_add(&g->bodies, note);
        if (e->tag == TAG_h1) places_add(&g->headlines, note);
    }
}

static void drop(struct page *page, uint32_t node, enum mark mark)
{
    uint32_t from, to;
    page_blocks(page, node, &from, &to);
    for (; from < to; from++)
        if (!page->blocks[from].mark) page->blocks[from].mark = (uint8_t)mark;
    page->doc.nodes[node].drop = (uint8_t)mark;
}

/* May this element go, judged by what it holds? */
static bool may_drop(struct page *page, const struct guards *g, uint32_t node, enum mark mark, float dominant)
{
    const struct node *e = &page->doc.nodes[node];
    if (e->tag == TAG_html || e->tag == TAG_body) return false;
    uint32_t from, to;
    page_blocks(page, node, &from, &to);
    const struct sums *sums = sums_of(page), *before = &sums[from], *until = &sums[to];
    uint32_t prose = until->prose - before->prose, all = sums[page->block_count].prose;
    if (prose == 0) return true;
    /* "teaser" is also what some call the first paragraph: a teaser for another page has a link to it. */
    if (mark == MARK_RELATED && until->links == before->links) return false;
    if (mark == MARK_COMMENT && page_words(page, e) & WORD_COMMENTS && all - prose >= COMMENTS_OUTSIDE) return true;
    /* A dialog may well have its own "content-text". */
    bool is_dialog = e->tag == TAG_dialog || page_words(page, e) & WORD_DIALOG;
    if (e->tag == TAG_article || e->tag == TAG_main || (!is_dialog && places_within(&g->bodies, node, e->end))) return false;
    if (prose >= HEADLINE_PROSE && places_within(&g->headlines, node, e->end)) return false;
    return (float)prose < (is_dialog ? DIALOG_SHARE : dominant) * (float)all;
}

/* A link with perhaps a few sentences about what is behind it. */
static bool is_teaser(struct page *page, const struct guards *g, uint32_t node)
{
    uint32_t from, to;
    page_blocks(page, node, &from, &to);
    if (g->headlines.count == 1 && places_within(&g->headlines, node, page->doc.nodes[node].end)) return false;
    const struct sums *before = &sums_of(page)[from], *until = &sums_of(page)[to];
    return to > from && until->titles - before->titles >= TEASER_TITLE && until->prose_blocks - before->prose_blocks <= 2 &&
           until->prose - before->prose <= TEASER_PROSE;
}

/* Tag and class of an element, numbers aside: what repeats in a list of teasers. */
static uint32_t signature(const struct page *page, uint32_t node)
{
    struct span class = doc_attr(&page->doc, node, ATTR_class);
    uint32_t h = page->doc.nodes[node].tag + 1;
    for (size_t i = 0; i < class.n; i++)
        if (class.p[i] < '0' || class.p[i] > '9') h = h * 31 + (unsigned char)class.p[i];
    return h;
}

static bool may_be_teaser(uint8_t tag)
{
    switch (tag) {
    case TAG_div:
    case TAG_section:
    case TAG_article:
    case TAG_li:
    case TAG_aside:
    case TAG_figure:
    case TAG_dl:
    case TAG_dd:
    case TAG_CUSTOM: return true;
    default: return false;
    }
}

/* Marks the teasers among the children of a node. */
static void mark_teasers(struct page *page, const struct guards *g, uint32_t box)
{
    enum { KINDS = 4 };
    struct {
        uint32_t signature, all, teasers;
    } kinds[KINDS] = {{0, 0, 0}};
    const struct node *nodes = page->doc.nodes;
    const struct box *boxes = page->boxes;
    bool found = false;
    uint32_t first, last;
    page_blocks(page, boxes[box].node, &first, &last);
    if (sums_of(page)[last].titles - sums_of(page)[first].titles < TEASERS_MIN * TEASER_TITLE) return;
    for (int pass = 0; pass < 1 + found; pass++) {
        for (uint32_t b = box + 1; b < boxes[box].next; b = boxes[b].next) {
            uint32_t i = boxes[b].node;
            if (nodes[i].parent != boxes[box].node || !may_be_teaser(nodes[i].tag) || nodes[i].drop) continue;
            uint32_t from, to, sig = signature(page, i);
            page_blocks(page, i, &from, &to);
            if (from == to) continue;
            int k = 0;
            while (k < KINDS && kinds[k].all && kinds[k].signature != sig) k++;
            if (k == KINDS) continue;
            bool teaser = is_teaser(page, g, i);
            if (pass == 0) {
                kinds[k].signature = sig;
                kinds[k].all++;
                kinds[k].teasers += teaser;
                found |= kinds[k].teasers >= TEASERS_MIN;
            } else if (teaser && kinds[k].teasers >= TEASERS_MIN && kinds[k].teasers * 3 >= kinds[k].all * 2) {
                drop(page, i, MARK_TEASER);
            }
        }
    }
}

static void unmark(struct page *page)
{
    for (size_t i = 0; i < page->block_count; i++) page->blocks[i].mark = MARK_NONE;
    for (size_t k = 0; k < page->box_count; k++) page->doc.nodes[page->boxes[k].node].drop = MARK_NONE;
}

void mark_page(struct page *page, enum mark_trust trust)
{
    static const float believed[] = {[MARK_TRUST_NONE] = 0, [MARK_TRUST_SOME] = .25f, [MARK_TRUST_FULL] = 1};
    struct guards guards = {.bodies = {.nodes = NULL}};
    if (page->is_marked) unmark(page);
    page->is_marked = true;
    page->trust = trust;
    guards_find(page, &guards);
    bool has_teasers = page->titles >= TEASERS_MIN * TEASER_TITLE;
    for (uint32_t b = 0; b < page->box_count;) {
        uint32_t i = page->boxes[b].node;
        const struct node *e = &page->doc.nodes[i];
        if (e->drop) {
            b = page->boxes[b].next;
            continue;
        }
        float dominant = .6f;
        enum mark mark = mark_by_tag(&page->doc, i);
        if (mark == MARK_NONE && (mark = mark_by_word(e->tag, page_words(page, e), &dominant)) != MARK_NONE) dominant *= believed[trust];
        if (mark != MARK_NONE && may_drop(page, &guards, i, mark, dominant)) {
            drop(page, i, mark);
            b = page->boxes[b].next;
            continue;
        }
        if (has_teasers) mark_teasers(page, &guards, b);
        b++;
    }
    free(guards.bodies.nodes);
    free(guards.headlines.nodes);
}
