/* What hosts allow: the rules of robots.txt, parsed once and kept while there is room. */
#ifndef GM_WRITER_HOST_RULES_H
#define GM_WRITER_HOST_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_rules;

struct host_rules *host_rules_new(void);
void host_rules_free(struct host_rules **rules);

/* True if the rules of this version (number of the request that brought them) are at hand. */
bool host_rules_has(const struct host_rules *rules, int64_t host, int64_t version);
/* Parses and keeps a text; forgets others when all of them take too much memory. */
void host_rules_put(struct host_rules *rules, int64_t host, int64_t version, const char *text, size_t n);
/* Whether a canonical URL may be fetched; only after host_rules_has or host_rules_put of the same version. */
bool host_rules_allow(const struct host_rules *rules, int64_t host, int64_t version, const char *url);
/* True if they are at hand and allow everything. */
bool host_rules_allow_all(const struct host_rules *rules, int64_t host, int64_t version);

#endif
