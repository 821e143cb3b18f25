/* What this process knows of the database without asking: pages already admitted, host ids. Only facts that never change
 * back are kept (a page stays a page of its crawl, its depth only falls, a host keeps its id), and only after the commit
 * that made them true. Bounded; forgetting costs a question, nothing else. */
#ifndef GM_WRITER_KNOWN_H
#define GM_WRITER_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct known;

struct known *known_new(void);
void known_free(struct known **known);

/* True if this page is known to be admitted with this depth or a smaller one. */
bool known_has(const struct known *k, int64_t crawl, const struct digest *url, int64_t depth);
/* To be called within a transaction; counts from known_commit on. */
void known_note(struct known *k, int64_t crawl, const struct digest *url, int64_t depth);

/* The id of a host, 0 if not known. Ids stay known at least until the next known_commit or known_rollback. */
int64_t known_host(const struct known *k, const char *name);
void known_add_host(struct known *k, const char *name, int64_t id);

/* The transaction's end. */
void known_commit(struct known *k);
void known_rollback(struct known *k);

#endif
