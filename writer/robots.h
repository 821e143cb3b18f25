/* robots.txt by RFC 9309: the rules one crawler has to keep, and the Crawl-delay and Sitemap lines that the RFC leaves
 * to others.
 *
 * Rules are compared with a URL's path and query after bringing both to one form (RFC 9309 section 2.2.2): unreserved
 * characters decoded, everything else that is percent-encoded or not printable ASCII encoded in upper case; a literal
 * '*' or '$' counts as %2A, %24. The rule with the most octets in that form wins, Allow among equals. Matching a rule
 * takes time linear in path and rule, whatever its wildcards; all rules together are bounded, see robots_allows. */
#ifndef GM_WRITER_ROBOTS_H
#define GM_WRITER_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct robots;

/* Reads the rules that hold for agent, a product token ("Gistmill"; what follows its letters, '_' and '-' is ignored):
 * those of all groups that name it, else of all groups for "*". Any bytes are taken; lines that are not understood are
 * skipped. Of more than LIMIT_ROBOTS bytes the last line begun within the limit and all after it are left out. Never
 * NULL; given back with robots_free. */
struct robots *robots_parse(const char *text, size_t n, const char *agent);
void robots_free(struct robots *robots); /* NULL is fine */

/* True if the rules allow path: path and query of a URL, as url_path() gives it. /robots.txt itself always is allowed.
 * False, too, where thousands of wildcards on a long path would cost more than about 20 ms. */
bool robots_allows(const struct robots *robots, const char *path);

/* True if there is no rule: everything is allowed. */
bool robots_is_empty(const struct robots *robots);

/* Crawl-delay of the agent's groups in ms, the largest if there are several; -1 if there is none. Up to 10^12: the
 * caller caps it. A value that is not digits with at most one point is no delay. */
int64_t robots_delay_ms(const struct robots *robots);

/* The Sitemap lines in their order, as they stand; they belong to no group. i counts from 0; NULL behind the last. */
const char *robots_sitemap(const struct robots *robots, size_t i);

#endif
