/* The last look at the blocks of the picked element: what stands in the article without being part of it. */
#ifndef GM_PARSER_EXTRACT_FILTER_H
#define GM_PARSER_EXTRACT_FILTER_H

#include "parser/extract/page.h"

/* Marks blocks outside of the picked element, link lists, the headline, bylines, stock phrases, teasers at the end. */
void filter_blocks(struct page *page);

#endif
