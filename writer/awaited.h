/* Pages that wait for another page's summary: their text is the same, and the model is being asked for it (a live lease in
 * `summary`, docs/SUMMARIES.md). Their records are rows of `awaited`, the pages stay `scheduled`. */
#ifndef GM_WRITER_AWAITED_H
#define GM_WRITER_AWAITED_H

#include "writer/tx.h"
#include "writer/writer.h"

/* Keeps the records of pages that began to wait in this transaction; part of tx_write. */
enum pg_status awaited_write(struct tx *tx);

/* Every second, by the leader. A summary is there: the kept record goes on with it, as if it had come from `summary`. The lease is over
 * without one: the text goes to `article` again under a new number, one page for each text; all pages if the model gave nothing of use,
 * which is then said without asking it. */
enum pg_status awaited_tick(struct writer *w);

/* What was put into `article` again before `before` (wall clock ms) and is lost: once more. For the line clock. */
enum pg_status awaited_lost(struct writer *w, int64_t before);

#endif
