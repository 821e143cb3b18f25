/* Which links become pages: depth, scope, the rules of the crawl (rules.h), limit. Bounds that are counted come later (quota.h). */
#ifndef GM_WRITER_SCOPE_H
#define GM_WRITER_SCOPE_H

#include "line/url.h"
#include "writer/tx.h"

/* True if a host (with port, as in struct url) belongs to the crawl. */
bool scope_has(const struct crawl_row *crawl, const char *host);

/* Which rule refuses a URL found at a depth; REFUSED_NOT: none, and url_r (whatever is said, from REFUSED_SCOPE on) is its canonical
 * form. why (may be NULL): what of the rule, in words, "" if nothing need be said. What the bounds of quota.h say is not in it. */
enum refusal scope_check(const struct crawl_row *crawl, int64_t depth, const char *text, struct url *url_r, char *why, size_t why_size);

/* Offers what was asked for by name: only counted bounds hold for it. */
void scope_offer_seed(struct tx *tx, const struct crawl_row *crawl, const struct url *url);

/* Offers one URL found on a page, or counts why not. url need not be trusted. */
void scope_offer_link(struct tx *tx, struct crawl_row *crawl, int64_t parent_id, int64_t depth, const char *url);

/* Offers all links of a page that ended well, or counts them as too deep. */
void scope_offer_links(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const struct record_links *links);

/* Offers the target of a redirect in the page's place: same depth, one hop more; from depth 0 its host joins the scope
 * and no other rule is asked. True if it was offered; the page's redirect_hash is set then. */
bool scope_offer_target(struct tx *tx, struct crawl_row *crawl, struct page_row *page, const char *location);

#endif
