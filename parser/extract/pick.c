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

static float value_of(const struct block *b)
{
    float chars = (float)b->chars, links = (float)b->link_chars;
    switch (b->mark) {
    case MARK_NONE: break;
    case MARK_CAPTION:
    case MARK_META:
    case MARK_SHARE:
    case MARK_AD: return -4; /* these stand within articles, too */
    case MARK_COMMENT: return -10 - chars * .1f;
    default: return -10 - chars * .05f;
    }
    if (b->kind == BLOCK_HEADING) return links * 2 > chars ? -15 : 0;
    if (links * 2 > chars) return -15 - chars * .2f;
    if (mark_is_prose(b)) return (chars - links) * (b->kind == BLOCK_CELL ? .6f : 1);
    if (b->kind == BLOCK_TEXT && b->words >= 5) return (chars - links) * .3f;
    return -4;
}

static float weight_of(const struct node *e)
{
    float weight = 1;
    if (e->words & WORD_BODY) weight = 1.15f;
    else if (e->tag == TAG_article) weight = 1.1f;
    else if (e->tag == TAG_main || e->words & WORD_GOOD) weight = 1.05f;
    return weight;
}

void pick_article(struct page *page)
{
    const struct doc *d = &page->doc;
    float *sum = mem_calloc(page->block_count + 1, sizeof *sum), best = 0;
    for (size_t i = 0; i < page->block_count; i++) {
        page->blocks[i].value = value_of(&page->blocks[i]);
        sum[i + 1] = sum[i] + page->blocks[i].value;
    }
    page->picked = NODE_NONE;
    for (uint32_t i = 0; i < d->count;) {
        const struct node *e = &d->nodes[i];
        if (e->drop) {
            i = e->end;
            continue;
        }
        if (e->tag != TAG_TEXT && doc_tag_flags(e->tag) & TAGF_BLOCK) {
            uint32_t from, to;
            page_blocks(page, i, &from, &to);
            float value = (sum[to] - sum[from]) * weight_of(e);
            /* Equal worth: the deeper one holds less that is not ours. */
            if (value > 0 && value >= best) best = value, page->picked = i;
        }
        i++;
    }
    free(sum);
}
