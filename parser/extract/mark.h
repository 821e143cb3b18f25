/* Marks what is no article text by where it stands: navigation, comments, forms, side columns. */
#ifndef GM_PARSER_EXTRACT_MARK_H
#define GM_PARSER_EXTRACT_MARK_H

#include "parser/extract/page.h"

/* Marks elements (drop) and the blocks below them. An element that holds most of the page's prose is never marked for its
 * name alone. */
void mark_page(struct page *page);

/* True for a block that reads like running text: sentences, not labels. */
bool mark_is_prose(const struct block *block);
/* True for a block that is mostly links. */
bool mark_is_linky(const struct block *block);

#endif
