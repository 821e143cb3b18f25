/* The clock of each host: when it may be asked again, by what came of the tickets (law 8 of docs/ARCHITECTURE.md), and whose
 * fault a failure is: the page's, the host's, or our own network's (law 9).
 *
 *   answered   any HTTP answer but those below. Pause: the delay; where there is one, at least HOST_DELAY_FACTOR times
 *              what the answer took, CRAWL_DELAY_MAX at most.
 *   troubled   5xx, an answer that broke off or did not come. The page's fault first (it is tried ATTEMPTS times); from the
 *              third in a row the host pauses.
 *   limited    429, 503 with Retry-After (RFC 6585, RFC 9110 section 10.2.3): the host pauses so long, and from the first on
 *              with backoff. Costs the page no attempt.
 *   unreached  no name, no connection. The host pauses with backoff. Costs the page an attempt only if the host never
 *              answered, and nothing says that our own network is down, nor the fetcher that our resolver is.
 *
 * Backoff: RETRY_BACKOFF doubling to HOST_BACKOFF_MAX. A host in vain for HOST_STALL gives up what waits for it: HOST_DOWN, or
 * RATE_LIMITED. Our network counts as down from the moment a host that answered before is not reached until anyone
 * answers; while it is, few tickets go out. */
#ifndef GM_WRITER_HOST_CLOCK_H
#define GM_WRITER_HOST_CLOCK_H

#include "writer/tx.h"
#include "writer/writer.h"

/* What this report says about its host. */
enum ticket_use host_clock_use(const struct record *r);

/* What it says about the pause, in ms: Retry-After, or the delay by a slow answer; 0: nothing. */
int64_t host_clock_pause_ms(const struct record *r);

/* Sets `excused` of all entries: the failure is not the page's. Notes for tx_write what they say about our network. After
 * tx_load. */
enum pg_status host_clock_excuse(struct tx *tx, struct entry **entries, size_t count);

/* Ends the tickets noted in tx and moves their hosts' clocks; part of tx_write. */
enum pg_status host_clock_write(struct tx *tx);

/* Every second: learns whether our network counts as down (all writers). */
enum pg_status host_clock_look(struct writer *w);

/* Every second, by the leader: gives up hosts that were tried in vain for HOST_STALL. */
enum pg_status host_clock_sweep(struct writer *w);

#endif
