/* Wishes that are written into the table `request` for the writers, and what became of them. */
#ifndef GM_GATEWAY_REQUESTS_H
#define GM_GATEWAY_REQUESTS_H

#include <stdbool.h>

#define REQUEST_BODY_MAX (1u << 20) /* of a body, as sql/011_gateway.sql checks it */

struct db;
struct request;

struct wish {
    const char *body;           /* a seed message */
    bool express, inbox, force; /* sql/011_gateway.sql says what they mean */
};

/* Writes it down, under the client's Idempotency-Key if there is one; req->digest gets its id. False: the answer is there. */
bool request_wish(struct request *req, struct db *db, const struct wish *wish);
/* The same for one page that somebody waits for: it goes to the express inbox. force: a page that has ended is fetched again. */
bool request_page(struct request *req, struct db *db, const char *url, bool force);

struct taken {
    bool is_taken; /* by a writer, and not refused */
    char id[40];   /* of the crawl, else of the request */
};
/* What has become of the wish of req->digest. False: the answer is there: it was refused, it is there no more, or the database is away. */
bool request_taken(struct request *req, struct db *db, struct taken *taken_r);

#endif
