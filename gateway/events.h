/* Event streams of crawls. */
#ifndef GM_GATEWAY_EVENTS_H
#define GM_GATEWAY_EVENTS_H

struct db;
struct request;

/* GET /v1/crawl/{id}/events. */
void events_handle(struct request *req, struct db *db);
/* Reads what is new and wakes who waits for it; db NULL: it is away, and streams hear that we are not. By the watcher. */
void events_turn(struct db *db);
/* Ends all streams. */
void events_stop(void);

#endif
