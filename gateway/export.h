/* GET /v1/crawl/{id}/export: every stored page, as JSON lines or Markdown. */
#ifndef GM_GATEWAY_EXPORT_H
#define GM_GATEWAY_EXPORT_H

struct db;
struct request;

void export_handle(struct request *req, struct db *db);

#endif
