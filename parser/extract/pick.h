/* Which part of the page is the article, and which blocks of that part belong to it. */
#ifndef GM_PARSER_EXTRACT_PICK_H
#define GM_PARSER_EXTRACT_PICK_H

#include "parser/extract/page.h"

/* Gives every block its value and sets picked to the element whose blocks are worth most. */
void pick_article(struct page *page);

#endif
