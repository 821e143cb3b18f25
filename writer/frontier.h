/* What the release needs of the leader. */
#ifndef GM_WRITER_FRONTIER_H
#define GM_WRITER_FRONTIER_H

#include "writer/writer.h"

/* The closing line of a crawl. */
void frontier_log_completed(struct writer *w, int64_t crawl);

#endif
