/* The parser as a stage of the line: html in, article or report out. Functions for service_spec. */
#ifndef GM_PARSER_STAGE_H
#define GM_PARSER_STAGE_H

#include "line/service.h"

struct parser_settings {
    int64_t prefetch;
    int64_t timeout_ms; /* for one page */
    int64_t memory_mib; /* for pages, in the child */
    const char *agent;  /* our name in robots directives */
};
extern struct parser_settings parser_settings; /* filled by the table in main.c */

/* The commands of parser_command.h, and the child's life (not for people: not in the help). */
int parser_stage_command(int argc, char **argv);
int parser_stage_init(struct service *service);
void parser_stage_message(struct service *service, struct job *job, const struct mq_delivery *delivery);
void parser_stage_reset(struct service *service, enum queue_id queue);
void parser_stage_deinit(struct service *service);
void parser_stage_metrics(struct service *service, struct buf *out);

#endif
