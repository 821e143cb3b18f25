/* The common shape of the four programs: arguments, configuration, broker, loop, signals, metrics; and the life of a
 * delivery: taken, worked on, published and confirmed, acked.
 *
 * A stage takes a delivery (on_message), later calls service_done() once for it. In between it may publish any number of
 * messages with service_publish(): the ack waits for all of them to be confirmed. */
#ifndef GM_LINE_SERVICE_H
#define GM_LINE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "line/codes.h"
#include "line/mq.h"

struct alive;
struct service;
struct job; /* one delivery in hand */

struct service_spec {
    const char *name;            /* "parser" */
    const char *about;           /* one line for --help */
    const struct conf_row *conf; /* the program's own rows */
    const enum queue_id *queues; /* consumed; ended by QUEUE_COUNT */
    const int64_t *prefetch;     /* points to a configuration value; an express queue has EXPRESS_WINDOW on top */
    /* Checks the configuration as a whole. 0, or -1 with words. May be NULL. */
    int (*check)(struct conf_error *error_r);
    /* --once, --batch, --migrate and the like: returns an exit status, or -1 for "not mine". argv without the program. */
    int (*command)(int argc, char **argv);
    const char *command_help; /* lines for --help, or NULL */
    /* Starts the stage. 0, or an exit status after saying why. */
    int (*init)(struct service *service);
    /* Takes a delivery. Copy what outlives the call. */
    void (*on_message)(struct service *service, struct job *job, const struct mq_delivery *delivery);
    /* The jobs of this queue are void (service_job_void() is true for them): drop or finish them as is cheapest. Each must
     * still be given to service_done(). May be NULL. */
    void (*on_reset)(struct service *service, enum queue_id queue);
    /* Before the loop blocks: send out what was gathered. May be NULL. */
    void (*on_turn)(struct service *service);
    /* Every second. May be NULL. */
    void (*on_tick)(struct service *service);
    /* What the program is about to say of itself in `report` (alive.h), every few seconds and each second while pages are in hand: may be
     * added to. May be NULL. */
    void (*on_alive)(struct service *service, struct alive *alive);
    /* SIGTERM came: take nothing new. The loop ends when no job is in hand, nothing is unsettled and the stage is not busy. May be NULL. */
    void (*on_stop)(struct service *service);
    /* True while something is under way that belongs to no job and must not be dropped by an orderly stop. May be NULL. */
    bool (*busy)(struct service *service);
    void (*deinit)(struct service *service);
    /* Appends the stage's own metrics in Prometheus text format. May be NULL. */
    void (*metrics)(struct service *service, struct buf *out);
};

/* main() of every program. */
int service_run(const struct service_spec *spec, int argc, char **argv);

/* Values of the common configuration that programs check their own against, ms. */
int64_t service_hold_max_ms(void);
int64_t service_heartbeat_ms(void);

struct ev_loop *service_loop(struct service *service);
struct mq *service_mq(struct service *service);
bool service_stopping(const struct service *service);
/* The stage's own part of /readyz, true by default. */
void service_set_ready(struct service *service, bool ready);

/* An outage (law 9): hands back everything in hand, stops consuming; service_resume subscribes again. Idempotent.
 * why: a few words for log, /readyz and metrics. */
void service_suspend(struct service *service, const char *why);
void service_resume(struct service *service);
bool service_suspended(const struct service *service);

/* Publishes on behalf of a job (NULL: of nobody). The body is taken. */
void service_publish(struct service *service, struct job *job, const struct mq_message *message);
/* What happened to a delivery, for the outcome line: in fixed key order job, url, stage, attempt, ms, verdict, reason. */
struct outcome {
    int64_t page, release;
    const char *url; /* borrowed for the call */
    int64_t attempt;
    enum code code;
    const char *detail; /* NULL: none */
};
void service_outcome(struct service *service, const struct outcome *outcome, int64_t ms);
/* The stage is through with the job: acked as soon as its publishes are confirmed. outcome may be NULL (logged elsewhere).
 * The pointer is dead afterwards. */
void service_done(struct service *service, struct job *job, const struct outcome *outcome);
/* Hands the job's delivery back to the broker unworked, and stops the program's consumption: a record of a newer version.
 * The pointer is dead afterwards. */
void service_refuse_newer(struct service *service, struct job *job);
/* A message that is no record: told to the writer (table bad_record) and acked. The pointer is dead afterwards. */
void service_bad_message(struct service *service, struct job *job, const struct mq_delivery *delivery, const char *why);
bool service_job_void(const struct job *job);
enum queue_id service_job_queue(const struct job *job);
int64_t service_job_age_ms(const struct job *job);

#endif
