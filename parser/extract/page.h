/* A page while it is being worked on: the document, its blocks of text, and what became of each. */
#ifndef GM_PARSER_EXTRACT_PAGE_H
#define GM_PARSER_EXTRACT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "parser/extract/doc.h"

/* Why something is left out. Texts for --explain in page.c. */
/* clang-format off */
#define MARK_LIST(X) \
    X(NONE, "kept") X(HIDDEN, "hidden") X(COMMENT, "comments") X(AD, "advertisement") X(NAV, "navigation") \
    X(SHARE, "share buttons") X(RELATED, "related pages") X(FORM, "form") X(SIDE, "side column") X(FOOT, "footer") \
    X(META, "byline, date or tags") X(CAPTION, "caption") X(TOC, "table of contents") X(EDIT, "edit tool") \
    X(TEASER, "one of a list of teasers") X(OUTSIDE, "outside the article") X(LINKS, "mostly links") \
    X(TITLE, "the title") X(BEFORE, "before the text") X(AFTER, "after the text") X(PHRASE, "stock phrase") \
    X(EMPTY_HEADING, "heading without text") X(REPEATED, "a repetition")
/* clang-format on */

enum mark {
#define X(name, text) MARK_##name,
    MARK_LIST(X)
#undef X
        MARK_COUNT
};
const char *mark_text(enum mark mark);

enum block_kind { BLOCK_TEXT, BLOCK_HEADING, BLOCK_ITEM, BLOCK_CELL, BLOCK_PRE, BLOCK_TERM, BLOCK_QUOTE };

/* A run of text between two block boundaries. */
struct block {
    uint32_t node;       /* the block-level element it stands in */
    uint32_t first, end; /* its nodes: from its first text to before end */
    uint32_t chars;      /* letters, digits and signs; white space not counted */
    uint32_t link_chars; /* of them, inside links */
    uint32_t words;      /* an ideograph counts half */
    uint16_t stops;      /* sentence ends; UINT16_MAX for so many or more, and so for commas */
    uint16_t commas;
    uint8_t kind;      /* enum block_kind */
    uint8_t mark;      /* enum mark */
    bool all_bold : 1; /* nothing but bold text: perhaps a heading */
    bool is_prose : 1; /* reads like running text: sentences, not labels */
    bool is_linky : 1; /* mostly links */
    float value;       /* how much it looks like article text; negative: it does not */
};

/* A link of several words: to an article, perhaps. */
static inline bool block_is_title(const struct block *b)
{
    return b->is_linky && b->words >= 3;
}

/* What the blocks before one sum up to. */
struct sums {
    uint32_t prose;        /* characters of prose */
    uint32_t prose_blocks; /* blocks of prose */
    uint32_t titles;       /* characters in blocks that are links of several words */
    uint32_t links;        /* characters of links */
};

/* A block-level element with text: what marking and choosing look at. */
struct box {
    uint32_t node;
    uint32_t next; /* index of the first box behind its descendants */
};

struct page {
    struct doc doc;
    struct block *blocks;
    size_t block_count;
    uint32_t *words;      /* for each attribute; that of an element's first one is what all of them say */
    uint32_t *block_at;   /* for each node (and one more): the number of blocks that begin before it */
    struct sums *sums;    /* for each block, and one more; NULL until mark.c needs them. Marks change nothing about them */
    uint32_t titles;      /* characters in blocks that are links of several words */
    uint32_t prose_words; /* in all blocks of prose */
    struct box *boxes;    /* the block-level elements that hold a block, in document order */
    size_t box_count;
    uint32_t wiki;     /* MediaWiki's content element, NODE_NONE if the page is not of one */
    uint32_t picked;   /* node that holds the article, NODE_NONE if there is none */
    uint32_t from, to; /* the blocks of it that are the article's region: [from, to) */
    bool is_marked;
    int trust;        /* enum mark_trust of the last marking */
    struct buf title; /* the headline, as the metadata say */
};

void page_init(struct page *page);
void page_release(struct page *page);

/* A MediaWiki page: the software says which element is the article, and everything in it but its own tools is. */
static inline bool page_is_wiki(const struct page *page)
{
    return page->wiki != NODE_NONE && page->picked == page->wiki;
}

/* What the names and roles of an element say, see words.h. */
static inline uint32_t page_words(const struct page *page, const struct node *element)
{
    return element->n ? page->words[element->at] : 0;
}

/* The blocks below (and of) a node: [*from_r, *to_r). */
static inline void page_blocks(const struct page *page, uint32_t node, uint32_t *from_r, uint32_t *to_r)
{
    *from_r = page->block_at[node];
    *to_r = page->block_at[page->doc.nodes[node].end];
}

/* Appends a block's text, white space collapsed, as much of it as fits out's maximum. */
void page_block_text(const struct page *page, const struct block *block, struct buf *out);

#endif
