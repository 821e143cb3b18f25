/* Bounds on how many pages a crawl admits of one kind: of a host (per_host), of a calendar (GUARD_CALENDAR). The counts are rows of
 * `quota`, read and written under the lock of the crawl's row, so they are exact with any number of writers. */
#ifndef GM_WRITER_QUOTA_H
#define GM_WRITER_QUOTA_H

#include "writer/tx.h"

/* Drops the offers that would exceed a bound, and counts them as refused. Redirect targets come first, then the lesser depth, then
 * the order given. Offers: sorted, one a page, none of a page that is there already. */
enum pg_status quota_apply(struct tx *tx, struct offer *offers, size_t *count);

/* The bound that one more page would exceed; REFUSED_NOT: none. Counts nothing. */
enum pg_status quota_ask(struct tx *tx, struct offer *offer, enum refusal *refusal_r, char *why, size_t why_size);

/* Pages that redirect in this transaction give their count back, once in their life: the target counts in their place. Before
 * the offers are looked at. */
enum pg_status quota_free_moved(struct tx *tx);

#endif
