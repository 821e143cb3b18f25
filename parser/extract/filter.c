/* Filtering the picked element's blocks; contract in filter.h. */
#include "parser/extract/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "parser/extract/date.h"
#include "parser/extract/mark.h"
#include "parser/extract/phrases.h"

#define TITLE_MAX        600 /* bytes */
#define TITLE_WORDS_MAX  40
#define TITLE_SHARE      3 /* what follows the headline must be a third of the region's prose, or it is not this article's */
#define OPENING_WORDS    6
#define STANDFIRST_WORDS 10  /* of a heading that is a standfirst, not a label */
#define HEAD_BLOCKS      500 /* before the first sentence, looked at */
#define DATELINE_BLOCKS  3   /* so soon after the standfirst */
#define LEAD_WORDS       10
#define LEAD_BLOCKS      60 /* between headline and text, at most */
#define MORE_LINK_BYTES  30 /* of "Read more" at the end of a teaser */
#define MORE_LINK_DEPTH  30 /* elements around it up to the link */
#define REPEAT_WORDS     8  /* shorter lines may come twice in a text: refrains, answers */
#define REPEAT_BLOCKS    40 /* how far back a repeated paragraph is looked for */
#define BODY_TENTHS      8  /* of the region's prose below one element make it the body */
#define TAIL_RUN         4  /* blocks about other pages in a row */
#define TAIL_SHARE       10 /* behind them less than a tenth of the region's prose is no article any more */
#define LABEL_WORDS      6  /* shorter lines around the text that are no sentences are tags, sections and the like */

struct region {
    struct page *page;
    uint32_t from, to;
    uint32_t title; /* the block that is the headline, or from */
};

/* The blocks of the region that are not marked; next one after i, or to. */
static uint32_t next_kept(const struct region *r, uint32_t i)
{
    while (i < r->to && r->page->blocks[i].mark) i++;
    return i;
}

/* Compares letters and digits alone. */
static bool same_words(struct span a, struct span b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.n && !isalnum((unsigned char)a.p[i]) && !(a.p[i] & 0x80)) i++;
        while (k < b.n && !isalnum((unsigned char)b.p[k]) && !(b.p[k] & 0x80)) k++;
        if (i == a.n || k == b.n) return i == a.n && k == b.n;
        if (tolower((unsigned char)a.p[i++]) != tolower((unsigned char)b.p[k++])) return false;
    }
}

static bool is_title(const struct page *page, const struct block *b)
{
    char room[TITLE_MAX + 1];
    struct buf text = buf_over(room, sizeof room);
    /* Bytes of the title against characters of the block: far apart is no match, and most blocks are. */
    if (page->title.len < 8 || b->chars > page->title.len || b->chars * 5 < page->title.len) return false;
    page_block_text(page, b, &text);
    return same_words(span_of(buf_str(&text), text.len), span_of(buf_str(&page->title), page->title.len));
}

static uint32_t prose_between(const struct page *page, uint32_t from, uint32_t to)
{
    uint32_t chars = 0;
    for (; from < to; from++)
        if (!page->blocks[from].mark && page->blocks[from].is_prose) chars += page->blocks[from].chars;
    return chars;
}

static void mark_range(struct page *page, uint32_t from, uint32_t to, enum mark mark)
{
    for (; from < to; from++)
        if (!page->blocks[from].mark) page->blocks[from].mark = (uint8_t)mark;
}

/* The headline goes, with everything before it; where it comes again, something else begins. */
static void cut_at_title(struct region *r)
{
    uint32_t all = prose_between(r->page, r->from, r->to), before = 0, at_title = 0;
    bool found = false;
    for (uint32_t i = r->from; i < r->to; i++) {
        struct block *b = &r->page->blocks[i];
        if (b->mark) continue;
        if (b->is_prose) before += b->chars;
        if (b->words > TITLE_WORDS_MAX || !is_title(r->page, b)) continue;
        b->mark = MARK_TITLE;
        if (b->kind != BLOCK_HEADING) continue;
        if (!found && (all - before) * TITLE_SHARE >= all) {
            mark_range(r->page, r->from, i, MARK_BEFORE);
            r->title = i + 1;
            at_title = before;
            found = true;
        } else if (found && (before - at_title) * TITLE_SHARE >= all) {
            mark_range(r->page, i, r->to, MARK_AFTER);
            return;
        }
    }
}

