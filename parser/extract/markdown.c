/* Markdown; contract in render.h.
 *
 * Each block knows the list items, quotes and tables it stands in from what is around it. Comparing this path with that of the block before
 * tells whether an item begins or goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "parser/extract/render.h"

#define LEVELS_MAX  12  /* lists and quotes in each other; deeper ones are written at this depth */
#define INLINES_MAX 32  /* open emphasis and links */
#define CELLS_MAX   30  /* columns of a table written as one */
#define PIECE       500 /* bytes of text that are written at once */
#define CELL_BYTES  300 /* a table with longer cells is there for layout */

struct level {
    uint32_t node; /* li, dd or blockquote */
    uint32_t list; /* its ul or ol */
    unsigned number;
};

struct path {
    struct level levels[LEVELS_MAX];
    int depth;
    uint32_t table; /* the innermost one around, NODE_NONE if there is none */
    uint32_t row, cell;
};

/* An element around the block last looked at. */
struct around {
    uint32_t node;
    uint32_t level;            /* 1 + index of the innermost one that is a level, up to this one; 0: none is */
    uint32_t table, row, cell; /* as of a block in it */
};

/* An open inline element. */
struct inline_mark {
    uint32_t end;      /* of the element */
    const char *close; /* what ends it, "" for a link */
    uint32_t target;   /* of a link, LINK_NONE of other elements */
    bool written;      /* its beginning stands in the output */
    const char *open;
};

