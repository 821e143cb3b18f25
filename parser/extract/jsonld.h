/* Structured data in <script type="application/ld+json"> (schema.org). */
#ifndef GM_PARSER_EXTRACT_JSONLD_H
#define GM_PARSER_EXTRACT_JSONLD_H

#include "parser/extract/meta.h"

/* Offers what one script says of the page to meta. Text that is no JSON is ignored. */
void jsonld_read(struct meta *meta, struct span script);

#endif
