/* The clocks that bring back what was lost (docs/ARCHITECTURE.md, "Where a crash can fall"), and the sweeps of what waits in vain: of crawls
 * that were cancelled or have reached their limit. */
#ifndef GM_WRITER_CLOCKS_H
#define GM_WRITER_CLOCKS_H

#include "writer/writer.h"

struct clocks;

struct clocks *clocks_new(void);
void clocks_free(struct clocks **clocks);
/* Forgets what was observed: a new leader starts its periods anew. */
void clocks_reset(struct clocks *clocks);
/* Every second, by the leader. */
enum pg_status clocks_tick(struct writer *w, struct clocks *clocks);

#endif
