/* The chat completions API of OpenAI and those who speak it (DeepSeek, llama.cpp, Ollama, vLLM …): request and response
 * as JSON. The only file of the summarizer that knows cJSON, beside the command line's.
 * https://platform.openai.com/docs/api-reference/chat */
#ifndef GM_SUMMARIZER_LLM_JSON_H
#define GM_SUMMARIZER_LLM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct llm_json_request {
    const char *model;
    const char *system, *user; /* well-formed UTF-8 */
    int64_t max_tokens;
    double temperature;
    bool completion_tokens; /* newer models of OpenAI: max_completion_tokens instead of max_tokens */
    bool no_temperature;    /* and no choice of temperature */
};

/* Appends the request body. False if out's maximum would be exceeded. */
bool llm_json_request(struct buf *out, const struct llm_json_request *request);

struct llm_json_response {
    bool valid;                                         /* a chat completion with a choice in it */
    char *content;                                      /* never NULL if valid; owned: llm_json_release */
    bool refused;                                       /* a refusal instead of an answer, or the content filter */
    bool cut_off;                                       /* max_tokens were used up */
    int64_t tokens_in, tokens_out;                      /* 0 if not told */
    char error[200];                                    /* the server's words about a failure, "" if none; made safe for a log */
    bool wants_completion_tokens, wants_no_temperature; /* what the failure asks for */
};

/* Reads any body, also garbage. */
void llm_json_response(const char *body, size_t n, struct llm_json_response *response_r);
void llm_json_release(struct llm_json_response *response);

#endif
