/* The writer's configuration table. */
#include "writer/conf.h"

#include <stdio.h>

#include "line/limits.h"
#include "line/pg.h"
#include "line/service.h"

struct writer_conf writer_conf;

#define DAY_MS (24 * 3600 * 1000.0)

const struct conf_row writer_conf_rows[] = {
    {"DATABASE_URL", CONF_STRING, &writer_conf.database_url, "postgresql:///gistmill", 0, 2000, CONF_SECRET,
     "the database, as libpq reads it"},
    {"PREFETCH", CONF_INT, &writer_conf.prefetch, "256", 1, 2000, 0, "messages of each queue taken at once"},
    {"FRONTIER_WINDOW", CONF_INT, &writer_conf.window, "256", 1, WINDOW_MAX, 0, "pages in flight at most, in the whole system"},
    {"HOST_DELAY", CONF_MS, &writer_conf.host_delay_ms, "1s", 0, DAY_MS, 0,
     "pause between two requests to one host; 0: none, FETCH_PER_HOST at once"},
    {"HOST_DELAY_FACTOR", CONF_INT, &writer_conf.delay_factor, "2", 0, 100, 0,
     "the pause is at least so many times what the last answer took, up to CRAWL_DELAY_MAX; 0: it is not"},
    {"HOST_BACKOFF_MAX", CONF_MS, &writer_conf.host_backoff_max_ms, "5m", 1, DAY_MS, 0,
     "longest pause of a host that fails; begins with RETRY_BACKOFF and doubles"},
    {"HOST_STALL", CONF_MS, &writer_conf.host_stall_ms, "24h", 100, 100 * DAY_MS, 0,
     "a host that was tried in vain so long is given up: what waits for it ends"},
    {"FETCH_PER_HOST", CONF_INT, &writer_conf.fetch_per_host, "8", 1, 1000, 0, "requests at once to a host without delay"},
    {"ATTEMPTS", CONF_INT, &writer_conf.attempts, "3", 1, 100, 0, "tries of a page before a passing fault becomes final"},
    {"RETRY_BACKOFF", CONF_MS, &writer_conf.backoff_ms, "1s", 1, DAY_MS, 0, "wait before the second try; doubles, with jitter"},
    {"RETRY_BACKOFF_MAX", CONF_MS, &writer_conf.backoff_max_ms, "10s", 1, DAY_MS, 0, "longest wait between two tries"},
    {"TICKET_DEADLINE", CONF_MS, &writer_conf.ticket_ms, "30s", 100, DAY_MS, 0,
     "a fetch is started within this time after its release or not at all"},
    {"FETCH_TIMEOUT", CONF_MS, &writer_conf.fetch_timeout_ms, "30s", 100, DAY_MS, 0, "total time of a fetch; must be the fetcher's value"},
    {"TICKET_GRACE", CONF_MS, &writer_conf.ticket_grace_ms, "30s", 0, DAY_MS, 0, "added to both before a ticket is given up"},
    {"LEASE", CONF_MS, &writer_conf.lease_ms, "10m", 100, DAY_MS, 0, "all queues idle so long: pages without a result are lost"},
    {"SUMMARY_TIMEOUT", CONF_MS, &writer_conf.summary_timeout_ms, "1m", 50, 240000, 0,
     "the longest call of the line; must be the summarizer's value"},
    {"MAX_AGE", CONF_MS, &writer_conf.max_age_ms, "24h", 100, 100 * DAY_MS, 0, "a page in flight so long is lost in any case"},
    {"USER_AGENT_TOKEN", CONF_STRING, &writer_conf.agent, "gistmill", 1, 100, 0, "our name in robots.txt"},
    {"ROBOTS_TTL", CONF_MS, &writer_conf.robots_ttl_ms, "24h", 100, 100 * DAY_MS, 0, "a robots.txt is used so long"},
    {"CRAWL_DELAY_MAX", CONF_MS, &writer_conf.crawl_delay_max_ms, "30s", 0, DAY_MS, 0, "a longer Crawl-delay counts as this"},
    {"RETRY_AFTER_MAX", CONF_MS, &writer_conf.retry_after_max_ms, "10m", 0, DAY_MS, 0, "a longer Retry-After counts as this"},
    {"INBOX_MAX_AGE", CONF_MS, &writer_conf.inbox_max_age_ms, "24h", 0, 1000 * DAY_MS, 0,
     "a bare URL sent again is fetched again after this time"},
    {"REMEMBER_DAYS", CONF_INT, &writer_conf.remember_days, "1", 0, 3650, 0,
     "days for which a permanent verdict on a URL counts in other crawls; 0: not at all"},
    {"REQUEST_KEEP", CONF_MS, &writer_conf.request_keep_ms, "720h", 1000, 10000 * DAY_MS, 0,
     "requests of a gateway are kept so long, and their Idempotency-Keys; the first of a crawl as long as the crawl"},
    {"CRAWL_DEPTH", CONF_INT, &writer_conf.default_depth, "2", 0, LIMIT_DEPTH, 0, "depth of a crawl that does not say"},
    {"CRAWL_LIMIT", CONF_INT, &writer_conf.default_limit, "1000", 1, 1e9, 0, "limit of a crawl that does not say"},
    CONF_END,
};

int writer_conf_check(struct conf_error *error_r)
{
    if (!pg_url_valid(writer_conf.database_url)) {
        snprintf(error_r->text, sizeof error_r->text,
                 "DATABASE_URL=***: must be postgresql://user:password@host:port/name, or what else libpq reads");
        return -1;
    }
    int64_t least = service_hold_max_ms() + writer_conf.summary_timeout_ms + 3 * service_heartbeat_ms();
    if (writer_conf.backoff_max_ms < writer_conf.backoff_ms) {
        snprintf(error_r->text, sizeof error_r->text, "RETRY_BACKOFF_MAX must not be below RETRY_BACKOFF");
        return -1;
    }
    /* Held messages are not seen: the line may only be called idle after nobody can hold one any more. */
    if (writer_conf.lease_ms <= least) {
        snprintf(error_r->text, sizeof error_r->text, "LEASE must exceed HOLD_MAX + SUMMARY_TIMEOUT + 3 x AMQP_HEARTBEAT, %lld ms",
                 (long long)least);
        return -1;
    }
    return 0;
}
