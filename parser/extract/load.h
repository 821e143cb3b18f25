/* HTML bytes to a flat document, by libxml2's HTML parser in SAX form. The only file that knows libxml2.
 *
 * Linear in the size of the page and without recursion: see trim.h for what is done about the parts of libxml2 that are not. */
#ifndef GM_PARSER_EXTRACT_LOAD_H
#define GM_PARSER_EXTRACT_LOAD_H

#include <stddef.h>

#include "parser/extract/doc.h"

/* Readies libxml2; once a process, before the cage closes. */
void load_init(void);
/* Fills an initialised document from well-formed UTF-8 without U+0000. Never fails: a page without any markup is a
 * document of one text. */
void load_html(struct doc *d, const char *utf8, size_t n);

#endif
