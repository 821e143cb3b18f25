/* Whose fault it is that a name could not be resolved: its own, or that of our resolver, which then resolves no new name while hosts
 * whose addresses are known go on answering.
 *
 * The library says no more than that a name was not resolved. A resolver that works answers any question, if only with "no such
 * name"; so it is asked one: about a name below the last one that it did resolve, with a first label made up by chance, which no
 * cache on the way can know. One question at a time, and only after a name has failed. Where just the servers of that one domain are
 * out of order, others are excused, too, until the next name is resolved. */
#ifndef GM_FETCHER_NAMES_H
#define GM_FETCHER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct names;

/* answers: our resolver does; from the loop. */
typedef void names_fn(void *context, bool answers);

struct names *names_new(struct ev_loop *loop, names_fn *said, void *context);
/* A question that is under way is never told. */
void names_free(struct names **names);

/* The resolver gave an address for the host of this URL just now. Hosts that are addresses, and local ones, do not count. */
void names_resolved(struct names *names, const char *url);

/* A name was not resolved. True: the resolver is asked, or is being asked, and `said` is called within NAMES_WAIT_MS. False: it was
 * there a moment ago, or it has not resolved any name so far: nothing speaks against the name's own fault. */
bool names_ask(struct names *names);

/* True if the resolver was not there, as far as is known, or came back only after `since` (monotonic ms): what has failed since then may
 * have failed for that, even if it answers now. */
bool names_away(const struct names *names, int64_t since);

#define NAMES_WAIT_MS 5000 /* then the answer is no */

#endif
