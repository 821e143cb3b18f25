/* What is said to the model. The fixed part comes first, for providers' prompt caches; the page follows as data between
 * two marker lines that carry a digest of the page, so that no page can hold its own closing marker. */
#ifndef GM_SUMMARIZER_LLM_PROMPT_H
#define GM_SUMMARIZER_LLM_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The form of a summary. */
enum llm_style {
    LLM_PARAGRAPH,
    LLM_BULLETS, /* lines that begin with "- " */
    LLM_JSON     /* {"summary":…,"points":[…]} */
};

struct llm_prompt_config {
    enum llm_style style;
    int64_t words;        /* of the summary, at most */
    const char *language; /* "auto": the article's; else a BCP 47 tag or a language's English name */
    int64_t input_max;    /* characters of the article that are sent */
};

struct llm_article {
    const char *title; /* NULL or "": none */
    const char *lang;  /* BCP 47; NULL or "": not known */
    const char *text;  /* well-formed UTF-8 */
    size_t length;
};

struct llm_prompt_cut {
    size_t sent, whole; /* characters; equal if nothing was cut */
};

/* Appends the fixed part: the same for every article of a configuration. */
void llm_prompt_system(struct buf *out, const struct llm_prompt_config *config);
/* Appends the article's part. An article longer than input_max is cut there, at the last end of a block in the last fifth,
 * else of a line or at a blank: its beginning is sent, the rest is not, and the model is told so. */
void llm_prompt_user(struct buf *out, const struct llm_prompt_config *config, const struct llm_article *article,
                     struct llm_prompt_cut *cut_r);

#endif
