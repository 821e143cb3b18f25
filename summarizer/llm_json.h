/* The chat completions API of OpenAI and those who speak it (DeepSeek, llama.cpp, Ollama, vLLM …): request and response
 * as JSON. The only file of the summarizer that knows cJSON, beside the command line's.
 * https://platform.openai.com/docs/api-reference/chat */
#ifndef GM_SUMMARIZER_LLM_JSON_H
#define GM_SUMMARIZER_LLM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* How a JSON object is asked for: what a server does not take is asked for less strictly. */
enum llm_json_form {
    LLM_FORM_TEXT,   /* not at all, or in the prompt alone */
    LLM_FORM_OBJECT, /* response_format json_object */
    LLM_FORM_SCHEMA  /* response_format json_schema, strict */
};

struct llm_json_request {
    const char *model;
    const char *system, *user; /* well-formed UTF-8 */
    int64_t max_tokens;
    double temperature;
    enum llm_json_form form;
    bool completion_tokens; /* newer models of OpenAI: max_completion_tokens instead of max_tokens */
    bool no_temperature;    /* and no choice of temperature */
};

/* Appends the request body. False if out's maximum would be exceeded. */
bool llm_json_request(struct buf *out, const struct llm_json_request *request);

struct llm_json_response {
    bool valid;                    /* a chat completion with a choice in it */
    char *content;                 /* never NULL if valid; owned: llm_json_release */
    bool refused;                  /* a refusal instead of an answer, or the content filter */
    bool cut_off;                  /* max_tokens were used up */
    int64_t tokens_in, tokens_out; /* 0 if not told */
    int64_t tokens_cached;         /* of tokens_in: from the provider's prompt cache */
    char id[100];                  /* of the answer, "" if none; printable ASCII, cut */
    char error[200];               /* the server's words about a failure, "" if none; made safe for a log */
    bool wants_completion_tokens, wants_no_temperature, wants_no_format; /* what the failure asks for */
};

/* The answer to LLM_JSON as our own JSON, {"summary":…,"points":[…]}, whatever stands around the object; a text that is none becomes the
 * summary. Both fields are capped by out's maximum. False if there is nothing in it. */
bool llm_json_summary(struct buf *out, const char *content);

/* Reads any body, also garbage. */
void llm_json_response(const char *body, size_t n, struct llm_json_response *response_r);
void llm_json_release(struct llm_json_response *response);

#endif
