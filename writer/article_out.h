/* Records that the writer itself puts into `article`: kept ones whose buyer is gone (awaited.h), stored texts once more (resummary.h). Their
 * rows are marked as sent and committed before. The broker is asked once: the writer never waits for a queue. What the queue does not
 * take waits again; what is lost on the way is missed by the line clock. */
#ifndef GM_WRITER_ARTICLE_OUT_H
#define GM_WRITER_ARTICLE_OUT_H

#include <stdbool.h>

#include "line/record.h"
#include "writer/writer.h"

struct article_out *article_out_new(struct writer *w);
void article_out_free(struct article_out **out);

/* express: its crawl is one that a person waits for. */
void article_out_send(struct article_out *out, const struct record *record, bool express);
/* What was not taken since the last call: its row says so, and it is sent again later. Every second. */
enum pg_status article_out_put_back(struct article_out *out);

#endif
