/* Which links become pages: depth, scope, the rules of the crawl (rules.h), limit. Bounds that are counted come later (quota.h). */
#ifndef GM_WRITER_SCOPE_H
#define GM_WRITER_SCOPE_H

#include "line/url.h"
#include "writer/found.h"
#include "writer/tx.h"

/* True if a host (with port, as in struct url) belongs to the crawl. */
bool scope_has(const struct crawl_row *crawl, const char *host);

/* Which rule refuses a URL found at a depth; REFUSED_NOT: none, and url_r (whatever is said, from REFUSED_SCOPE on) is its canonical
 * form. why (may be NULL): what of the rule, in words, "" if nothing need be said. What the bounds of quota.h say is not in it. */
enum refusal scope_check(const struct crawl_row *crawl, int64_t depth, const char *text, struct url *url_r, char *why, size_t why_size);

/* An offer of a URL, without what is said of its way; found: by a program, so that guards are asked. To be released by its taker. */
struct offer scope_offer(const struct crawl_row *crawl, const struct url *url, bool found);

/* Offers what was asked for by name: only counted bounds hold for it. */
void scope_offer_seed(struct tx *tx, const struct crawl_row *crawl, const struct url *url);

/* What a page that ended well leads to (found.h), or counts why not. */
void scope_offer_found(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const struct record *record);

/* The same for one URL, which need not be trusted, from a page of whose row id, depth and part are asked. date: as found_fn has it. */
void scope_offer_one(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, enum found how, const char *url, int64_t date);

/* The target of a redirect whose source was found on a shorter way. */
void scope_offer_again(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const char *target);

/* Offers what is asked for with the whole crawl, a list of its pages, at depth 0, one part from the seed: of the rules only scope and limit
 * hold for it. */
void scope_offer_list(struct tx *tx, struct crawl_row *crawl, const char *url);

/* Offers the target of a redirect in the page's place: same depth, one hop more; from a seed its host joins the scope
 * and no other rule is asked. True if it was offered; the page's redirect_hash is set then. */
bool scope_offer_target(struct tx *tx, struct crawl_row *crawl, struct page_row *page, const char *location);

#endif
