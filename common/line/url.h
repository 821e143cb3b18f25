/* URLs: the WHATWG URL standard's parser (https://url.spec.whatwg.org/, basic URL parser; UTS 46 by ICU) for http and
 * https, and the canonical form under which a page is known.
 *
 * Canonical form: WHATWG serialisation, without fragment and credentials, then the changes of RFC 3986 section 6.2.2
 * that never change the meaning (percent-encoding in upper case; unreserved characters decoded), then without tracking
 * parameters (utm_*, gclid, fbclid, …: the table is in url.c). Canonicalising a canonical URL changes nothing.
 * docs/ARCHITECTURE.md lists the rules. */
#ifndef GM_LINE_URL_H
#define GM_LINE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "line/limits.h"

enum url_status {
    URL_OK,
    URL_INVALID, /* no URL by the standard */
    URL_SCHEME,  /* a URL, but neither http nor https */
    URL_TOO_LONG /* canonical form longer than LIMIT_URL, or host and port longer than LIMIT_HOST - 1 */
};

struct url {
    char text[LIMIT_URL + 1]; /* the canonical URL */
    char host[LIMIT_HOST];    /* "example.org" or "example.org:8080": port only if not the scheme's default;
                                  one entry of the politeness clock. IPv6 in brackets. */
    bool https;
};

/* Resolves a reference (any bytes, n long, as found in a page: UTF-8 expected, ill-formed bytes are replaced) against a
 * canonical base URL (NULL: the reference must be absolute) and canonicalises it. url_r is set only with URL_OK; base may
 * be url_r->text. A base that is no http or https URL gives URL_INVALID, whatever the reference. A reference longer than
 * 64 KiB (blanks at its ends not counted) is URL_TOO_LONG, unless its scheme is another one. */
enum url_status url_resolve(const char *base, const char *reference, size_t n, struct url *url_r);

/* The same for what a person or a message hands us; "example.org/x" without a scheme is not guessed at: URL_INVALID. */
enum url_status url_parse(const char *text, struct url *url_r);

/* url_resolve, with credentials kept in text (never in host) if flags holds URL_CREDENTIALS. */
#define URL_CREDENTIALS 1u
enum url_status url_canonical(const char *base, const char *reference, size_t n, unsigned flags, struct url *url_r);

/* Resolves only: appends the standard's serialisation, with fragment, credentials and percent-encoding as they are.
 * URL_TOO_LONG if it exceeds out's maximum. base may be any http or https URL. */
enum url_status url_href(const char *base, const char *reference, size_t n, struct buf *out);

/* Words for a status, e.g. "neither http nor https". */
const char *url_status_text(enum url_status status);

/* The URL of the robots.txt that governs a canonical URL (RFC 9309 section 2.3). robots_r may be url. */
void url_robots(const struct url *url, struct url *robots_r);

/* The part robots.txt rules are matched against: path and query of a canonical URL, beginning with '/'. Points into text. */
const char *url_path(const char *canonical);

/* Loads what internationalised hosts need; otherwise the first such host does. Call it before entering a sandbox. */
void url_init(void);

#endif
