/* Which links become pages: depth, scope, limit. */
#ifndef GM_WRITER_SCOPE_H
#define GM_WRITER_SCOPE_H

#include "writer/tx.h"

/* True if a host (with port, as in struct url) belongs to the crawl. */
bool scope_has(const struct crawl_row *crawl, const char *host);

/* Offers one URL found on a page, or counts why not. url need not be trusted. */
void scope_offer_link(struct tx *tx, struct crawl_row *crawl, int64_t parent_id, int64_t depth, const char *url);

/* Offers all links of a page that ended well, or counts them as too deep. */
void scope_offer_links(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const struct record_links *links);

/* Offers the target of a redirect in the page's place: same depth, one hop more; from depth 0 its host joins the scope.
 * True if it was offered; the page's redirect_hash is set then. */
bool scope_offer_target(struct tx *tx, struct crawl_row *crawl, struct page_row *page, const char *location);

#endif
