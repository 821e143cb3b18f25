/* The words of an article as numbered terms: lower-cased, stemmed; stop words as they are, single letters dropped; runs of a script without blanks
 * (Chinese, Japanese, Thai …) as pairs of characters. */
#ifndef GM_SUMMARIZER_GIST_TERMS_H
#define GM_SUMMARIZER_GIST_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "summarizer/gist_lang.h"

struct gist_terms;

struct gist_terms *gist_terms_new(void);
void gist_terms_free(struct gist_terms **terms);
/* Forgets all terms and takes a language for the next ones. Borrows both. */
void gist_terms_reset(struct gist_terms *terms, const struct gist_langs *langs, const struct gist_lang *lang);
/* Numbers the terms of n bytes of well-formed UTF-8, in order, repeats included, appending to *ids (an array for
 * mem_grow, *count in use). Returns the number of words, stop words included; two characters without blanks count one. */
size_t gist_terms_add(struct gist_terms *terms, const char *text, size_t n, uint32_t **ids, size_t *count, size_t *cap);
/* True if the term is a stop word of the language. */
bool gist_terms_is_stop(const struct gist_terms *terms, uint32_t id);
/* Terms known so far; ids are below this. */
size_t gist_terms_count(const struct gist_terms *terms);

#endif
