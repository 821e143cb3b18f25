/* Language detection by CLD2, behind a C face. */
#ifndef GM_PARSER_LANGUAGE_H
#define GM_PARSER_LANGUAGE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The language of a text in UTF-8 as a BCP 47 tag ("de", "zh-Hant"), NULL if it cannot be told reliably. Static. */
const char *language_detect(const char *utf8, size_t n);

#ifdef __cplusplus
}
#endif

#endif
