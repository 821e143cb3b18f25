/* The word lists behind gist_lang.h: data only. Lists are blank-separated, lower case. */
#ifndef GM_SUMMARIZER_GIST_TABLES_H
#define GM_SUMMARIZER_GIST_TABLES_H

#include <stdbool.h>

struct gist_table {
    const char *code;     /* ISO 639-1 */
    const char *stemmer;  /* libstemmer's name; "" none, "6" the first six letters */
    bool ordinals;        /* a full stop after a small number makes an ordinal */
    const char *stops;    /* words that carry no meaning of their own */
    const char *abbrs;    /* words whose full stop does not end a sentence; with a + behind: mostly not */
    const char *numbered; /* the same, but only before a digit */
};

extern const struct gist_table gist_tables[];
extern const int gist_table_count;
/* Abbreviations of all languages: titles and the like. */
extern const char gist_common_abbrs[];
extern const char gist_common_numbered[];

#endif
