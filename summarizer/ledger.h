/* The model's books in PostgreSQL: who asks for which text (a row of `summary` without a text is a lease), and what each call was and
 * cost (`llm_call`). sql/008_leases.sql has the columns, docs/SUMMARIES.md the rules.
 *
 * Calls block for LEDGER_MS at most. Where one says that the database is away, nothing was written, or it is not known; ledger_tick
 * connects again. */
#ifndef GM_SUMMARIZER_LEDGER_H
#define GM_SUMMARIZER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "line/codes.h"
#include "summarizer/llm.h"

#define LEDGER_MS 5000 /* patience with one statement; what is asked meanwhile waits */

struct ledger;

struct ledger_config {
    const char *url;      /* DATABASE_URL */
    const char *model;    /* borrowed */
    struct digest recipe; /* of the summaries that are bought */
    const char *endpoint;
    int64_t requests, tokens;                                 /* a minute, of all summarizers; 0: as many as it takes */
    int64_t day_tokens, day_price, crawl_tokens, crawl_price; /* budgets, prices in millionths; 0: none */
    int64_t lease_ms;                                         /* longer than any call, by more than a pause of the database */
};

/* A text somebody wants a summary of. */
struct ledger_text {
    struct digest hash;
    int64_t crawl, page;
    const char *text, *markdown; /* markdown may be NULL; borrowed */
    bool again;                  /* a person asked for it: it is bought though its crawl was cancelled */
    int64_t tokens, price;       /* that a call for it may take at most: reserved before, settled after */
};

enum ledger_found {
    LEDGER_OURS,      /* the lease is ours: ask */
    LEDGER_STORED,    /* there is a summary */
    LEDGER_FAILED,    /* the model was asked before, and gave nothing of use */
    LEDGER_FOREIGN,   /* another process asks just now */
    LEDGER_CANCELLED, /* its crawl is cancelled: nothing is bought for it */
    LEDGER_LATER,     /* not now: so many a minute, or its server asked for a pause */
    LEDGER_BUDGET,    /* a budget does not allow it */
    LEDGER_AWAY       /* the database is */
};

struct ledger_answer {
    int64_t call;     /* LEDGER_OURS: row of llm_call */
    char *text;       /* LEDGER_STORED; owned: ledger_answer_release */
    enum code reason; /* LEDGER_FAILED */
    char *detail;     /* of the reason, or what is to be said of the summary; NULL or "": nothing; owned */
};
void ledger_answer_release(struct ledger_answer *answer);

/* Copies the strings but the model's. Connects on the first tick. */
struct ledger *ledger_new(const struct ledger_config *config);
void ledger_free(struct ledger **ledger);
/* Every second, and once before anything else: connects if that is due, else keeps the session alive. */
void ledger_tick(struct ledger *l);
bool ledger_up(const struct ledger *l);

/* Looks for a summary, and takes the lease if there is neither one nor a live lease. The article is kept with it. The intended call is
 * noted. */
enum ledger_found ledger_lease(struct ledger *l, const struct ledger_text *text, struct ledger_answer *answer_r);
/* Notes a further call for a text (NULL: a probe, which no budget stops): LEDGER_OURS, LEDGER_LATER,
 * LEDGER_BUDGET or LEDGER_AWAY. */
enum ledger_found ledger_intend(struct ledger *l, const struct ledger_text *text, int number, int64_t *call_r);
/* The server asked for a pause: nobody asks for so long. */
bool ledger_pause(struct ledger *l, int64_t ms);
/* Before the request goes out. */
bool ledger_sent(struct ledger *l, int64_t call);
/* What came back. price: millionths. settles: it is known what it used; else what was reserved counts as spent. */
bool ledger_received(struct ledger *l, int64_t call, const struct llm_facts *facts, int64_t price, bool settles);

/* Each of these ends the lease: with the summary, in the same statement; with the reason why there will be none; with nothing, so that
 * the next one asks. False: the database is away, say it again later. */
struct ledger_summary {
    const char *text, *detail; /* detail: what is to be said of it, "" for nothing */
    int64_t tokens_in, tokens_out;
};
bool ledger_store(struct ledger *l, const struct digest *hash, const struct ledger_summary *summary);
bool ledger_fail(struct ledger *l, const struct digest *hash, enum code reason, const char *detail);
bool ledger_drop(struct ledger *l, const struct digest *hash);

#endif
