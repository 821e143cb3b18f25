/* Workers: threads with a database connection each. Quick requests and slow ones have workers of their own. */
#ifndef GM_GATEWAY_WORK_H
#define GM_GATEWAY_WORK_H

#include <stdbool.h>

struct db;
struct request;

/* Something else that a worker does once: the filling of a stream. */
struct task {
    void (*run)(struct task *task, struct db *db);
    struct task *next;
};

void work_start(void);
/* Answers what waits with UNAVAILABLE, finishes what is begun, ends the threads. Afterwards nothing is taken. */
void work_stop(void);
/* Hands a request over; false: too many wait. */
bool work_give(struct request *req, bool slow);
/* Hands a task to the slow workers; it is run in any case, after work_stop with db = NULL, by the caller. */
void work_task(struct task *task);

#endif
