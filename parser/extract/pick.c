/* Choosing the article's element; contract in pick.h.
 *
 * Every block has a value: running text is worth its length, links and scraps cost. An element is worth the sum of its
 * blocks, so an element that holds the whole article and little else wins: a smaller one lacks text, a larger one pays for
 * what is around. */
#include "parser/extract/pick.h"

#include <stdlib.h>

#include "base/mem.h"
#include "parser/extract/mark.h"
#include "parser/extract/words.h"

#define SCRAP      -4.0f /* a block that is no text */
#define CLIMB      4     /* steps up to the child in which a block stands: few, for each element around may take them */
#define RUN_WEIGHT .8f   /* a whole element is a far better sign; but on a flat page the text may be in none of its own */

/* A link in a row of a table that has other words, too: the name of what the row is about. */
static bool is_row_name(const struct page *page, const struct block *b)
{
    const struct node *nodes = page->doc.nodes;
    const struct block *next = b + 1;
    return b->kind == BLOCK_CELL && next < page->blocks + page->block_count && next->kind == BLOCK_CELL && !next->is_linky &&
           nodes[next->node].parent == nodes[b->node].parent;
}

static float value_of(const struct page *page, const struct block *b)
{
    float chars = (float)b->chars, links = (float)b->link_chars;
    switch (b->mark) {
    case MARK_NONE: break;
    case MARK_CAPTION:
    case MARK_META:
    case MARK_SHARE:
    case MARK_AD: return SCRAP; /* these stand within articles, too */
    case MARK_COMMENT: return SCRAP - chars * .1f;
    default: return SCRAP - chars * .05f;
    }
    if (b->kind == BLOCK_HEADING) return links * 2 > chars ? -15 : 0;
    if (b->is_linky) return is_row_name(page, b) ? SCRAP : -15 - chars * .2f;
    if (b->is_prose) return (chars - links) * (b->kind == BLOCK_CELL ? .6f : 1);
    if (b->kind == BLOCK_TEXT && b->words >= 5) return (chars - links) * .3f;
    /* Tables and lists of terms are made of scraps. */
    if (b->kind == BLOCK_CELL || b->kind == BLOCK_TERM) return b->words >= 3 ? (chars - links) * .2f : 0;
    return SCRAP;
}

static float weight_of(const struct page *page, const struct node *e)
{
    float weight = 1;
    uint32_t words = page_words(page, e);
    if (words & WORD_BODY)
        weight = 1.15f;
    else if (e->tag == TAG_article)
        weight = 1.1f;
    else if (e->tag == TAG_main || words & WORD_GOOD)
        weight = 1.05f;
    return weight;
}

struct pick {
    float value;
    uint32_t node, from, to;
};

static void offer(struct pick *best, float value, uint32_t node, uint32_t from, uint32_t to)
{
    /* Equal worth: the later one is deeper and holds less that is not ours. */
    if (value > 0 && value >= best->value) *best = (struct pick){value, node, from, to};
}

/* The run of neighbouring children that is worth most (Kadane's algorithm). For paragraphs that stand side by side with
 * other things in one large element. worth: the first block of it that is worth something; no run is worth more for what is before. */
static void offer_run(const struct page *page, const float *sum, uint32_t parent, uint32_t worth, struct pick *best)
{
    const struct node *nodes = page->doc.nodes;
    float run = 0, weight = weight_of(page, &nodes[parent]) * RUN_WEIGHT;
    uint32_t from = 0, start = page->blocks[worth].first, last, end = page->block_at[nodes[parent].end];
    for (int up = 0; up < CLIMB && nodes[start].parent != parent; up++) start = nodes[start].parent;
    if (nodes[start].parent != parent) start = parent + 1;
    last = page->block_at[start];
    for (uint32_t i = start; last < end; i = nodes[i].end) {
        uint32_t first;
        page_blocks(page, i, &first, &last);
        if (first == last) continue;
        if (run <= 0) run = 0, from = first;
        run += sum[last] - sum[first];
        offer(best, run * weight, parent, from, last);
    }
}

void pick_article(struct page *page)
{
    const struct doc *d = &page->doc;
    float *sum = mem_array(page->block_count + 1, sizeof *sum);
    struct pick best = {.value = 0, .node = NODE_NONE};
    sum[0] = 0;
    for (size_t i = 0; i < page->block_count; i++) {
        page->blocks[i].value = value_of(page, &page->blocks[i]);
        sum[i + 1] = sum[i] + page->blocks[i].value;
    }
    for (uint32_t b = 0, worth = 0; b < page->box_count;) {
        uint32_t i = page->boxes[b].node, from, to;
        const struct node *e = &d->nodes[i];
        if (e->drop) {
            b = page->boxes[b].next;
            continue;
        }
        b++;
        page_blocks(page, i, &from, &to);
        if (worth < from) worth = from;
        while (worth < page->block_count && page->blocks[worth].value <= 0) worth++;
        if (worth >= to) continue; /* nothing in it, nor in a run of it */
        offer(&best, (sum[to] - sum[from]) * weight_of(page, e), i, from, to);
        if (to - from > 1) offer_run(page, sum, i, worth, &best); /* a run of one is worth less than the whole */
    }
    page->picked = best.node;
    page->from = best.from;
    page->to = best.to;
    if (page->wiki != NODE_NONE && !d->nodes[page->wiki].drop && best.node != NODE_NONE) {
        page->picked = page->wiki;
        page_blocks(page, page->wiki, &page->from, &page->to);
    }
    free(sum);
}
