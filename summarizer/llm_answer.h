/* Is what the model wrote a summary? */
#ifndef GM_SUMMARIZER_LLM_ANSWER_H
#define GM_SUMMARIZER_LLM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum llm_answer_fault {
    LLM_ANSWER_GOOD,
    LLM_ANSWER_EMPTY,
    LLM_ANSWER_LONG,   /* far more words than asked for */
    LLM_ANSWER_BROKEN, /* cut off by the token limit before a sentence was complete */
    LLM_ANSWER_REFUSAL /* nothing but a refusal */
};

/* Cleans an answer (well-formed UTF-8) into out: the thinking some models write first, a code fence around the whole and
 * control characters go, blanks around it too. cut_off: the token limit ended it; it is cut back to its last whole
 * sentence. words: how many were asked for; three times as many and 40 are the most. out is empty unless it is good. */
enum llm_answer_fault llm_answer_read(const char *answer, bool cut_off, int64_t words, struct buf *out);

#endif
