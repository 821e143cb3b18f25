/* Guards against traps: sites that make links without end. Each rule has a code of its own (refusal.h) and a bound in
 * line/limits.h; a crawl can do without them (`"guards": false`). The first three are those of other crawlers (Heritrix: TooLong,
 * PathologicalPath; Apache Nutch: regex-urlfilter; StormCrawler: BasicURLFilter), with our own bounds. */
#ifndef GM_WRITER_GUARD_H
#define GM_WRITER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "writer/refusal.h"

/* Length, repeated segments, number of parameters: what the URL says by itself. why: in words, at least 1 byte. */
enum refusal guard_check(const char *canonical, char *why, size_t why_size);

/* True if the URL is a page of a calendar, as far as one can see: its path ends in a date with year and month
 * (/2031/05/, /2031-05-12.html, /05/2031) or its query has one (month=5, date=2031-05-12, m=203105). shape_r, of
 * GUARD_URL_LENGTH + LIMIT_HOST bytes or more, gets the URL without its scheme and with # for the parts of the date: calendars are told by
 * how many pages of one shape there are. A date before the last segment (/2031/05/12/a-title) makes none: articles have those. */
bool guard_calendar(const char *canonical, const char *host, char *shape_r, size_t size);

#endif
