/* What a failure means. The one table that maps failures of the model to codes, retries and outages, and the one file
 * that ends deliveries of the summarizer. */
#ifndef GM_SUMMARIZER_SUMMARIZER_TROUBLE_H
#define GM_SUMMARIZER_SUMMARIZER_TROUBLE_H

#include <stdbool.h>

#include "line/codes.h"
#include "line/record.h"
#include "line/service.h"

/* What can go wrong between an article and a model's summary of it. */
enum llm_fault {
    LLM_FINE,
    LLM_UNREACHABLE, /* no connection */
    LLM_SLOW,        /* no answer in time */
    LLM_BROKEN,      /* the answer broke off */
    LLM_HTTP,        /* an HTTP status other than 200: see the status */
    LLM_TOO_LARGE,   /* an answer larger than any summary */
    LLM_NO_JSON,     /* a 200 that is no chat completion */
    LLM_EMPTY,
    LLM_TOO_LONG,
    LLM_CUT_OFF,
    LLM_REFUSAL,
    LLM_MARKUP,   /* a list, headings, a table, HTML or links, where a paragraph was asked for */
    LLM_LANGUAGE, /* another language than was asked for */
    LLM_RESTING,  /* failed too often just now: not asked */
    LLM_HELD,     /* not asked again: who keeps the books cannot */
    LLM_FAULT_COUNT
};

struct trouble {
    enum code code;   /* the record's `reason`; CODE_OK with LLM_FINE */
    bool again;       /* worth a second try for this article */
    bool outage;      /* speaks against the model as a service, not against the article */
    const char *text; /* a few words */
};

/* status counts with LLM_HTTP only. */
struct trouble summarizer_trouble(enum llm_fault fault, long status);

/* The delivery is no record that can be worked on (status is not RECORD_OK): it goes to the writer as bad, or back to the
 * broker if it is of a newer version. The job is dead afterwards. */
void summarizer_trouble_unreadable(struct service *service, struct job *job, const struct mq_delivery *delivery, enum record_status status,
                                   const char *why);
/* The article has its summary and was published: DONE, also if the engine asked for did not give it (record->reason).
 * The job is dead afterwards. */
void summarizer_trouble_done(struct service *service, struct job *job, const struct record *record);
/* The summary's record is too large for a message whatever is left out: REJECT. The job is dead afterwards. */
void summarizer_trouble_too_large(struct service *service, struct job *job, const struct record *record);
/* The broker has taken the delivery back: nothing is said. The job is dead afterwards. */
void summarizer_trouble_void(struct service *service, struct job *job);

#endif
