/* The model as an engine: one question an article to an OpenAI-compatible endpoint, many at once, never for longer than the
 * timeout, answers checked, one second try.
 *
 * After LLM_FAILURES_MAX failures of the service in a row the model rests: nothing is asked for the pause, then one article
 * probes whether it is back. So a model that is down costs a crawl seconds, not a timeout a page. */
#ifndef GM_SUMMARIZER_LLM_H
#define GM_SUMMARIZER_LLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "summarizer/llm_prompt.h"
#include "summarizer/summarizer_trouble.h"

#define LLM_FAILURES_MAX 5
#define LLM_ANSWER_BYTES (1u << 20) /* of a response; a summary with its JSON is a few KB */

struct ev_loop;
struct llm;
struct llm_call;

struct llm_config {
    const char *base_url; /* "http://127.0.0.1:11434", "https://api.example.com/v1/" … */
    const char *key;      /* "" for none */
    const char *model;
    int64_t timeout_ms; /* for all that is done for one article */
    int64_t pause_ms;   /* of the rest */
    int64_t max_tokens;
    double temperature;
    int64_t concurrency;
    struct llm_prompt_config prompt; /* its strings must live as long as the model */
};

/* What came of one request. */
struct llm_facts {
    enum llm_fault fault; /* as far as the transport and the API can tell */
    long status;          /* HTTP, 0 if there was none */
    const char *id;       /* the provider's name for it: x-request-id, else the answer's id; "" if none; borrowed */
    int64_t tokens_in, tokens_cached, tokens_out;
    int64_t ms;
    int64_t pause_ms; /* the server asks for it: Retry-After, or a rate limit that is used up; 0 if not */
};

/* Somebody who keeps books of requests, and minds outages instead of us: such questions do not count for llm_resting. */
struct llm_watch {
    /* A request is about to go out, try 1, 2, … False: it must not; the call then ends as LLM_HELD. Not called for the first one. */
    bool (*again)(void *context, int number);
    void (*received)(void *context, const struct llm_facts *facts);
};

struct llm_answer {
    enum llm_fault fault;
    long status;                   /* HTTP, 0 if there was none */
    const char *summary;           /* "" unless LLM_FINE; borrowed until the callback returns */
    const char *detail;            /* words: of the failure, or that the article was cut; "" for none; borrowed */
    int64_t tokens_in, tokens_out; /* of all calls made for the article */
};
typedef void llm_done_fn(void *context, const struct llm_answer *answer);

/* The address that is posted to: base without a path gets /v1/chat/completions, one with a path /chat/completions, one that
 * ends so stays. False if base is neither http nor https, has no host, or
 * holds blanks, a query, a fragment or credentials. */
bool llm_endpoint(const char *base, struct buf *out);
/* The identity of what this configuration makes: engine, model, prompt and parameters, for digest_hex. */
void llm_recipe(const struct llm_config *config, char hex_r[33]);

/* Copies what it needs, but for prompt's strings; borrows the loop. config->base_url must be good for llm_endpoint. */
struct llm *llm_new(struct ev_loop *loop, const struct llm_config *config);
/* Drops the calls under way without calling back. */
void llm_free(struct llm **llm);

/* True while the model rests: do not ask. False right after the pause for one caller, who must then ask (the probe). */
bool llm_resting(struct llm *llm);
/* Asks for a summary; the article is copied. done is called once, from the loop, never from here, within the timeout. */
struct llm_call *llm_ask(struct llm *llm, const struct llm_article *article, llm_done_fn *done, void *context);
/* The same, watched. */
struct llm_call *llm_ask_watched(struct llm *llm, const struct llm_article *article, const struct llm_watch *watch, llm_done_fn *done,
                                 void *context);
/* Drops a call without calling back. */
void llm_cancel(struct llm_call *call);

#endif
