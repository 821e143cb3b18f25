/* What service.c (arguments, loop) and service_job.c (the life of deliveries) share. */
#ifndef GM_LINE_SERVICE_INTERNAL_H
#define GM_LINE_SERVICE_INTERNAL_H

#include "line/alive.h"
#include "line/service.h"
#include "line/status.h"

struct job {
    struct job *prev, *next;
    struct service *service;
    enum queue_id queue;
    uint64_t tag;
    int64_t page, release; /* by its message id; 0 and 1: it is about none */
    int64_t taken_at;      /* monotonic ms */
    int64_t since;         /* the same on the wall clock: for people */
    unsigned pending;      /* publishes not confirmed yet */
    bool finished;         /* service_done was called */
    bool is_void;          /* the broker has taken the delivery back */
};

struct service {
    const struct service_spec *spec;
    struct ev_loop *loop;
    struct mq *mq;
    struct status *status;
    int ready_fd; /* -1: nobody waits */
    bool stopping, stage_ready;

    struct job *oldest, *newest;
    size_t job_count;
    size_t unfinished; /* of them */

    bool suspended;
    bool holding;  /* suspended because messages were held too long: resumes by itself */
    bool refusing; /* met a newer version: for good */
    char why[160];
    uint32_t held_depth[QUEUE_COUNT]; /* ready messages of the queues that took nothing when it began to hold, else 0 */
    int64_t hold_check_at;

    uint64_t outcomes[CODE_COUNT];

    struct alive alive;
    int64_t said_at; /* monotonic ms */
    bool saying;     /* the broker has not answered */
    bool had_pages;  /* and said so */
};

/* service_job.c */
struct job *service_job_new(struct service *s, const struct mq_delivery *delivery);
void service_jobs_void(struct service *s, enum queue_id queue);
void service_jobs_free(struct service *s);
void service_subscribe(struct service *s);
void service_check_hold(struct service *s);
bool service_is_ready(const struct service *s);
void service_say_alive(struct service *s);

#endif
