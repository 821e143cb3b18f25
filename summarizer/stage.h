/* The summarizer as a stage: article records in, the same with a summary out. */
#ifndef GM_SUMMARIZER_STAGE_H
#define GM_SUMMARIZER_STAGE_H

#include "base/buf.h"
#include "line/alive.h"
#include "line/service.h"

/* For struct service_spec. */
int summarizer_init(struct service *service);
void summarizer_message(struct service *service, struct job *job, const struct mq_delivery *delivery);
void summarizer_reset(struct service *service, enum queue_id queue);
void summarizer_turn(struct service *service);
bool summarizer_busy(struct service *service);
void summarizer_tick(struct service *service);
void summarizer_alive(struct service *service, struct alive *alive);
void summarizer_metrics(struct service *service, struct buf *out);
void summarizer_deinit(struct service *service);

#endif