/* Left out as a link to something else, not for its own words. */
static bool is_elsewhere(const struct block *b)
{
    return b->mark == MARK_LINKS || b->mark == MARK_TEASER || b->mark == MARK_RELATED;
}

/* A list of other pages or of comments ends an article: the little that comes after it is promotion, credits, a form. */
static void cut_tail(const struct region *r)
{
    uint32_t all = prose_between(r->page, r->from, r->to), before = 0, run = 0;
    for (uint32_t i = r->from; i < r->to; i++) {
        const struct block *b = &r->page->blocks[i];
        if (is_elsewhere(b) || b->mark == MARK_COMMENT)
            run++;
        else if (!b->mark)
            run = 0, before += b->is_prose ? b->chars : 0;
        if (run < TAIL_RUN || (all - before) * TAIL_SHARE >= all) continue;
        mark_range(r->page, i, r->to, MARK_AFTER);
        return;
    }
}

/* Where one element's own paragraphs are nearly all of the text, it is the body, and what stands behind it is something else, though
 * it be prose: about the author, the magazine, the comments. Before it may be the standfirst. */
static void cut_after_body(const struct region *r)
{
    const struct node *nodes = r->page->doc.nodes;
    const struct block *blocks = r->page->blocks;
    uint32_t *prose = mem_calloc(r->to - r->from + 1, sizeof *prose), before = NODE_NONE; /* [i]: characters before block from + i */
    for (uint32_t i = r->from; i < r->to; i++)
        prose[i + 1 - r->from] = prose[i - r->from] + (!blocks[i].mark && blocks[i].is_prose ? blocks[i].chars : 0);
    for (uint32_t i = r->from; i < r->to; i++) {
        uint32_t parent = nodes[blocks[i].node].parent, from, to;
        if (blocks[i].mark || !blocks[i].is_prose || parent == NODE_NONE || parent == before) continue;
        before = parent;
        page_blocks(r->page, parent, &from, &to);
        if (from < r->from) from = r->from;
        if (to >= r->to || (prose[to - r->from] - prose[from - r->from]) * 10 < prose[r->to - r->from] * BODY_TENTHS) continue;
        mark_range(r->page, to, r->to, MARK_AFTER);
        break;
    }
    free(prose);
}

static bool has_date(const struct page *page, const struct block *b)
{
    char room[PHRASE_MAX + 1];
    struct buf text = buf_over(room, sizeof room);
    char date[DATE_SIZE];
    page_block_text(page, b, &text);
    return date_find(span_of(buf_str(&text), text.len), date);
}

/* A first line that is text although it is no whole sentence: a verse, a standfirst, a list or a table. */
static bool is_opening(const struct region *r, uint32_t i)
{
    const struct block *b = &r->page->blocks[i];
    if (b->kind == BLOCK_CELL || b->kind == BLOCK_ITEM) return !has_date(r->page, b);
    if (b->words < OPENING_WORDS) return false;
    bool may_open =
        b->kind == BLOCK_HEADING ? b->words >= STANDFIRST_WORDS : b->kind == BLOCK_TEXT && r->page->doc.nodes[b->node].tag == TAG_p;
    return may_open && !has_date(r->page, b);
}

/* Ends as a sentence does; a label may end in a colon. */
static bool is_short_sentence(const struct page *page, const struct block *b)
{
    char room[PHRASE_MAX + 1];
    struct buf text = buf_over(room, sizeof room);
    if (b->stops == 0) return false;
    page_block_text(page, b, &text);
    return text.len && strchr(".!?\"", (char)text.data[text.len - 1]);
}

