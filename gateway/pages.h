/* Pages: of a crawl, alone, explained; and summaries by URL. */
#ifndef GM_GATEWAY_PAGES_H
#define GM_GATEWAY_PAGES_H

#include <stdbool.h>

struct db;
struct digest;
struct pg_stmt;
struct request;
struct url;

void page_list(struct request *req, struct db *db);
void page_get(struct request *req, struct db *db);
void page_by_url(struct request *req, struct db *db);
void page_explain(struct request *req, struct db *db);
void summary_get(struct request *req, struct db *db);
void summary_post(struct request *req, struct db *db);

/* The query's `url`, canonical. False: the answer is there. */
bool page_query_url(struct request *req, struct url *url_r);

enum told { TOLD_FAULT, TOLD_UNKNOWN, TOLD_UNDER_WAY, TOLD_FAILED, TOLD_READY };
/* Looks at a URL with a statement made of SQL_STATE_OF_URL, which gives state and JSON. The JSON is the answer, with 202 if it is under way, unless
 * the URL is unknown. request: NULL, or one that has been taken; only: what is older than it does not count. */
enum told url_look(struct request *req, struct db *db, const struct pg_stmt *stmt, const struct digest *hash, const struct digest *request,
                   bool only);

#endif
