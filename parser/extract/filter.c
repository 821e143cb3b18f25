/* Filtering the picked element's blocks; contract in filter.h. */
#include "parser/extract/filter.h"

#include "parser/extract/mark.h"
#include "parser/extract/phrases.h"

/* The blocks of the picked element that are not marked; next one after i, or to. */
static uint32_t next_kept(const struct page *page, uint32_t i, uint32_t to)
{
    while (i < to && page->blocks[i].mark) i++;
    return i;
}

/* Headline, byline, place and time stand before the first sentences; what follows the last ones is tags and promotion. */
static void trim_ends(struct page *page, uint32_t from, uint32_t to)
{
    uint32_t i = next_kept(page, from, to);
    while (i < to && !mark_is_prose(&page->blocks[i])) {
        page->blocks[i].mark = MARK_BEFORE;
        i = next_kept(page, i + 1, to);
    }
    for (uint32_t k = to; k > i; k--) {
        struct block *b = &page->blocks[k - 1];
        if (b->mark) continue;
        if (mark_is_prose(b) || b->kind == BLOCK_ITEM || b->kind == BLOCK_CELL) break;
        if (b->words >= 6) break;
        b->mark = MARK_AFTER;
    }
}

/* A heading whose section was filtered away says nothing. */
static void drop_empty_headings(struct page *page, uint32_t from, uint32_t to)
{
    bool text_follows = false;
    for (uint32_t i = to; i > from; i--) {
        struct block *b = &page->blocks[i - 1];
        if (b->mark) continue;
        if (b->kind != BLOCK_HEADING) text_follows = true;
        else if (!text_follows) b->mark = MARK_EMPTY_HEADING;
    }
}

void filter_blocks(struct page *page)
{
    const uint32_t from = page->from, to = page->to;
    struct buf text = BUF_INIT(PHRASE_MAX);
    for (uint32_t i = 0; i < page->block_count; i++) {
        struct block *b = &page->blocks[i];
        if (b->mark) continue;
        if (i < from || i >= to) b->mark = MARK_OUTSIDE;
        else if (mark_is_linky(b)) b->mark = MARK_LINKS;
        else if (b->words <= PHRASE_WORDS) {
            buf_reset(&text);
            page_block_text(page, b, &text);
            if (phrase_is_stock(span_of(buf_str(&text), text.len))) b->mark = MARK_PHRASE;
        }
    }
    buf_release(&text);
    trim_ends(page, from, to);
    drop_empty_headings(page, from, to);
}