/* A last paragraph in bold throughout: a call to the readers, not the text's own end. */
static bool is_call(const struct block *b)
{
    return b->kind == BLOCK_TEXT && b->all_bold && b->words <= PHRASE_WORDS;
}

/* A short last sentence: a paragraph right after one of the text's. */
static bool is_last_line(const struct page *page, const struct block *b)
{
    const struct node *nodes = page->doc.nodes;
    return b->kind == BLOCK_TEXT && nodes[b->node].tag == TAG_p && b[-1].is_prose && nodes[b[-1].node].tag == TAG_p &&
           nodes[b[-1].node].parent == nodes[b->node].parent && is_short_sentence(page, b);
}

/* A byline with its date may stand between the standfirst and the text, too. first: the standfirst. */
static void drop_dateline(const struct region *r, uint32_t first)
{
    uint32_t i = next_kept(r, first + 1);
    for (int n = 0; i < r->to && n < DATELINE_BLOCKS && !r->page->blocks[i].is_prose; i = next_kept(r, i + 1), n++)
        if (r->page->blocks[i].kind == BLOCK_TEXT && has_date(r->page, &r->page->blocks[i])) r->page->blocks[i].mark = MARK_BEFORE;
}

/* Byline, place and time stand before the first sentences; what follows the last ones is tags and promotion. */
static void trim_ends(const struct region *r)
{
    uint32_t i = next_kept(r, r->from);
    bool opened = false;
    for (int n = 0; i < r->to && n < HEAD_BLOCKS && !r->page->blocks[i].is_prose; i = next_kept(r, i + 1), n++) {
        if (is_opening(r, i))
            opened = true;
        else if (!opened || r->page->blocks[i].kind != BLOCK_HEADING)
            r->page->blocks[i].mark = MARK_BEFORE;
    }
    drop_dateline(r, i);
    for (uint32_t k = r->to; k > i; k--) {
        struct block *b = &r->page->blocks[k - 1];
        if (b->mark) continue;
        if (is_call(b)) {
            b->mark = MARK_AFTER;
            continue;
        }
        if (b->is_prose || b->kind == BLOCK_ITEM || b->kind == BLOCK_CELL || b->words >= LABEL_WORDS) break;
        if (k > r->from + 1 && is_last_line(r->page, b)) break;
        b->mark = MARK_AFTER;
    }
}

/* A heading whose section was filtered away says nothing. */
static void drop_empty_headings(const struct region *r)
{
    bool text_follows = false;
    for (uint32_t i = r->to; i > r->from; i--) {
        struct block *b = &r->page->blocks[i - 1];
        if (b->mark) continue;
        if (b->kind != BLOCK_HEADING)
            text_follows = true;
        else if (!text_follows)
            b->mark = MARK_EMPTY_HEADING;
    }
}

/* "More on this", in whatever language: a short line that goes with the links that follow it. */
static void drop_labels(const struct region *r)
{
    for (uint32_t i = r->to; i-- > r->from;) {
        struct block *b = &r->page->blocks[i];
        if (b->mark || b->words >= LABEL_WORDS || b->is_prose) continue;
        uint32_t next = i + 1;
        while (next < r->to && r->page->blocks[next].mark == MARK_CAPTION) next++; /* of a teaser's picture */
        if (next == r->to || !is_elsewhere(&r->page->blocks[next])) continue;
        if (b->kind == BLOCK_HEADING || (b->kind == BLOCK_TEXT && !is_short_sentence(r->page, b))) b->mark = MARK_RELATED;
    }
}

static bool is_stock(const struct page *page, const struct block *b)
{
    char room[PHRASE_MAX + 1];
    struct buf text = buf_over(room, sizeof room);
    page_block_text(page, b, &text);
    return phrase_is_stock(span_of(buf_str(&text), text.len));
}

