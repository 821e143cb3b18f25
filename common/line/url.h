/* URLs: the WHATWG URL standard's parser (https://url.spec.whatwg.org/, basic URL parser; UTS 46 by ICU) for http and
 * https, and the canonical form under which a page is known.
 *
 * Canonical form: WHATWG serialisation, without fragment and credentials, then the changes of RFC 3986 section 6.2.2
 * that never change the meaning (percent-encoding in upper case; unreserved characters decoded). docs/ARCHITECTURE.md
 * lists the rules. */
#ifndef GM_LINE_URL_H
#define GM_LINE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "line/limits.h"

enum url_status {
    URL_OK,
    URL_INVALID,     /* no URL by the standard */
    URL_SCHEME,      /* a URL, but neither http nor https */
    URL_TOO_LONG     /* canonical form longer than LIMIT_URL */
};

struct url {
    char text[LIMIT_URL + 1];  /* the canonical URL */
    char host[LIMIT_HOST];     /* "example.org" or "example.org:8080": port only if not the scheme's default;
                                  one entry of the politeness clock. IPv6 in brackets. */
    bool https;
};

/* Resolves a reference (any bytes, n long, as found in a page: UTF-8 expected, ill-formed bytes are replaced) against a
 * canonical base URL (NULL: the reference must be absolute) and canonicalises it. url_r is set only with URL_OK. */
enum url_status url_resolve(const char *base, const char *reference, size_t n, struct url *url_r);

/* The same for what a person or a message hands us; "example.org/x" without a scheme is not guessed at: URL_INVALID. */
enum url_status url_parse(const char *text, struct url *url_r);

/* Words for a status, e.g. "neither http nor https". */
const char *url_status_text(enum url_status status);

/* The URL of the robots.txt that governs a canonical URL (RFC 9309 section 2.3). */
void url_robots(const struct url *url, struct url *robots_r);

/* The part robots.txt rules are matched against: path and query of a canonical URL, beginning with '/'. Points into text. */
const char *url_path(const char *canonical);

#endif
