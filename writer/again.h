/* A new run of a crawl: all pages it knows are registered again, in batches, so that a crawl of millions holds nobody up. While that
 * goes on, crawl.again_after says how far it is, and the crawl cannot complete. */
#ifndef GM_WRITER_AGAIN_H
#define GM_WRITER_AGAIN_H

#include "writer/tx.h"

/* Starts a run of a crawl that is loaded and not running, and registers the first pages. A second call does nothing. */
enum pg_status again_start(struct tx *tx, struct crawl_row *crawl);
/* The leading writer, every second: goes on where runs have pages to register. */
enum pg_status again_sweep(struct writer *w);

#endif
