/* Plain text; contract in render.h. */
#include "parser/extract/render.h"

#include <string.h>

#include "base/utf8.h"
#include "parser/extract/squeeze.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static bool put_verbatim(struct squeeze *w, struct span s)
{
    if (w->gap && w->out->len > w->start && !buf_add_char(w->out, w->gap)) return false;
    w->gap = '\0';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\r') continue;
        if (w->out->len == w->start && s.p[i] == '\n') continue; /* the line end after <pre> */
        if (!buf_add_char(w->out, s.p[i])) return false;
    }
    return true;
}

static bool put_block(const struct page *page, const struct block *b, struct buf *out)
{
    struct squeeze w = squeeze_to(out);
    for (uint32_t i = b->first; i < b->end;) {
        const struct node *e = &page->doc.nodes[i];
        if (e->tag == TAG_TEXT) {
            struct span s = doc_text(&page->doc, i);
            if (!(b->kind == BLOCK_PRE ? put_verbatim(&w, s) : squeeze_add(&w, s))) return false;
        } else if (e->tag == TAG_br) {
            w.gap = '\n';
        } else if (e->drop || doc_tag_flags(e->tag) & TAGF_SKIP) {
            i = e->end;
            continue;
        }
        i++;
    }
    while (out->len > w.start && is_blank(out->data[out->len - 1])) buf_truncate(out, out->len - 1);
    return true;
}

/* The row a cell's block stands in, NODE_NONE for other blocks. */
static uint32_t row_of(const struct page *page, const struct block *b)
{
    if (b->kind != BLOCK_CELL) return NODE_NONE;
    uint32_t node = b->node;
    for (int up = 0; up < 4 && node != NODE_NONE; up++, node = page->doc.nodes[node].parent)
        if (page->doc.nodes[node].tag == TAG_tr) return node;
    return NODE_NONE;
}

void render_text(const struct page *page, struct buf *out)
{
    uint32_t last_row = NODE_NONE, last_cell = NODE_NONE;
    for (size_t i = 0; i < page->block_count; i++) {
        const struct block *b = &page->blocks[i];
        if (b->mark) continue;
        size_t before = out->len;
        uint32_t row = row_of(page, b);
        const char *between = "\n\n";
        if (row != NODE_NONE && row == last_row && b->node != last_cell)
            between = "\t";
        else if (row != NODE_NONE && last_row != NODE_NONE && row != last_row &&
                 page->doc.nodes[row].parent == page->doc.nodes[last_row].parent)
            between = "\n";
        if (before && !buf_add_str(out, between)) return;
        if (!put_block(page, b, out)) {
            if (before)
                buf_truncate(out, before);
            else
                buf_truncate(out, utf8_whole(buf_str(out), out->len));
            return;
        }
        last_row = row;
        last_cell = b->node;
    }
}
