/* The sitemaps that a robots.txt names (sitemaps.org protocol 0.9, "Specifying the Sitemap location"): pages at depth 0 of every crawl
 * that asks for them and has the host from its beginning (a row of crawl_host). No page of such a crawl is released on the
 * host before its sitemaps are admitted, so the crawl cannot end without them. */
#ifndef GM_WRITER_SITEMAPS_H
#define GM_WRITER_SITEMAPS_H

#include "writer/tx.h"
#include "writer/writer.h"

/* A host of a crawl whose sitemaps are still to be admitted. */
struct sitemaps_due {
    int64_t crawl_id, host_id;
};

/* Those of the crawls of a transaction; *due_r is to be freed. After tx_load. */
enum pg_status sitemaps_find(struct tx *tx, struct sitemaps_due **due_r, size_t *count_r);

/* Admits them, in a transaction of its own; nothing happens while the host's robots.txt is not known. */
enum pg_status sitemaps_admit(struct writer *w, const struct sitemaps_due *due);

#endif
