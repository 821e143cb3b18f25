/* Summarising stored texts again (table `resummary`, sql/009_resummarise.sql). Their records travel from `article` to `summary` like others,
 * marked `again`: they end no page. */
#ifndef GM_WRITER_RESUMMARY_H
#define GM_WRITER_RESUMMARY_H

#include "writer/tx.h"
#include "writer/writer.h"

/* Every second, by the leader: puts texts into `article`, as far as the window has room. */
enum pg_status resummary_tick(struct writer *w);
/* What was put there before `before` (wall clock ms) and is lost: once more. For the line clock. */
enum pg_status resummary_lost(struct writer *w, int64_t before);
/* What came back in this transaction; part of tx_write. A model's summary becomes that of all stored pages with that text. Anything else
 * changes nothing; if somebody else is asking, or a budget is used up, it is tried again later. */
enum pg_status resummary_write(struct tx *tx);

#endif
