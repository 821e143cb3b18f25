/* Pages: of a crawl, alone, explained; and summaries by URL. */
#ifndef GM_GATEWAY_PAGES_H
#define GM_GATEWAY_PAGES_H

struct db;
struct request;
struct url;

void page_list(struct request *req, struct db *db);
void page_get(struct request *req, struct db *db);
void page_by_url(struct request *req, struct db *db);
void page_explain(struct request *req, struct db *db);
void summary_get(struct request *req, struct db *db);
void summary_post(struct request *req, struct db *db);

/* The query's `url`, canonical. False: the answer is there. */
_Bool page_query_url(struct request *req, struct url *url_r);

#endif
