/* What the release needs of the leader. */
#ifndef GM_WRITER_FRONTIER_H
#define GM_WRITER_FRONTIER_H

#include "writer/writer.h"

/* Publishes a ticket once; if the queue does not take it, its row is put back by the next transaction. */
void frontier_publish(struct writer *w, enum queue_id queue, const struct record *ticket);
/* The closing line of a crawl. */
void frontier_log_completed(struct writer *w, int64_t crawl);

#endif
