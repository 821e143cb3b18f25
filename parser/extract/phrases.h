/* Stock phrases: lines of a few words that sites put into articles and that are never part of them. */
#ifndef GM_PARSER_EXTRACT_PHRASES_H
#define GM_PARSER_EXTRACT_PHRASES_H

#include <stdbool.h>

#include "parser/extract/doc.h"

#define PHRASE_MAX   400 /* bytes looked at */
#define PHRASE_WORDS 25  /* longer blocks are not asked about */

/* text: one block, white space collapsed. */
bool phrase_is_stock(struct span text);

#endif
