/* The fetcher's stage: from a ticket to a page handed on and a report (law 8 of docs/ARCHITECTURE.md).
 *
 * A page: fetched, published to `html`, confirmed; then `fetched` is published to `report`, confirmed; then acked. Everything
 * else that can become of a ticket is one report, confirmed, then acked. */
#ifndef GM_FETCHER_STAGE_H
#define GM_FETCHER_STAGE_H

#include "line/service.h"

int stage_init(struct service *service);
void stage_message(struct service *service, struct job *job, const struct mq_delivery *delivery);
void stage_reset(struct service *service, enum queue_id queue);
void stage_turn(struct service *service);
void stage_metrics(struct service *service, struct buf *out);
void stage_deinit(struct service *service);

#endif
