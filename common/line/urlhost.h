/* The host parser of the URL standard (https://url.spec.whatwg.org/#host-parsing), for common/line/url.c. */
#ifndef GM_LINE_URLHOST_H
#define GM_LINE_URLHOST_H

#include <stdbool.h>
#include <stddef.h>

#define URLHOST_MAX 2048 /* bytes of a host as written and as parsed; DNS ends at 253 */

enum urlhost_status { URLHOST_OK, URLHOST_INVALID, URLHOST_TOO_LONG };

/* Parses and serialises the host of a URL with a special scheme (http, https, …): domain, IPv4 or [IPv6]. s may be
 * ill-formed UTF-8: then the host is invalid. out_r gets at most URLHOST_MAX bytes, without a closing NUL. */
enum urlhost_status urlhost_parse(const char *s, size_t n, char *out_r, size_t *len_r);

/* True if s is a host that a URL with any other scheme may have (opaque host or [IPv6]; the empty host is none). */
bool urlhost_opaque_valid(const char *s, size_t n);

/* Loads what internationalised hosts need, so that nothing is opened later (call before entering a sandbox). */
void urlhost_init(void);

#endif