struct writer {
    const struct page *page;
    struct links *links;
    struct buf *out;
    struct path path; /* of the last block written */
    struct around
        *around; /* from the article's element down: neighbours share most of it, so nobody climbs a page's depth again and again */
    size_t around_count, around_cap;
    struct inline_mark open[INLINES_MAX];
    int open_count;
    bool gap, at_line_start, in_code, in_cell;
    struct buf prefix;     /* of further lines of the block */
    uint32_t layout_table; /* the last table found to be no data table */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

/* What stands in this element, if what is around it is known. */
static struct around around_of(const struct writer *w, size_t index, uint32_t node)
{
    struct around a = {.node = node, .table = NODE_NONE, .row = NODE_NONE, .cell = NODE_NONE};
    uint8_t tag = w->page->doc.nodes[node].tag;
    bool is_level = tag == TAG_li || tag == TAG_dd || tag == TAG_blockquote;
    if (index > 0) {
        a = w->around[index - 1];
        a.node = node;
    }
    if (is_level || tag == TAG_table) a.table = a.row = a.cell = NODE_NONE; /* what is around these is not its table */
    if (is_level) a.level = (uint32_t)index + 1;
    if (tag == TAG_table) a.table = node;
    if (tag == TAG_tr) a.row = node;
    if (doc_tag_flags(tag) & TAGF_CELL) a.cell = node;
    return a;
}

/* Leaves the elements that do not hold this node and enters those that do. */
static void go_to(struct writer *w, uint32_t node)
{
    const struct node *nodes = w->page->doc.nodes;
    while (w->around_count) {
        uint32_t top = w->around[w->around_count - 1].node;
        if (top <= node && node < nodes[top].end) break;
        w->around_count--;
    }
    uint32_t top = w->around_count ? w->around[w->around_count - 1].node : NODE_NONE;
    size_t from = w->around_count, to = from;
    for (uint32_t i = node; i != top && i != NODE_NONE && i >= w->page->picked; i = nodes[i].parent) to++;
    w->around = mem_grow(w->around, &w->around_cap, to, sizeof *w->around);
    for (size_t k = to; k > from; node = nodes[node].parent) w->around[--k].node = node;
    for (size_t k = from; k < to; k++) w->around[k] = around_of(w, k, w->around[k].node);
    w->around_count = to;
}

static struct path path_of(struct writer *w, uint32_t node)
{
    struct path path = {.table = NODE_NONE, .row = NODE_NONE, .cell = NODE_NONE};
    uint32_t levels[LEVELS_MAX];
    int n = 0;
    go_to(w, node);
    if (w->around_count == 0) return path;
    const struct around *in = &w->around[w->around_count - 1];
    path.table = in->table, path.row = in->row, path.cell = in->cell;
    for (uint32_t k = in->level; k && n<LEVELS_MAX; k = k> 1 ? w->around[k - 2].level : 0) levels[n++] = w->around[k - 1].node;
    while (n > 0) {
        uint32_t level = levels[--n];
        path.levels[path.depth++] = (struct level){.node = level, .list = w->page->doc.nodes[level].parent};
    }
    return path;
}

static bool is_ordered(const struct page *page, const struct level *level)
{
    return level->list != NODE_NONE && page->doc.nodes[level->list].tag == TAG_ol;
}

/* What a level is begun with: "> ", "- " or "3. ". Returns its length. */
static size_t marker_of(const struct page *page, const struct level *level, char mark_r[16])
{
    if (page->doc.nodes[level->node].tag == TAG_blockquote) return (size_t)snprintf(mark_r, 16, "> ");
    if (!is_ordered(page, level)) return (size_t)snprintf(mark_r, 16, "- ");
    return (size_t)snprintf(mark_r, 16, "%u. ", level->number % 10000);
}

/* Begins a block: a blank line, or none between items of one list; markers of the items that begin here; and the prefix of
 * the block's further lines. */
static void begin_block(struct writer *w, struct path path)
{
    struct buf lead = BUF_INIT(16 * LEVELS_MAX), prefix = BUF_INIT(16 * LEVELS_MAX), blank = BUF_INIT(2 * LEVELS_MAX);
    bool same = true, starts_item = false;
    for (int i = 0; i < path.depth; i++) {
        const struct level *old = same && i < w->path.depth ? &w->path.levels[i] : NULL;
        struct level *level = &path.levels[i];
        bool goes_on = old && old->node == level->node;
        level->number = goes_on ? old->number : old && old->list == level->list ? old->number + 1 : 1;
        char mark[16];
        size_t n = marker_of(w->page, level, mark);
        if (mark[0] == '>') {
            buf_add_str(&lead, mark);
            buf_add_str(&prefix, mark);
            if (goes_on) buf_add_str(&blank, mark);
        } else {
            buf_addf(&lead, "%*s", (int)n, goes_on ? "" : mark);
            buf_addf(&prefix, "%*s", (int)n, "");
            starts_item |= !goes_on;
        }
        same = goes_on;
    }
    bool tight = starts_item && w->path.depth > 0 && path.depth > 0 && w->path.levels[0].list == path.levels[0].list;
    if (w->out->len) {
        buf_add_char(w->out, '\n');
        if (!tight) buf_add_str(w->out, buf_str(&blank)), buf_add_char(w->out, '\n');
    }
    buf_add(w->out, buf_str(&lead), lead.len);
    buf_reset(&w->prefix);
    buf_add(&w->prefix, buf_str(&prefix), prefix.len);
    w->path = path;
    buf_release(&lead);
    buf_release(&prefix);
    buf_release(&blank);
}

static void new_line(struct writer *w)
{
    buf_add_char(w->out, '\n');
    buf_add(w->out, buf_str(&w->prefix), w->prefix.len);
}

/* What a byte of text may be. */
enum { PLAIN, BLANK, SPECIAL };
static const uint8_t kinds[256] = {
    [' '] = BLANK,   ['\n'] = BLANK,  ['\t'] = BLANK,  ['\r'] = BLANK,  ['\f'] = BLANK,  ['\\'] = SPECIAL,
    ['`'] = SPECIAL, ['*'] = SPECIAL, ['_'] = SPECIAL, ['['] = SPECIAL, [']'] = SPECIAL, ['<'] = SPECIAL,
    ['|'] = SPECIAL, ['#'] = SPECIAL, ['>'] = SPECIAL, ['+'] = SPECIAL, ['-'] = SPECIAL,
};

/* A character that would mean something in Markdown. */
static bool needs_escape(const struct writer *w, const char *p, const char *end, bool at_line_start)
{
    switch (*p) {
    case '\\':
    case '`':
    case '*':
    case '_':
    case '[':
    case ']':
    case '<': return true;
    case '|': return w->in_cell;
    case '#':
    case '>':
    case '+':
    case '-': return at_line_start && (p + 1 == end || is_blank(p[1]) || *p == '#' || *p == '>');
    default: return false;
    }
}

static void write_opens(struct writer *w)
{
    for (int i = 0; i < w->open_count; i++) {
        if (w->open[i].written) continue;
        w->open[i].written = true;
        buf_add_str(w->out, w->open[i].open);
    }
}

/* Words up to `stop`, one blank apart. Room for two bytes each, and one more, is reserved. */
static void put_piece(struct writer *w, const char *p, const char *stop, const char *end)
{
    char *to = w->out->data + w->out->len;
    bool gap = w->gap, at_line_start = w->at_line_start;
    for (; p < stop; p++) {
        uint8_t kind = kinds[(unsigned char)*p];
        if (kind == BLANK) {
            gap = true;
            continue;
        }
        if (gap && !at_line_start) *to++ = ' ';
        bool tick = w->in_code && *p == '`';
        if (kind == SPECIAL && !w->in_code && needs_escape(w, p, end, at_line_start)) *to++ = '\\';
        *to++ = tick ? '\'' : *p;
        gap = at_line_start = false;
    }
    *to = '\0';
    w->out->len = (size_t)(to - w->out->data);
    w->gap = gap, w->at_line_start = at_line_start;
}

static void put_text(struct writer *w, struct span s)
{
    const char *p = s.p, *end = s.p + s.n;
    for (; p < end && is_blank(*p); p++) w->gap = true;
    if (p == end) return;
    if (w->gap && !w->at_line_start) buf_add_char(w->out, ' ');
    w->gap = false;
    write_opens(w);
    while (p < end) {
        const char *stop = end - p > PIECE ? p + utf8_floor(p, PIECE) : end;
        if (!buf_reserve(w->out, 2 * (size_t)(stop - p) + 1)) return;
        put_piece(w, p, stop, end);
        p = stop;
    }
}

static void put_target(struct writer *w, uint32_t link)
{
    const char *url = links_url(w->links, link);
    bool round = strpbrk(url, "()") != NULL;
    buf_add_str(w->out, round ? "](<" : "](");
    buf_add_str(w->out, url);
    buf_add_str(w->out, round ? ">)" : ")");
}

static void close_inline(struct writer *w)
{
    struct inline_mark *m = &w->open[--w->open_count];
    if (m->close[0] == '`') w->in_code = false;
    if (!m->written) return;
    buf_add_str(w->out, m->close);
    if (m->target != LINK_NONE) put_target(w, m->target);
}

static void open_inline(struct writer *w, uint32_t node)
{
    const struct doc *d = &w->page->doc;
    struct inline_mark m = {.end = d->nodes[node].end, .open = NULL, .close = "", .target = LINK_NONE};
    switch (d->nodes[node].tag) {
    case TAG_b:
    case TAG_strong: m.open = m.close = "**"; break;
    case TAG_i:
    case TAG_em:
    case TAG_cite:
    case TAG_dfn:
    case TAG_var: m.open = m.close = "*"; break;
    case TAG_code:
    case TAG_kbd:
    case TAG_samp:
    case TAG_tt: m.open = m.close = "`"; break;
    case TAG_s:
    case TAG_del:
    case TAG_strike: m.open = m.close = "~~"; break;
    case TAG_a:
        m.target = links_resolve(w->links, doc_attr(d, node, ATTR_href));
        m.open = m.target != LINK_NONE ? "[" : NULL;
        break;
    default: break;
    }
    if (!m.open || w->open_count == INLINES_MAX || w->in_code) return;
    for (int i = 0; i < w->open_count; i++)
        if (strcmp(w->open[i].open, m.open) == 0) return; /* no emphasis in emphasis, no link in a link */
    if (m.open[0] == '`') w->in_code = true;
    w->open[w->open_count++] = m;
}

static void put_image(struct writer *w, uint32_t node)
{
    struct span alt = span_trim(doc_attr(&w->page->doc, node, ATTR_alt));
    uint32_t src = links_resolve(w->links, doc_attr(&w->page->doc, node, ATTR_src));
    if (!alt.n || src == LINK_NONE || w->in_code) return;
    if (w->gap && !w->at_line_start) buf_add_char(w->out, ' ');
    w->gap = false;
    write_opens(w);
    buf_add_str(w->out, "![");
    put_text(w, alt);
    put_target(w, src);
    w->at_line_start = false;
}

/* The inline elements that are open where a block begins. */
static void open_around(struct writer *w, const struct block *b)
{
    uint32_t above[INLINES_MAX];
    int n = 0;
    for (uint32_t i = w->page->doc.nodes[b->first].parent; i != NODE_NONE && i != b->node && n < INLINES_MAX;
         i = w->page->doc.nodes[i].parent)
        above[n++] = i;
    while (n > 0) open_inline(w, above[--n]);
}

static void put_inline(struct writer *w, const struct block *b)
{
    const struct doc *d = &w->page->doc;
    w->open_count = 0;
    w->gap = w->in_code = false;
    w->at_line_start = true;
    open_around(w, b);
    for (uint32_t i = b->first; i < b->end && !buf_failed(w->out);) {
        const struct node *e = &d->nodes[i];
        while (w->open_count && w->open[w->open_count - 1].end <= i) close_inline(w);
        if (e->tag == TAG_TEXT) {
            put_text(w, doc_text(d, i));
        } else if (e->drop || doc_tag_flags(e->tag) & TAGF_SKIP) {
            i = e->end;
            continue;
        } else if (e->tag == TAG_br) {
            if (w->in_cell)
                w->gap = true;
            else if (!w->at_line_start && i + 1 < b->end)
                buf_add_char(w->out, '\\'), new_line(w), w->at_line_start = true, w->gap = false;
        } else if (e->tag == TAG_img) {
            put_image(w, i);
        } else {
            open_inline(w, i);
        }
        i++;
    }
    while (w->open_count) close_inline(w);
}

static void put_code(struct writer *w, const struct block *b)
{
    bool started = false;
    buf_add_str(w->out, "```");
    new_line(w);
    for (uint32_t i = b->first; i < b->end; i++) {
        const struct node *e = &w->page->doc.nodes[i];
        if (e->tag == TAG_br) new_line(w);
        if (e->tag != TAG_TEXT) continue;
        struct span s = doc_text(&w->page->doc, i);
        for (size_t k = 0; k < s.n; k++) {
            if (s.p[k] == '\r' || (!started && s.p[k] == '\n')) continue;
            started = true;
            if (s.p[k] == '\n')
                new_line(w);
            else
                buf_add_char(w->out, s.p[k]);
        }
    }
    while (w->out->len && is_blank(w->out->data[w->out->len - 1])) buf_truncate(w->out, w->out->len - 1);
    new_line(w);
    buf_add_str(w->out, "```");
}

static void put_heading(struct writer *w, const struct block *b)
{
    uint32_t node = b->node;
    while (node != NODE_NONE && !(doc_tag_flags(w->page->doc.nodes[node].tag) & TAGF_HEADING)) node = w->page->doc.nodes[node].parent;
    int level = node == NODE_NONE ? 2 : w->page->doc.nodes[node].tag - TAG_h1 + 1;
    for (int i = 0; i < level; i++) buf_add_char(w->out, '#');
    buf_add_char(w->out, ' ');
    w->in_cell = true; /* a heading is one line, too */
    put_inline(w, b);
    w->in_cell = false;
}

/* The blocks of a table from index i on that make a data table: *end_r is the one after them. A table with long cells or one
 * column, or with lists in it, is written block by block. */
static bool is_data_table(struct writer *w, size_t i, uint32_t table, size_t *end_r)
{
    const struct page *page = w->page;
    if (w->layout_table == table) return false;
    w->layout_table = table; /* until the last cell has been seen */
    uint32_t row = NODE_NONE, cell = NODE_NONE;
    int rows = 0, columns = 0, widest = 0;
    size_t k = i;
    for (; k < page->block_count && page->blocks[k].first < page->doc.nodes[table].end; k++) {
        const struct block *b = &page->blocks[k];
        if (b->mark) continue;
        struct path path = path_of(w, b->node);
        if (path.table != table || b->kind != BLOCK_CELL || b->chars > CELL_BYTES) return false;
        if (path.row == NODE_NONE || path.cell == NODE_NONE) return false; /* a cell without a row */
        if (path.row != row) rows++, columns = 0;
        if (path.cell != cell) columns++;
        if (columns > widest) widest = columns;
        row = path.row;
        cell = path.cell;
    }
    *end_r = k;
    if (rows < 2 || widest < 2 || widest > CELLS_MAX) return false;
    w->layout_table = NODE_NONE;
    return true;
}

static int cells_of(const struct page *page, uint32_t row)
{
    int n = 0;
    for (uint32_t i = row + 1; i < page->doc.nodes[row].end; i = page->doc.nodes[i].end)
        n += (doc_tag_flags(page->doc.nodes[i].tag) & TAGF_CELL) != 0;
    return n;
}

static void rule_line(struct writer *w, int columns)
{
    new_line(w);
    buf_add_char(w->out, '|');
    for (int c = 0; c < columns; c++) buf_add_str(w->out, " --- |");
}

static void put_table(struct writer *w, size_t from, size_t to)
{
    const struct page *page = w->page;
    uint32_t row = NODE_NONE, next_cell = NODE_NONE;
    int rows = 0;
    w->in_cell = true;
    for (size_t k = from; k < to && !buf_failed(w->out); k++) {
        const struct block *b = &page->blocks[k];
        if (b->mark) continue;
        struct path path = path_of(w, b->node);
        if (path.row != row) {
            if (row != NODE_NONE) {
                buf_add_str(w->out, " |");
                if (rows == 1) rule_line(w, cells_of(page, row));
                new_line(w);
            }
            rows++;
            row = path.row;
            next_cell = row + 1;
        } else if (path.cell + 1 == next_cell) {
            buf_add_str(w->out, " "); /* a second block of the same cell */
        }
        /* Empty cells have no blocks, but a column. */
        for (; next_cell <= path.cell && next_cell < page->doc.nodes[row].end; next_cell = page->doc.nodes[next_cell].end) {
            if (!(doc_tag_flags(page->doc.nodes[next_cell].tag) & TAGF_CELL)) continue;
            bool first = next_cell == row + 1 || w->out->len == 0 || w->out->data[w->out->len - 1] == '\n'; /* of its row */
            buf_add_str(w->out, first ? "|" : " |");
            if (next_cell == path.cell) buf_add_char(w->out, ' ');
        }
        put_inline(w, b);
    }
    buf_add_str(w->out, " |");
    w->in_cell = false;
}

/* Writes the block at i and whatever belongs to it; returns the index after. */
static size_t put_block(struct writer *w, size_t i)
{
    const struct page *page = w->page;
    const struct block *b = &page->blocks[i];
    struct path path = path_of(w, b->node);
    size_t end = i + 1;
    begin_block(w, path);
    if (path.table != NODE_NONE && b->kind == BLOCK_CELL && is_data_table(w, i, path.table, &end)) {
        put_table(w, i, end);
        return end;
    }
    switch (b->kind) {
    case BLOCK_HEADING: put_heading(w, b); break;
    case BLOCK_PRE: put_code(w, b); break;
    case BLOCK_TERM: buf_add_str(w->out, "**"), put_inline(w, b), buf_add_str(w->out, "**"); break;
    default: put_inline(w, b); break;
    }
    return i + 1;
}

void render_markdown(const struct page *page, struct links *links, struct buf *out)
{
    struct writer *w = mem_zalloc(sizeof *w);
    w->page = page;
    w->links = links;
    w->out = out;
    w->layout_table = NODE_NONE;
    buf_init(&w->prefix, 16 * LEVELS_MAX);
    for (size_t i = 0; i < page->block_count;) {
        if (page->blocks[i].mark) {
            i++;
            continue;
        }
        size_t before = out->len;
        i = put_block(w, i);
        if (!buf_failed(out)) continue;
        buf_truncate(out, before ? before : utf8_whole(buf_str(out), out->len)); /* a page that is one text is cut */
        break;
    }
    buf_release(&w->prefix);
    free(w->around);
    free(w);
}
