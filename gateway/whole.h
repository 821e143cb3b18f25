/* Search, and the state of the whole. */
#ifndef GM_GATEWAY_WHOLE_H
#define GM_GATEWAY_WHOLE_H

struct db;
struct request;

void search_get(struct request *req, struct db *db);
void status_get(struct request *req, struct db *db);

#endif
