/* What people see of the line (tables process, queue, crawl_now of sql/011_gateway.sql), the words for the search, and what goes with
 * time: deleted crawls, old requests. Nothing in the line depends on any of it. */
#ifndef GM_WRITER_LIVE_H
#define GM_WRITER_LIVE_H

#include "line/alive.h"
#include "writer/writer.h"

struct live *live_new(struct writer *w);
void live_free(struct writer *w);

/* A program says that it is there, and what it has in hand; written down within the second, by whichever writer heard it. */
void live_alive(struct writer *w, const struct alive *alive);
/* The same of this writer, also while the broker is away. */
void live_own(struct writer *w, const struct alive *alive);
/* What the leader saw of a queue; written down with the next tick. */
void live_depth(struct writer *w, enum queue_id queue, uint32_t ready, uint32_t consumers);
/* Every second. The leader also takes away what is to go. */
enum pg_status live_tick(struct writer *w);
/* The leader, on each turn: reads texts for the search, in small portions: as many as there are while the line rests, else few. */
void live_turn(struct writer *w);

#endif
