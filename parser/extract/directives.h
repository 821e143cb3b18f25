/* Robots directives of a page: what it asks of those who index it, in <meta name="robots">, <meta name="OUR NAME"> and the header
 * X-Robots-Tag. Source: Google's "Robots meta tag, data-nosnippet, and X-Robots-Tag specifications"; there is no standard. Several
 * places add up: the most restrictive wins, as there. Understood are noindex, nofollow, none (both) and unavailable_after. */
#ifndef GM_PARSER_EXTRACT_DIRECTIVES_H
#define GM_PARSER_EXTRACT_DIRECTIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "parser/extract/doc.h"

#define DIRECTIVES_AGENT "gistmill"

struct directives {
    /* set by the caller, before the first value; zero is the default of each */
    const char *agent; /* our name; NULL: DIRECTIVES_AGENT */
    int64_t now;       /* ms since 1970: after the time of unavailable_after a page counts as noindex; 0: it never comes */
    bool ignore_noindex, ignore_nofollow; /* then the one below stays false */
    /* what the page asks for */
    bool noindex, nofollow;
};

/* True if a <meta> of this name speaks to us: robots, or our own name. In any case of letters. */
bool directives_for_us(const struct directives *d, struct span name);
/* Applies a value: directives, divided by commas. "NAME: " before one (headers have that) makes it and those after it, up to the end of
 * the line, directives for the robot NAME; for others than us ("googlebot: noindex") they mean nothing. */
void directives_apply(struct directives *d, struct span value);

#endif
