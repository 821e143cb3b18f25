/* The rules of a transaction's crawls, from the database or from memory: a crawl's rules never change. */
#ifndef GM_WRITER_RULES_LOAD_H
#define GM_WRITER_RULES_LOAD_H

#include "writer/tx.h"

struct rules_cache;

struct rules_cache *rules_cache_new(void);
void rules_cache_free(struct rules_cache **cache);

/* Gives each crawl of the transaction its rules, and starts their budget; after tx_load, where links may be offered. They stay until
 * the next call; RULES_KEPT bytes of them are kept on. */
enum pg_status rules_load(struct tx *tx);

#endif
