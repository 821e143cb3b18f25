/* What the extractive engine knows of languages: sentence boundary rules, stemmers, stop words, abbreviations.
 *
 * Opening an ICU break iterator or a stemmer costs more than summarising a page with it, so both live as long as the
 * set. One set serves one thread. */
#ifndef GM_SUMMARIZER_GIST_LANG_H
#define GM_SUMMARIZER_GIST_LANG_H

#include <stdbool.h>
#include <stddef.h>
#include <unicode/ubrk.h>

struct gist_langs;
struct sb_stemmer;

/* How words are brought together where libstemmer has nothing for a language. */
enum gist_stemming {
    GIST_STEM_SNOWBALL, /* libstemmer */
    GIST_STEM_PREFIX,   /* the first six letters: crude, but sound for languages that inflect by endings */
    GIST_STEM_NONE
};

struct gist_lang {
    const char *code; /* ISO 639-1; "" for a language that is not known */
    enum gist_stemming stemming;
    bool ordinals;              /* "3." is an ordinal: "am 3. Oktober" is no sentence end */
    struct sb_stemmer *stemmer; /* NULL unless GIST_STEM_SNOWBALL */
    UBreakIterator *breaks;     /* by sentences */
    const struct gist_langs *set;
    int index; /* bit in the masks of its tables */
};

struct gist_langs *gist_langs_new(void);
void gist_langs_free(struct gist_langs **langs);
/* The entry for a BCP 47 tag ("de", "de-AT", "zh-Hant"; case does not matter). Never NULL: what is not known, NULL and ""
 * give the general rules. Borrowed from the set. */
struct gist_lang *gist_langs_find(struct gist_langs *langs, const char *tag);
/* Guesses the language of n bytes of well-formed UTF-8 from its script and its stop words. Never NULL. */
struct gist_lang *gist_langs_guess(struct gist_langs *langs, const char *text, size_t n);

/* True if the lower-case word carries no meaning of its own in this language. */
bool gist_lang_is_stop(const struct gist_langs *langs, const struct gist_lang *lang, const char *word, size_t n);
/* What a full stop after this word (as in the text, without the full stop) means. */
enum gist_dot {
    GIST_DOT_ENDS,  /* may end a sentence */
    GIST_DOT_ABBR,  /* belongs to an abbreviation that goes on ("Dr.") */
    GIST_DOT_MAY,   /* belongs to one that also ends sentences ("p.m."): it does if a stop word with a capital follows */
    GIST_DOT_NUMBER /* goes on if a digit follows ("No. 5") */
};
enum gist_dot gist_lang_dot(const struct gist_lang *lang, const char *word, size_t n);
/* True if the first word of n bytes is a stop word, capitals aside. */
bool gist_lang_starts_with_stop(const struct gist_lang *lang, const char *s, size_t n);

#endif
