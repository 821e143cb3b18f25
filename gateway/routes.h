/* Which handler answers what: one table. */
#ifndef GM_GATEWAY_ROUTES_H
#define GM_GATEWAY_ROUTES_H

#include "gateway/http.h"

#define ROUTE_OPEN 1u /* for everybody: probes, and files that hold no data */
#define ROUTE_NOW  2u /* answered by the HTTP thread itself: needs no database, takes no time */
#define ROUTE_SLOW 4u /* may take long: its workers are few, so that what is quick is never kept waiting by it */
#define ROUTE_JSON 8u /* the body must be a JSON object, in req->json */

struct route {
    enum method method;
    const char *path; /* {x} stands for one segment */
    void (*handle)(struct request *req, struct db *db);
    unsigned flags;
    const char *about; /* one line; for /openapi.json */
    const char *query; /* parameters, with blanks between them; NULL: none */
};

/* The route of a path, its parameters in args_r. NULL: none; then *allow_r (a bit for each method) says what there is for others. */
const struct route *route_find(enum method method, const char *path, char args_r[2][ARG_MAX_BYTES], unsigned *allow_r);
/* Is called with every route, in the order of the table. */
const struct route *route_at(size_t i);

#endif
