/* Every cap of the system. Times that tests shorten are configuration (docs/CONFIGURATION.md) with their defaults here;
 * orders that must hold between two caps are asserted at the end. */
#ifndef GM_LINE_LIMITS_H
#define GM_LINE_LIMITS_H

#include <assert.h>

/* sizes, bytes */
#define LIMIT_BODY           (10u << 20)  /* a fetched body, unpacked */
#define LIMIT_MESSAGE        (4u << 20)   /* a message body as published (RabbitMQ 4 refuses above 16 MiB) */
#define LIMIT_RECORD         (12u << 20)  /* a record's JSON, unpacked */
#define LIMIT_TEXT           (512u << 10) /* an article's plain text */
#define LIMIT_MARKDOWN       (1u << 20)   /* an article's Markdown */
#define LIMIT_SUMMARY        (64u << 10)  /* a summary */
#define LIMIT_URL            2048u        /* a canonical URL */
#define LIMIT_HOST           270u         /* host name (255) and port */
#define LIMIT_LINKS          5000u        /* links of one page */
#define LIMIT_LINKS_BYTES    (1u << 20)   /* their bytes in sum */
#define LIMIT_LIST_LINKS     50000u       /* links of one feed or sitemap: what sitemaps.org allows a file */
#define LIMIT_LIST_BYTES     (8u << 20)   /* their bytes in sum */
#define LIMIT_KEPT_LINKS     (LIMIT_LIST_BYTES + 2 * LIMIT_LIST_LINKS + 16 * LIMIT_URL) /* links as kept: with marks, line ends, next, feeds */
#define LIMIT_FIELD          1024u                                                      /* a metadata field: title, byline, site, … */
#define LIMIT_EXCERPT        2048u
#define LIMIT_DETAIL         500u         /* an error's detail text */
#define LIMIT_VALIDATOR      256u         /* ETag, Last-Modified, Content-Type as kept */
#define LIMIT_ROBOTS         (500u << 10) /* robots.txt, RFC 9309 section 2.5 */
#define LIMIT_SEED           (16u << 20)  /* a seed message */
#define LIMIT_HEADERS        (64u << 10)  /* response header bytes */
#define LIMIT_BAD_BYTES      (16u << 10)  /* of a message that could not be read, kept for a person to look at */
#define LIMIT_REPORT_RECORDS 1000u        /* records in one report message */

/* counts */
#define LIMIT_HOPS        10    /* redirects of a page, one after the other */
#define LIMIT_ROBOTS_HOPS 5     /* redirects of a robots.txt, RFC 9309 section 2.3.1.2 */
#define LIMIT_PARTS       100   /* steps to the next part of a list, one after the other, at one depth */
#define LIMIT_FEEDS       8     /* feeds that a page announces */
#define LIMIT_SITEMAPS    100   /* sitemaps that a robots.txt names */
#define LIMIT_DEPTH       1000  /* the deepest a crawl may ask for */
#define LIMIT_LOSSES      10    /* then a page ends as LOST */
#define LIMIT_RETURNS     100   /* then, too */
#define LIMIT_RANGE       10000 /* URLs that the ranges of one message, or of 64 KiB of a long one, may stand for */
#define DELIVERY_LIMIT    1000  /* x-delivery-limit: only a message that kills every consumer for long gets there */

/* masks of a crawl */
#define LIMIT_MASKS      32          /* of include, and of exclude */
#define LIMIT_MASK       512u        /* bytes of one */
#define LIMIT_MASK_BYTES (64u << 10) /* of all of a crawl, compiled */
#define MASK_STEPS       10000       /* PCRE2's match and depth limits, for each place in the URL where a match may begin */
#define MASK_HEAP_KB     256         /* PCRE2's heap limit */
#define MASK_BUDGET_NS   250000000   /* CPU time of one crawl's masks in one transaction */
#define MASK_TOTAL_NS    5000000000  /* of all crawls' together; then each has */
#define MASK_LEAST_NS    20000000
#define RULES_KEPT       (16u << 20) /* bytes of compiled masks kept from one transaction to the next */

/* guards against traps: a link beyond is not a page. Seeds and what they redirect to are not asked. */
#define GUARD_URL_LENGTH  1024
#define GUARD_PATH_REPEAT 3    /* times that one segment may come in a path */
#define GUARD_PARAMETERS  16   /* in a query */
#define GUARD_CALENDAR    1000 /* pages of a crawl that differ only in a date */

/* what a queue holds: x-max-length is at least twice the largest window, so that a full window never meets a full queue */
#define WINDOW_DEFAULT      256
#define WINDOW_MAX          4096
#define QUEUE_LENGTH        (2 * WINDOW_MAX)
#define QUEUE_BYTES         ((long long)WINDOW_MAX * LIMIT_MESSAGE)
#define EXPRESS_WINDOW      16 /* pages in flight for people who wait, beyond the window; messages in hand, beyond the prefetch */
#define EXPRESS_IN_A_ROW    8  /* of a host's requests; then it is the crawls' turn */
#define SEED_QUEUE_LENGTH   100000
#define REPORT_QUEUE_LENGTH (8 * WINDOW_MAX)

static_assert(LIMIT_TEXT + LIMIT_MARKDOWN + LIMIT_LINKS_BYTES < LIMIT_RECORD / 2, "a record of full fields fits, escapes included");
static_assert(LIMIT_LIST_BYTES + LIMIT_LIST_LINKS * 24 < LIMIT_RECORD, "a record of a full list fits: URLs, dates, what divides them");
static_assert(LIMIT_MESSAGE < (16u << 20), "RabbitMQ 4 refuses larger messages");
static_assert(LIMIT_SEED <= (16u << 20), "RabbitMQ 4 refuses larger messages");

#endif
