/* The page as a whole; contract in page.h. */
#include "parser/extract/page.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "line/limits.h"

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

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

void page_block_text(const struct page *page, const struct block *block, struct buf *out)
{
    bool gap = false;
    size_t start = out->len;
    for (uint32_t i = block->first; i < block->end;) {
        const struct node *e = &page->doc.nodes[i];
        if (e->tag != TAG_TEXT) {
            if (e->tag == TAG_br) gap = true;
            i = e->drop || doc_tag_flags(e->tag) & TAGF_SKIP ? e->end : i + 1;
            continue;
        }
        struct span s = doc_text(&page->doc, i++);
        for (size_t k = 0; k < s.n;) {
            size_t from = k;
            while (k < s.n && !is_blank(s.p[k])) k++;
            size_t room, n = k - from;
            if (n) {
                if (gap && out->len > start && !buf_add_char(out, ' ')) return;
                gap = false;
                room = out->max - out->len;
                buf_add(out, s.p + from, n <= room ? n : utf8_floor(s.p + from, room));
                if (n > room) return;
            }
            while (k < s.n && is_blank(s.p[k])) k++, gap = true;
        }
    }
}
