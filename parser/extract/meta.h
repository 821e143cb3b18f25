/* What a page says about itself: title, author, date, language, site, description, canonical URL, and whether it may be
 * indexed and its links followed. */
#ifndef GM_PARSER_EXTRACT_META_H
#define GM_PARSER_EXTRACT_META_H

#include <stdbool.h>

#include "line/limits.h"
#include "parser/extract/date.h"
#include "parser/extract/directives.h"
#include "parser/extract/page.h"

enum meta_field { META_TITLE, META_BYLINE, META_DATE, META_LANG, META_SITE, META_EXCERPT, META_FIELDS };

struct meta {
    struct {
        struct buf text;
        int rank; /* of the source it is from: the lowest wins; 0: nothing yet */
    } fields[META_FIELDS];
    struct span base;               /* href of the first <base>, as written */
    struct span canonical;          /* href of rel=canonical, as written */
    struct span next;               /* of rel=next, on <link> or, failing that, <a> */
    struct span amp;                /* of <link rel=amphtml> */
    struct span feeds[LIMIT_FEEDS]; /* of <link rel=alternate> with the type of a feed, as written */
    size_t feed_count;
    struct directives robots;
    bool next_is_anchor; /* next is of an <a> */
    bool writer_follows; /* the last twitter:label1 announced the author */
};

void meta_init(struct meta *meta);
void meta_release(struct meta *meta);

/* Reads a loaded page. url: its canonical address. */
void meta_read(struct meta *meta, const struct page *page, const char *url);
/* The second part, when the article has been found: date and byline from around it, an excerpt from its beginning. */
void meta_complete(struct meta *meta, const struct page *page, const char *url);

/* Takes a value for a field if its source ranks before what is there. For jsonld.c. */
void meta_offer(struct meta *meta, enum meta_field field, int rank, struct span value);
#define META_RANK_JSONLD    20
#define META_RANK_PUBLISHER 60 /* of a byline that is a company's or a site's name: better than none, worse than any person */

#endif
