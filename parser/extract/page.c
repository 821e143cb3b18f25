/* The page as a whole; contract in page.h. */
#include "parser/extract/page.h"

#include <stdlib.h>
#include <string.h>

#include "line/limits.h"
#include "parser/extract/squeeze.h"

const char *mark_text(enum mark mark)
{
    static const char *const texts[MARK_COUNT] = {
#define X(name, text) [MARK_##name] = text,
        MARK_LIST(X)
#undef X
    };
    return (unsigned)mark < MARK_COUNT ? texts[mark] : "?";
}

void page_init(struct page *page)
{
    memset(page, 0, sizeof *page);
    doc_init(&page->doc);
    buf_init(&page->title, LIMIT_FIELD);
    page->wiki = NODE_NONE;
    page->picked = NODE_NONE;
}

void page_release(struct page *page)
{
    doc_release(&page->doc);
    free(page->blocks);
    free(page->words);
    free(page->block_at);
    free(page->sums);
    free(page->boxes);
    buf_release(&page->title);
    page_init(page);
}

void page_block_text(const struct page *page, const struct block *block, struct buf *out)
{
    struct squeeze words = squeeze_to(out);
    for (uint32_t i = block->first; i < block->end;) {
        const struct node *e = &page->doc.nodes[i];
        if (e->tag == TAG_TEXT && !squeeze_fill(&words, doc_text(&page->doc, i))) return;
        if (e->tag == TAG_br) words.gap = ' ';
        i = e->drop || doc_tag_flags(e->tag) & TAGF_SKIP ? e->end : i + 1;
    }
}
