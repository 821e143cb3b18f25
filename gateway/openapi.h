/* GET /openapi.json: the table of routes, as OpenAPI 3.1. */
#ifndef GM_GATEWAY_OPENAPI_H
#define GM_GATEWAY_OPENAPI_H

struct db;
struct request;

void openapi_get(struct request *req, struct db *db);

#endif
