/* The wire format of Firecrawl v2, for its clients: crawl, batch/scrape and scrape. docs/API.md says what of it we honour. */
#ifndef GM_GATEWAY_FIRECRAWL_H
#define GM_GATEWAY_FIRECRAWL_H

struct buf;
struct cJSON;
struct db;
struct request;

void fc_crawl(struct request *req, struct db *db);
void fc_batch(struct request *req, struct db *db);
void fc_scrape(struct request *req, struct db *db);
void fc_status(struct request *req, struct db *db);
void fc_errors(struct request *req, struct db *db);
void fc_active(struct request *req, struct db *db);
void fc_cancel(struct request *req, struct db *db);

/* A crawl's request in our own words, to be freed with cJSON_Delete; fields that we know and cannot honour are named in warning. NULL: a field
 * cannot be used: *field_r names it. */
struct cJSON *fc_seed(const struct cJSON *body, struct buf *warning, const char **field_r);

#endif
