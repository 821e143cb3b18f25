/* The writer's configuration. */
#ifndef GM_WRITER_CONF_H
#define GM_WRITER_CONF_H

#include <stdint.h>

#include "base/conf.h"

struct writer_conf {
    char *database_url, *agent;
    int64_t prefetch;
    int64_t window;
    int64_t host_delay_ms, delay_factor, fetch_per_host;
    int64_t host_backoff_max_ms, host_stall_ms;
    int64_t attempts, backoff_ms, backoff_max_ms;
    int64_t ticket_ms, fetch_timeout_ms, ticket_grace_ms;
    int64_t lease_ms, max_age_ms, summary_timeout_ms;
    int64_t robots_ttl_ms, crawl_delay_max_ms, retry_after_max_ms;
    int64_t inbox_max_age_ms, remember_days, request_keep_ms;
    int64_t default_depth, default_limit;
};

extern struct writer_conf writer_conf;
extern const struct conf_row writer_conf_rows[];

/* Orders between values that must hold. 0, or -1 with words. */
int writer_conf_check(struct conf_error *error_r);

#endif
