/* Is what the model wrote a summary? */
#ifndef GM_SUMMARIZER_LLM_ANSWER_H
#define GM_SUMMARIZER_LLM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "summarizer/gist_lang.h"
#include "summarizer/llm_prompt.h"

enum llm_answer_fault {
    LLM_ANSWER_GOOD,
    LLM_ANSWER_EMPTY,
    LLM_ANSWER_LONG,    /* far more words than asked for */
    LLM_ANSWER_BROKEN,  /* cut off by the token limit before a sentence was complete */
    LLM_ANSWER_REFUSAL, /* nothing but a refusal */
    LLM_ANSWER_MARKUP   /* a list, headings, a table, HTML, links */
};

/* Cleans an answer (well-formed UTF-8) into out: the thinking some models write first, a code fence around the whole and
 * control characters go, blanks around it too. cut_off: the token limit ended it; it is cut back to its last whole
 * sentence. words: how many were asked for; three times as many and 40 are the most. style: lines of LLM_BULLETS get "- "; LLM_JSON that
 * is cut off is broken. out is empty unless it is good. */
enum llm_answer_fault llm_answer_read(const char *answer, bool cut_off, int64_t words, enum llm_style style, struct buf *out);

/* True if the answer is plainly in another language than `wanted`, a BCP 47 tag. False if either is not known, if the answer is short, or
 * if the two are too much alike to be told apart by stop words (Spanish and Portuguese, Russian and Ukrainian …). */
bool llm_answer_is_foreign(struct gist_langs *langs, const char *answer, const char *wanted);

#endif
