/* What a crawl wants beyond host and depth: prefix, masks, preset, guards, pages a host. Made from JSON, which is also
 * their form in the database (crawl.rules); never changed once the crawl is there. */
#ifndef GM_WRITER_RULES_H
#define GM_WRITER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "writer/refusal.h"

struct rules;
struct cJSON;

struct rules_error {
    char text[300]; /* begins with the field at fault: "exclude[1]: …" */
};

/* Reads the members that are rules (they are also in the table of writer/seed.c); others do not count. NULL: error_r says why. Compiles at most LIMIT_MASK_BYTES of masks. */
struct rules *rules_new(const struct cJSON *object, struct rules_error *error_r);
void rules_free(struct rules **rules);

/* The JSON they came from, in one canonical form (order of fields, defaults left out); "{}" if nothing is asked for. To be
 * freed by the caller. */
char *rules_text(const struct rules *rules);

/* Which rule refuses a canonical URL; REFUSED_NOT: none. why (may be NULL): what of the rule, in words, "" if nothing
 * need be said. Masks have a budget of CPU time (MASK_BUDGET_NS); when it is used up, the answer is
 * REFUSED_MASK_LIMIT for whatever they would have to be asked about. */
enum refusal rules_check(struct rules *rules, const char *canonical, char *why, size_t why_size);
/* Starts a budget: for a transaction. */
void rules_budget_begin(void);

bool rules_guard(const struct rules *rules);       /* the guards against traps are on */
int64_t rules_per_host(const struct rules *rules); /* pages admitted of one host at most; 0: any number */

size_t rules_size(const struct rules *rules); /* bytes it holds, about */

#endif
