/* HTML to a flat document, in one pass, linear in the size of the page and without recursion.
 *
 * It reads HTML as libxml2 2.9's HTML parser does, whose trees all rules of this library were made on: HTML 4 with its optional tags, and
 * for what is no HTML the same repairs. That parser itself is not used because its time depends on what a page does wrong: each
 * error is formatted, each end tag may walk all open elements, each attribute is compared with all before it. */
#ifndef GM_PARSER_EXTRACT_LOAD_H
#define GM_PARSER_EXTRACT_LOAD_H

#include <stddef.h>

#include "parser/extract/doc.h"

/* Fills an initialised document from well-formed UTF-8 without U+0000. Never fails: a page without any markup is a
 * document of one text. */
void load_html(struct doc *d, const char *utf8, size_t n);

#endif
