/* Bylines: "By Jane Doe | March 5, 2020" to the name alone. */
#ifndef GM_PARSER_EXTRACT_BYLINE_H
#define GM_PARSER_EXTRACT_BYLINE_H

#include "parser/extract/doc.h"

/* The part of s that is a name, or {NULL, 0} if there is none. */
struct span byline_clean(struct span s);

/* Does a string name a site ("example.org") rather than a person? */
bool byline_is_host(struct span s);

#endif
