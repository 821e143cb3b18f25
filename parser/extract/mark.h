/* Marks what is no article text by where it stands: navigation, comments, forms, side columns. */
#ifndef GM_PARSER_EXTRACT_MARK_H
#define GM_PARSER_EXTRACT_MARK_H

#include "parser/extract/page.h"

/* How far names are believed. */
enum mark_trust {
    MARK_TRUST_NONE, /* only tags (nav, footer …) and lists of comments */
    MARK_TRUST_SOME, /* names of elements with little text */
    MARK_TRUST_FULL
};

/* Marks elements (drop) and the blocks below them, anew. An element that holds the headline and text, or most of the page's prose, is
 * never marked for its name alone. */
void mark_page(struct page *page, enum mark_trust trust);

#endif
