/* The head of an HTTP response, read line by line: the fields this program needs, cut to their limits and made safe to
 * pass on (well-formed UTF-8 without control bytes). */
#ifndef GM_FETCHER_HEAD_H
#define GM_FETCHER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line/limits.h"

#define HEAD_LOCATION (2 * LIMIT_URL)

struct head {
    long status;    /* 0 until a status line came */
    bool complete;  /* the empty line came; what follows is a trailer, or a new head after a 1xx */
    int64_t length; /* Content-Length, -1 if absent or no number */
    /* "" if absent; fields longer than their room are cut, validators and Location dropped instead */
    char content_type[LIMIT_VALIDATOR];
    char etag[LIMIT_VALIDATOR + 1], last_modified[LIMIT_VALIDATOR + 1];
    char robots_tag[LIMIT_FIELD + 1]; /* all X-Robots-Tag fields, one a line: a robot's name before one is not of the next */
    char location[HEAD_LOCATION + 1]; /* as received, not resolved */
    bool location_dropped;            /* there was one, but longer than that */
    char retry_after[64];
    char coding[16];           /* the last compression that Content-Encoding names, cut to its room; "" if none */
    unsigned codings;          /* how many it names */
    unsigned transfer_codings; /* those of Transfer-Encoding, also of 1xx heads before, which the library counts, too */
};

void head_reset(struct head *head);
/* Takes one line with or without its line end. A status line begins anew; an empty line completes; after that fields
 * are ignored. */
void head_line(struct head *head, const char *line, size_t n);

/* RFC 9110 section 10.2.3: seconds, or an HTTP date in any of its three forms. True if it is one of these; the seconds from
 * now (wall clock ms) are then >= 0 and at most a year. */
bool head_retry_after(const char *value, int64_t now_ms, int64_t *seconds_r);

/* True if a body of this type may hold text for an article or a list of links (or is not declared). A gzip file, which servers
 * also call an octet stream, is wanted only where the URL (canonical) says that it is a sitemap: path ending in ".xml.gz". */
bool head_type_wanted(const char *content_type, const char *url);

#endif
