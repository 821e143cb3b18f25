/* The gateway's configuration and counters. */
#ifndef GM_GATEWAY_GATEWAY_H
#define GM_GATEWAY_GATEWAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"

#define GATEWAY_HTTP_THREADS 2           /* loops of the HTTP server; they never wait for anything */
#define GATEWAY_HEAD_MAX     (16u << 10) /* request line and headers; more is 431 */
#define GATEWAY_ANSWER_MAX   (64u << 20) /* an answer that is made in memory */
#define GATEWAY_WORK_MAX     1024        /* requests that wait for a worker; then 503 */
#define GATEWAY_WAIT_MAX     2048        /* requests that wait for a result (wait=); then they are answered at once */
#define GATEWAY_SLOW_FACTOR  10          /* a statement of what may take long has so many times the time of others */
#define GATEWAY_REQUEST_S    30          /* a request must have come as a whole within this */

struct gateway_conf {
    char *database_url, *addr, *hosts, *disk_path, *log_level;
    bool no_key, access_log;
    int64_t clients, workers, body_max, database_timeout_ms, idle_ms;
};
extern struct gateway_conf gateway_conf;
extern const struct conf_row gateway_conf_rows[];
/* Checks the configuration as a whole. 0, or -1 with words. */
int gateway_conf_check(struct conf_error *error_r);

/* What /metrics tells. */
struct gateway_stats {
    atomic_ullong requests, faults_4xx, faults_5xx, bytes, database_lost, refused_busy;
    atomic_int connections, streams, waiting, work, later; /* later: requests that went to a worker, until their answer was sent */
};
extern struct gateway_stats gateway_stats;

#endif
