/* Both engines behind one question: the model if one is configured and well, else the extractive engine; the summary says
 * which it was, and why not the other. Never fails. */
#ifndef GM_SUMMARIZER_ENGINE_H
#define GM_SUMMARIZER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line/codes.h"

struct ev_loop;
struct engine;
struct engine_call;
struct llm;

struct engine_article {
    const char *title, *lang; /* NULL or "": not known */
    const char *text;         /* well-formed UTF-8 */
    const char *markdown;     /* of the same article; NULL or "": not known */
    size_t length;
};

struct engine_summary {
    const char *text;   /* empty only if the article is */
    const char *engine; /* "extractive", "llm" */
    const char *model;  /* NULL for the extractive engine */
    const char *recipe; /* digest_hex */
    const char *lang;   /* the language the extractive engine worked in, "" if unknown; NULL for the model */
    enum code reason;   /* CODE_OK, or why the model did not give it */
    const char *detail; /* words for people, well-formed UTF-8 within LIMIT_DETAIL; "" for none */
    int64_t tokens_in, tokens_out;
};
/* The summary lives until the callback returns. */
typedef void engine_done_fn(void *context, const struct engine_summary *summary);

/* By summarizer_settings. Borrows the loop. */
struct engine *engine_new(struct ev_loop *loop);
void engine_free(struct engine **engine);
/* True if asking would give a summary of this recipe (digest_hex; NULL: false) if all goes well: then the one that is stored is good. */
bool engine_would_use(const struct engine *engine, const char *recipe);
/* Asks for a summary. If no model is asked, done runs at once and NULL comes back; else done runs later from the loop,
 * within SUMMARY_TIMEOUT, and the call that comes back is good for engine_cancel until then. The article must live until done
 * has run. */
struct engine_call *engine_ask(struct engine *engine, const struct engine_article *article, engine_done_fn *done, void *context);
/* For who asks the model by itself (buyer.h): the model, NULL if none is configured; the recipe of its summaries; */
struct llm *engine_llm(const struct engine *engine);
const char *engine_llm_recipe(const struct engine *engine);
/* counts what it gave (llm: it was the model's summary); */
void engine_note(struct engine *engine, bool llm, int64_t tokens_in, int64_t tokens_out);
/* and extracts where it gives nothing. done runs at once. */
void engine_extract(struct engine *engine, const struct engine_article *article, enum code reason, const char *detail, engine_done_fn *done,
                    void *context);
/* Drops a call without calling back. */
void engine_cancel(struct engine_call *call);

/* Counters since the start, for metrics. */
struct engine_stats {
    uint64_t extractive, llm;       /* summaries by either */
    uint64_t fallbacks[CODE_COUNT]; /* extractive ones by reason, of a configured model */
    uint64_t tokens_in, tokens_out;
    size_t asking; /* questions under way */
    bool resting;
};
void engine_stats(const struct engine *engine, struct engine_stats *stats_r);

#endif
