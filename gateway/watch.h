/* The watcher: one thread that knows whether the database is there, hears its notifications, and looks after everything that waits:
 * requests with wait=, and event streams (events.h). It also keeps the clock on connections. */
#ifndef GM_GATEWAY_WATCH_H
#define GM_GATEWAY_WATCH_H

struct request;

void watch_start(void);
/* Answers what is parked, ends what streams, ends the thread. Afterwards parked requests are answered at once. */
void watch_stop(void);
/* Parks a request whose handler has set check and deadline_ms (monotonic). check(req, db, last) is called after notifications until it has
 * answered and said true; with last, when the time is up, it must. */
void watch_park(struct request *req);
/* Looks soon. From any thread. */
void watch_nudge(void);

#endif
