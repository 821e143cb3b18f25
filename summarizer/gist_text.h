/* From a page's plain text to its sentences: blocks, hard-wrapped lines, ICU's sentence rules (UAX 29) corrected by
 * abbreviations, and which of the sentences may stand in a summary. */
#ifndef GM_SUMMARIZER_GIST_TEXT_H
#define GM_SUMMARIZER_GIST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "summarizer/gist_lang.h"
#include "summarizer/gist_shape.h"

#define GIST_SENTENCES_READ 4096u /* sentences of a text that are looked at */

struct gist_sentence {
    uint32_t start, end; /* bytes of clean, without blanks around */
    uint32_t block;      /* index of its block */
    bool fit;            /* running prose with an end: may be picked. Code, tables, list items, captions, headings may not */
};

struct gist_block {
    uint32_t start, end; /* bytes of clean */
    bool prose;          /* false: a list item, code, a table, a caption */
};

/* Reused from text to text; released by gist_text_release. */
struct gist_text {
    struct buf clean; /* the text with blanks collapsed; a newline ends a line for good */
    struct gist_block *blocks;
    size_t block_count, block_cap;
    struct gist_sentence *items;
    size_t count, cap;
    UChar *units;      /* clean in UTF-16, for ICU … */
    uint32_t *offsets; /* … and where each unit begins in clean */
    size_t units_cap, offsets_cap;
    struct gist_shape shape;
    size_t fit_count; /* sentences that are fit */
    bool capped;      /* what exceeds LIMIT_TEXT or GIST_SENTENCES_READ was not looked at */
};

void gist_text_init(struct gist_text *t);
void gist_text_release(struct gist_text *t);
/* Splits n bytes of well-formed UTF-8; any earlier result is gone. markdown: the same article with its structure, which tells
 * what is a list, code, a table or a heading; NULL or "": only the text's own look does. */
void gist_text_split(struct gist_text *t, const struct gist_lang *lang, const char *text, size_t n, const char *markdown);

#endif