/* Text about another page, cut short, with a link "Read more" at its end. */
static bool is_cut_short(const struct page *page, const struct block *b)
{
    const struct node *nodes = page->doc.nodes;
    if (b->link_chars == 0 || b->link_chars * 3 > b->chars) return false;
    struct span last = span_of(NULL, 0);
    uint32_t i = b->end;
    while (i > b->first && last.n == 0) last = nodes[--i].tag == TAG_TEXT ? span_trim(doc_text(&page->doc, i)) : last;
    if (last.n == 0 || last.n > MORE_LINK_BYTES) return false;
    for (int up = 0; up < MORE_LINK_DEPTH && i != NODE_NONE && i != b->node && nodes[i].tag != TAG_a; up++) i = nodes[i].parent;
    return i != NODE_NONE && nodes[i].tag == TAG_a && phrase_is_stock(last);
}

/* Of a text's beginning, for comparing it with others; never 0. */
static uint64_t text_hash(const struct page *page, const struct block *b)
{
    char room[PHRASE_MAX + 1];
    struct buf text = buf_over(room, sizeof room);
    page_block_text(page, b, &text);
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < text.len; i++) h = (h ^ (unsigned char)text.data[i]) * 1099511628211u;
    return h | 1;
}

/* What equal texts have in common; most others differ in it. */
static uint64_t counts_of(const struct block *b)
{
    return (uint64_t)b->chars << 32 | (b->words & UINT16_MAX) << 16 | b->commas;
}

/* The blocks last kept: the place of one is its number modulo their number. */
struct kept {
    uint64_t counts[REPEAT_BLOCKS], hashes[REPEAT_BLOCKS]; /* a hash is 0 while nobody has asked */
    uint32_t blocks[REPEAT_BLOCKS];
    size_t count;
};

/* Has one of them this text? Sets its hash if it was needed. */
static bool is_repeated(struct kept *kept, const struct page *page, uint32_t block, uint64_t counts, uint64_t *hash_r)
{
    size_t last = kept->count < REPEAT_BLOCKS ? kept->count : REPEAT_BLOCKS, k = 0;
    while (k < last && kept->counts[k] != counts) k++;
    if (k == last) return false;
    uint64_t hash = *hash_r = text_hash(page, &page->blocks[block]);
    for (; k < last; k++) {
        if (!kept->hashes[k] && kept->counts[k] == counts) kept->hashes[k] = text_hash(page, &page->blocks[kept->blocks[k]]);
        if (kept->hashes[k] == hash && kept->counts[k] == counts && block - kept->blocks[k] <= REPEAT_BLOCKS) return true;
    }
    return false;
}

/* A summary that stands above the byline and below it, a quotation that is shown large. */
static void drop_repeated(const struct region *r)
{
    struct kept kept;
    kept.count = 0;
    for (uint32_t i = r->from; i < r->to; i++) {
        struct block *b = &r->page->blocks[i];
        if (b->mark || b->words < REPEAT_WORDS) continue;
        uint64_t counts = counts_of(b), hash = 0;
        if (b->kind == BLOCK_TEXT && b->is_prose && is_repeated(&kept, r->page, i, counts, &hash)) {
            b->mark = MARK_REPEATED;
            continue;
        }
        size_t place = kept.count++ % REPEAT_BLOCKS;
        kept.counts[place] = counts, kept.hashes[place] = hash, kept.blocks[place] = i;
    }
}

/* A heading that is the page's title, or an <h1> above the text in whatever words. */
static bool is_headline(const struct page *page, const struct block *b)
{
    return b->kind == BLOCK_HEADING && (page->doc.nodes[b->node].tag == TAG_h1 || is_title(page, b));
}

