/* The table of routes; contract in routes.h. */
#include "gateway/routes.h"

#include <string.h>

#include "gateway/assets.h"
#include "gateway/crawls.h"
#include "gateway/events.h"
#include "gateway/export.h"
#include "gateway/firecrawl.h"
#include "gateway/openapi.h"
#include "gateway/pages.h"
#include "gateway/probes.h"
#include "gateway/whole.h"

static const struct route routes[] = {
    {METHOD_POST, "/v1/crawl", crawl_post, ROUTE_JSON, "starts a crawl: the fields of a seed; Idempotency-Key", NULL},
    {METHOD_POST, "/v1/inbox", inbox_post, ROUTE_JSON, "single pages, no crawl: urls, express; Idempotency-Key", NULL},
    {METHOD_GET, "/v1/crawl", crawl_list, 0, "crawls, newest first", "state limit cursor"},
    {METHOD_GET, "/v1/crawl/active", crawl_active, 0, "crawls that run", NULL},
    {METHOD_GET, "/v1/crawl/{id}", crawl_get, 0, "a crawl: state, counts, pace, why it waits", NULL},
    {METHOD_DELETE, "/v1/crawl/{id}", crawl_delete, ROUTE_SLOW, "cancels; with purge=true deletes one that has ended, with its pages",
     "purge"},
    {METHOD_POST, "/v1/crawl/{id}/pause", crawl_pause, 0, "nothing more is released", NULL},
    {METHOD_POST, "/v1/crawl/{id}/resume", crawl_resume, ROUTE_SLOW, "goes on", NULL},
    {METHOD_POST, "/v1/crawl/{id}/cancel", crawl_cancel, 0, "ends for good", NULL},
    {METHOD_POST, "/v1/crawl/{id}/recrawl", crawl_recrawl, 0, "a new run of one that has ended", NULL},
    {METHOD_POST, "/v1/crawl/{id}/retry-failed", crawl_retry, ROUTE_SLOW, "tries failed pages again, all or those of one code", "code"},
    {METHOD_GET, "/v1/crawl/{id}/events", events_handle, 0, "server-sent events: start, progress, page, done; Last-Event-ID goes on",
     "after"},
    {METHOD_GET, "/v1/crawl/{id}/export", export_handle, 0, "all pages with article and summary, streamed", "format"},
    {METHOD_GET, "/v1/crawl/{id}/pages", page_list, ROUTE_SLOW, "its pages", "state code q depth sort limit cursor"},
    {METHOD_GET, "/v1/page/{id}", page_get, 0, "a page: article, summary, attempts", NULL},
    {METHOD_GET, "/v1/page", page_by_url, 0, "the same by URL", "url crawl"},
    {METHOD_GET, "/v1/explain", page_explain, ROUTE_SLOW, "all that is known of a URL, also why it is no page", "url crawl"},
    {METHOD_GET, "/v1/summary", summary_get, 0, "the summary of a URL; never starts work", "url"},
    {METHOD_POST, "/v1/summary", summary_post, ROUTE_JSON, "asks for the summary of a URL, before all else: url, wait, force", NULL},
    {METHOD_GET, "/v1/search", search_get, ROUTE_SLOW, "full-text search", "q crawl limit cursor"},
    {METHOD_GET, "/v1/status", status_get, ROUTE_SLOW, "programs, queues, crawls, broker, model, disk", NULL},
    {METHOD_POST, "/v2/crawl", fc_crawl, ROUTE_JSON, "Firecrawl v2: startCrawl", NULL},
    {METHOD_GET, "/v2/crawl/active", fc_active, 0, "Firecrawl v2: getActiveCrawls", NULL},
    {METHOD_GET, "/v2/crawl/{id}", fc_status, ROUTE_SLOW, "Firecrawl v2: getCrawlStatus", "skip limit cursor"},
    {METHOD_DELETE, "/v2/crawl/{id}", fc_cancel, 0, "Firecrawl v2: cancelCrawl", NULL},
    {METHOD_GET, "/v2/crawl/{id}/errors", fc_errors, ROUTE_SLOW, "Firecrawl v2: getCrawlErrors", NULL},
    {METHOD_POST, "/v2/scrape", fc_scrape, ROUTE_JSON, "Firecrawl v2: scrape", NULL},
    {METHOD_POST, "/v2/batch/scrape", fc_batch, ROUTE_JSON, "Firecrawl v2: startBatchScrape", NULL},
    {METHOD_GET, "/v2/batch/scrape/{id}", fc_status, ROUTE_SLOW, "Firecrawl v2: getBatchScrapeStatus", "skip limit cursor"},
    {METHOD_DELETE, "/v2/batch/scrape/{id}", fc_cancel, 0, "Firecrawl v2: cancelBatchScrape", NULL},
    {METHOD_GET, "/v2/batch/scrape/{id}/errors", fc_errors, ROUTE_SLOW, "Firecrawl v2: getBatchScrapeErrors", NULL},
    {METHOD_GET, "/openapi.json", openapi_get, ROUTE_OPEN | ROUTE_NOW, "this", NULL},
    {METHOD_GET, "/healthz", probe_health, ROUTE_OPEN | ROUTE_NOW, "200 as long as it runs", NULL},
    {METHOD_GET, "/readyz", probe_ready, ROUTE_OPEN | ROUTE_NOW, "200 if the database is there, else 503 and why", NULL},
    {METHOD_GET, "/metrics", probe_metrics, ROUTE_OPEN | ROUTE_NOW, "Prometheus", NULL},
};
#define ROUTES (sizeof routes / sizeof *routes)

/* The page's files are routes, too: one that is opened by whatever path has no extension is the page itself. */
static const struct route asset_route = {METHOD_GET, "/{file}", asset_get, ROUTE_OPEN | ROUTE_NOW, "the web page", NULL};

/* True if a path fits a pattern; what stands for {…} goes to args_r. */
static bool fits(const char *pattern, const char *path, char args_r[2][ARG_MAX_BYTES])
{
    for (int arg = 0; *pattern;) {
        if (*pattern != '{') {
            if (*pattern++ != *path++) return false;
            continue;
        }
        size_t n = strcspn(path, "/");
        if (n == 0 || n >= ARG_MAX_BYTES || arg == 2) return false;
        memcpy(args_r[arg], path, n);
        args_r[arg++][n] = '\0';
        path += n;
        pattern = strchr(pattern, '}') + 1;
    }
    return *path == '\0';
}

const struct route *route_find(enum method method, const char *path, char args_r[2][ARG_MAX_BYTES], unsigned *allow_r)
{
    *allow_r = 0;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(routes[i].path, path, args_r)) continue;
        if (routes[i].method == method) return &routes[i];
        *allow_r |= 1u << routes[i].method;
    }
    if (*allow_r || !asset_exists(path)) return NULL;
    if (method == METHOD_GET) return &asset_route;
    *allow_r = 1u << METHOD_GET;
    return NULL;
}

const struct route *route_at(size_t i)
{
    return i < ROUTES ? &routes[i] : NULL;
}
