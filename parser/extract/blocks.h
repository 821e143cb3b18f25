/* Cuts the page's text into blocks and measures each. */
#ifndef GM_PARSER_EXTRACT_BLOCKS_H
#define GM_PARSER_EXTRACT_BLOCKS_H

#include "parser/extract/page.h"

/* Sets blocks and block_at of a page whose document is loaded. Looks the words of every element up first and drops
 * inline pieces that are no text (hidden, reference marks, edit tools). */
void blocks_cut(struct page *page);

#endif