/* The standfirst often stands with the headline, outside of the element with the text. */
static void include_lead(struct page *page)
{
    uint32_t i = page->from, stop = i > LEAD_BLOCKS ? i - LEAD_BLOCKS : 0;
    while (i > stop && !is_headline(page, &page->blocks[i - 1])) i--;
    if (i == stop || page->from == page->to) return;
    for (uint32_t k = i; k < page->from; k++) {
        const struct block *b = &page->blocks[k];
        if (b->mark == MARK_NONE && b->is_prose && b->words >= LEAD_WORDS) {
            page->from = i;
            return;
        }
    }
}

/* Sections of a wiki's article that list other pages; the words are those its editors agree on. */
static bool is_wiki_appendix(const struct page *page, const struct block *b)
{
    static const char *const names[] = {
        "See also",      "External links",  "References",       "Further reading", "Siehe auch",
        "Weblinks",      "Einzelnachweise", "Voir aussi",       "Liens externes",  "Références",
        "Véase también", "Referencias",     "Enlaces externos", "Voci correlate",  "Collegamenti esterni",
        "См. также",     "Примечания",      "Ссылки",           "Zobacz też",      "Zie ook",
    };
    char room[PHRASE_MAX + 1];
    struct buf text = buf_over(room, sizeof room);
    page_block_text(page, b, &text);
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++) found = span_is(span_of(buf_str(&text), text.len), names[i]);
    return found;
}

static int heading_level(const struct page *page, const struct block *b)
{
    uint8_t tag = page->doc.nodes[b->node].tag;
    return tag >= TAG_h1 && tag <= TAG_h6 ? tag - TAG_h1 : TAG_h6 - TAG_h1;
}

/* On a wiki no byline stands before the text and no promotion behind it, but declarations and tables do; and in tables of a manual
 * a cell that is a link is a name, not navigation; so is what editors wrote as a paragraph. */
static void filter_wiki(const struct region *r)
{
    int appendix = -1; /* level of the heading whose section is left out */
    for (uint32_t i = r->from; i < r->to; i++) {
        struct block *b = &r->page->blocks[i];
        if (b->mark) continue;
        if (b->kind == BLOCK_HEADING && (appendix < 0 || heading_level(r->page, b) <= appendix))
            appendix = is_wiki_appendix(r->page, b) ? heading_level(r->page, b) : -1;
        if (appendix >= 0)
            b->mark = MARK_RELATED;
        else if (b->kind != BLOCK_CELL && b->kind != BLOCK_HEADING && b->is_linky && r->page->doc.nodes[b->node].tag != TAG_p)
            b->mark = MARK_LINKS;
    }
}

void filter_blocks(struct page *page)
{
    if (page_is_wiki(page)) {
        struct region all = {.page = page, .from = page->from, .to = page->to, .title = page->from};
        mark_range(page, 0, all.from, MARK_OUTSIDE);
        mark_range(page, all.to, (uint32_t)page->block_count, MARK_OUTSIDE);
        filter_wiki(&all);
        drop_empty_headings(&all);
        return;
    }
    include_lead(page);
    struct region r = {.page = page, .from = page->from, .to = page->to, .title = page->from};
    mark_range(page, 0, r.from, MARK_OUTSIDE);
    mark_range(page, r.to, (uint32_t)page->block_count, MARK_OUTSIDE);
    for (uint32_t i = r.from; i < r.to; i++) {
        struct block *b = &page->blocks[i];
        if (b->mark) continue;
        if (b->is_linky)
            b->mark = MARK_LINKS;
        else if (is_cut_short(page, b))
            b->mark = MARK_TEASER;
        else if (b->words <= PHRASE_WORDS && b->kind != BLOCK_CELL && b->kind != BLOCK_PRE && is_stock(page, b))
            b->mark = MARK_PHRASE;
    }
    drop_repeated(&r);
    cut_at_title(&r);
    cut_after_body(&r);
    cut_tail(&r);
    trim_ends(&r);
    drop_labels(&r);
    drop_empty_headings(&r);
}
