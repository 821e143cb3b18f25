/* Reading what people put into the queue `seed`. */
#ifndef GM_WRITER_SEED_H
#define GM_WRITER_SEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line/url.h"
#include "writer/range.h"

enum seed_kind {
    SEED_URLS,  /* bare URLs, one a line: for the inbox */
    SEED_CRAWL, /* one URL, a range of them or a list, with anything said about how to crawl */
    SEED_BAD    /* not understood: reason says why */
};

struct seed {
    enum seed_kind kind;
    char reason[400];
    char field[41]; /* SEED_BAD: the member at fault, or "" */
    /* SEED_CRAWL, and a SEED_URLS that came as JSON */
    struct url *url;    /* owned; the first one of a range or list */
    char *text;         /* owned; as it was written; of a list, one a line */
    struct range range; /* of text: all that it stands for; not of a list */
    bool is_list;       /* text is to be read line by line; each line was found good */
    int64_t depth, limit;
    int64_t priority; /* smaller is sooner; below 0: a person waits for it */
    char scope[16];
    char *rules;                          /* owned; rules_text */
    bool ignore_noindex, ignore_nofollow; /* robots directives of pages: <meta name="robots">, X-Robots-Tag */
    char sitemap[8];                      /* the sitemaps that robots.txt names: skip, include, only */
    bool feeds;                           /* the feeds that pages announce */
};

/* Reads a message. Plain text gives SEED_URLS with url NULL: go through it with seed_next_line. Defaults fill what a crawl
 * does not say. */
void seed_parse(const char *body, size_t n, struct seed *seed_r);
/* True if a message is plain text: URLs, one a line. */
bool seed_is_text(const char *body, size_t n);
void seed_release(struct seed *seed);

/* The next non-empty line, trimmed; false at the end. *rest starts as the body. */
bool seed_next_line(const char **rest, size_t *rest_len, const char **line_r, size_t *line_len_r);

/* How many URLs a message may stand for, roughly, ranges included; what one cannot have is not counted. */
size_t seed_rows(const char *body, size_t n);

/* What a crawl is known by: digest over the canonical form of what was asked. What was not asked leaves no trace in it, so that
 * crawls made before there was such an option are still found. */
struct digest seed_request(const struct seed *seed);

#endif
