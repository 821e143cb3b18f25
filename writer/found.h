/* How a page comes to be one of a crawl's, and what pages lead to: to links, one step farther; or to parts of one list, at the page's own
 * depth. Such steps are counted (page.part): after LIMIT_PARTS of them one counts as a link. */
#ifndef GM_WRITER_FOUND_H
#define GM_WRITER_FOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "line/record.h"

struct crawl_row;

enum found {
    FOUND_SEED,     /* somebody asked for it */
    FOUND_REDIRECT, /* in the place of a page that redirects here */
    FOUND_LINK,     /* a link of a page, and all that is none of the following */
    FOUND_ENTRY,    /* a link of a feed */
    FOUND_MAPPED,   /* a link of a sitemap */
    FOUND_NEXT,     /* the next part of a list */
    FOUND_FEED,     /* a feed that a page announces */
    FOUND_SITEMAP,  /* one that robots.txt or an index names */
    FOUND_COUNT
};

struct found_kind {
    const char *name; /* as a label of the type page_source in sql/: the column page.source */
    const char *mark; /* as page_links has it before the URL; no URL begins with one */
    bool stays;       /* at the depth of the page it was found on */
    bool is_list;     /* asked for with the crawl: masks are about pages, not about it */
};
const struct found_kind *found_kind(enum found how);

/* date: when it last changed, as a list says that has links with dates (ms since 1970); 0: not said. */
typedef void found_fn(void *context, enum found how, const char *url, int64_t date);

/* Calls each() for what a record that ended well leads to: its links; the feeds that it announces, if the crawl wants feeds; rel=next, which
 * is a part if the record is a feed (RFC 5005) or if the two URLs differ in nothing but query, numbers, or a last segment
 * page/NUMBER. Else, from one chapter of a manual to the next, it is a link. Bare URLs
 * (the inbox) have no parts. */
void found_each(const struct crawl_row *crawl, const char *page_url, const struct record *record, found_fn *each, void *context);

/* A line of page_links: moves the text on behind the mark. */
enum found found_marked(char **text);

/* True if the crawl wants sitemaps only, and this is none: what it leads to is refused. */
bool found_unwanted(const struct crawl_row *crawl, const struct record *record);

#endif
