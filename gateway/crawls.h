/* /v1/crawl: crawls are asked for, looked at and steered. */
#ifndef GM_GATEWAY_CRAWLS_H
#define GM_GATEWAY_CRAWLS_H

struct db;
struct request;

void crawl_post(struct request *req, struct db *db);
void inbox_post(struct request *req, struct db *db);
void crawl_list(struct request *req, struct db *db);
void crawl_active(struct request *req, struct db *db);
void crawl_get(struct request *req, struct db *db);
void crawl_pause(struct request *req, struct db *db);
void crawl_resume(struct request *req, struct db *db);
void crawl_cancel(struct request *req, struct db *db);
void crawl_recrawl(struct request *req, struct db *db);
void crawl_retry(struct request *req, struct db *db);
void crawl_delete(struct request *req, struct db *db);

#endif
