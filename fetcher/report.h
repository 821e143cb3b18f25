/* Reports to the writer, gathered: what happens within one turn of the loop travels in one message, a JSON array. */
#ifndef GM_FETCHER_REPORT_H
#define GM_FETCHER_REPORT_H

#include "line/mq.h"
#include "line/record.h"

struct report;

/* Called once for each record when the broker has confirmed the message that carries it. */
typedef void report_done_fn(void *context);

struct report *report_new(struct mq *mq, report_done_fn *done);
/* Forgets what is not confirmed. */
void report_free(struct report **report);
/* Adds a record (only read). */
void report_add(struct report *report, const struct record *record, void *context);
/* Once a turn, before the loop blocks: sends what was gathered, unless enough messages are still on their way: then it waits
 * for more, and for a confirm. */
void report_flush(struct report *report);

#endif
