/* What a record does to its page: the one place where verdicts become states (laws 5 and 10 of docs/ARCHITECTURE.md). */
#ifndef GM_WRITER_JUDGE_H
#define GM_WRITER_JUDGE_H

#include "writer/tx.h"
#include "writer/writer.h"

/* Changes the rows in memory by one entry; the entry's outcome is set. Seeds go to judge_seed. */
void judge_entry(struct tx *tx, struct entry *e);

/* Redirect chains that come back end as REDIRECT_LOOP: looked up for all entries at once, after tx_load. */
enum pg_status judge_loops(struct tx *tx, struct entry **entries, size_t count);

/* Whether the tickets that are said to be unused or lost are still out: after a lost connection `fetched` and a later
 * `returned` of one release may both come, and the second must not count. Looked up for all entries at once, after tx_load. */
enum pg_status judge_tickets(struct tx *tx, struct entry **entries, size_t count);

/* Whether the texts that are said to be as they were (304, RECORD_KEPT) are stored with their summaries; the records of a 304 get
 * the links that were kept of their pages. Looked up for all entries at once, after tx_load. */
enum pg_status judge_known(struct tx *tx, struct entry **entries, size_t count);
/* True for an article whose summary is not in the record, because it is stored. */
bool judge_is_kept(const struct record *r);

/* Admits what a seed asks for: crawls are made, found or run again. Called before tx_load: wants the crawls it needs. */
enum pg_status judge_seed_prepare(struct tx *tx, struct entry *e);
enum pg_status judge_seed(struct tx *tx, struct entry *e);

/* The wait before try number `failures` + 1, with jitter, in ms. */
int64_t judge_backoff_ms(int64_t failures);

#endif
