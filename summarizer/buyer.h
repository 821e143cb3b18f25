/* Buying summaries of the model, no text twice: the lease comes before the call, the answer is stored before it is told
 * (docs/SUMMARIES.md, "Not twice").
 *
 * A purchase is independent of who waits for it: if the broker takes a delivery back, the call goes on and its answer is stored.
 * Several deliveries of one text wait for one call.
 *
 * An outage of the model or of the database ends no article: buyer_down tells of it, the deliveries are to be handed back. Meanwhile
 * the buyer tries the database, and the model with a small text of its own. */
#ifndef GM_SUMMARIZER_BUYER_H
#define GM_SUMMARIZER_BUYER_H

#include <stdbool.h>
#include <stdint.h>

#include "summarizer/ledger.h"
#include "summarizer/llm.h"

#define BUYER_REFUSALS 5 /* different texts in a row that the model gave nothing for: it is not the texts */
#define BUYER_STRIKES  3 /* a text whose calls end like an outage so often, while a probe finds the model well, is extracted */

struct buyer;
struct buyer_wait;

struct buyer_config {
    struct llm *llm; /* borrowed */
    const char *recipe_hex, *model, *database_url;
    int64_t lease_ms;
    int64_t pause_max_ms;                     /* between two probes, at most */
    double price_in, price_cached, price_out; /* of a million tokens */
    const char *endpoint;
    int64_t minute_requests, minute_tokens; /* of all summarizers; 0: as many as it takes */
    int64_t day_tokens, crawl_tokens;       /* budgets; 0: none */
    double day_money, crawl_money;
    int64_t max_tokens, input_max; /* of an answer; characters of a question: for what a call may take */
};

struct buyer_order {
    struct ledger_text text;
    const char *title, *lang;
};

enum buyer_end {
    BUYER_SUMMARY, /* bought now, or stored before */
    BUYER_PENDING, /* another process is buying it */
    BUYER_EXTRACT  /* the model does not give it: see reason */
};
struct buyer_result {
    enum buyer_end end;
    const char *summary;           /* BUYER_SUMMARY; borrowed until the callback returns, as detail is */
    enum code reason;              /* BUYER_EXTRACT */
    const char *detail;            /* words, "" for none */
    int64_t tokens_in, tokens_out; /* of the calls made now */
};
typedef void buyer_done_fn(void *context, const struct buyer_result *result);

struct buyer *buyer_new(const struct buyer_config *config);
/* Drops the calls under way: a row of llm_call says so, the lease runs out. */
void buyer_free(struct buyer **buyer);
/* Every second. */
void buyer_tick(struct buyer *b);
/* Words if nothing can be bought now, else NULL. */
const char *buyer_down(const struct buyer *b);

/* The circuit, for people. Times are wall clock ms, 0: none. */
struct buyer_circuit {
    const char *name;  /* closed; open: nothing is asked; half-open: a small text of its own is */
    int64_t since;     /* that it opened, or closed again, or the start */
    const char *fault; /* the last one that opened it, "": none ever; borrowed */
    int64_t fault_at, probe_at;
};
struct buyer_circuit buyer_circuit(const struct buyer *b);

/* Asks for a summary; what the order points to must live until done has run, or buyer_leave. done runs at once (then NULL comes back) or later from the loop, or, in an
 * outage, never: what comes back is good for buyer_leave until done has run. */
struct buyer_wait *buyer_ask(struct buyer *b, const struct buyer_order *order, buyer_done_fn *done, void *context);
/* Waits no longer. The purchase goes on. */
void buyer_leave(struct buyer_wait *wait);

size_t buyer_asking(const struct buyer *b); /* calls under way */
bool buyer_busy(const struct buyer *b);     /* one of them is for a text: it is being paid for */
bool buyer_queues(const struct buyer *b);   /* somebody waits for his turn: so many a minute */

#endif
