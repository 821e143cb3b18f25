/* What a page leads to, and how: by a link, one step farther; or as a part of one list, at the page's own depth. Such steps are
 * counted (page.part): after LIMIT_PARTS of them one counts as a link. */
#ifndef GM_WRITER_FOUND_H
#define GM_WRITER_FOUND_H

#include <stdbool.h>

#include "line/record.h"

struct crawl_row;

enum found {
    FOUND_LINK, /* one step farther */
    FOUND_PART, /* the next part of a list; all rules hold for it */
    FOUND_LIST  /* a list that was asked for with the crawl: a feed, a sitemap of an index. Masks are about pages, not about it */
};

/* Calls each() for what a record that ended well leads to: its links; the feeds that it announces, if the crawl wants feeds; rel=next, which
 * is a part if the record is a feed (RFC 5005) or if the two URLs differ in nothing but query, numbers, or a last segment
 * page/NUMBER. Else, from one chapter of a manual to the next, it is a link. Bare URLs
 * (the inbox) have no parts. */
void found_each(const struct crawl_row *crawl, const char *page_url, const struct record *record,
                void (*each)(void *context, enum found how, const char *url), void *context);

/* As lines of page_links: a mark before what is no link, which no URL begins with. found_mark: "" for a link. found_marked: moves
 * the text on behind it. */
const char *found_mark(enum found how);
enum found found_marked(char **text);

/* True if the crawl wants sitemaps only, and this is none: what it leads to is refused. */
bool found_unwanted(const struct crawl_row *crawl, const struct record *record);

#endif
