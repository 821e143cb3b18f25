/* The character entities of HTML 4. */
#ifndef GM_PARSER_EXTRACT_ENTITIES_H
#define GM_PARSER_EXTRACT_ENTITIES_H

#include <stddef.h>
#include <stdint.h>

/* The code point of a name (without & and ;), 0 for one that is not HTML 4's (section 24 of its specification) or XML's. */
uint32_t entity_code(const char *name, size_t n);

#endif
