/* The life of a delivery: taken, published and confirmed, acked; outages. Contract in service.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "line/record.h"
#include "line/service_internal.h"

#define HOLD_CHECK_MS 2000
#define UNREAD_MAX    64 /* reports that nobody has taken: then who would read of us */

struct ev_loop *service_loop(struct service *s)
{
    return s->loop;
}

struct mq *service_mq(struct service *s)
{
    return s->mq;
}

bool service_stopping(const struct service *s)
{
    return s->stopping;
}

void service_set_ready(struct service *s, bool ready)
{
    s->stage_ready = ready;
}

bool service_is_ready(const struct service *s)
{
    return s->stage_ready && !s->suspended && !s->stopping && mq_ready(s->mq);
}

bool service_job_void(const struct job *job)
{
    return job->is_void;
}

enum queue_id service_job_queue(const struct job *job)
{
    return job->queue;
}

int64_t service_job_age_ms(const struct job *job)
{
    return clock_mono_ms() - job->taken_at;
}

/* ---- jobs ---- */

/* Page and release out of a message id "PAGE.RELEASE"; 0 and 1 if it is something else. */
static void parse_id(const char *id, int64_t *page_r, int64_t *release_r)
{
    long long page = 0, release = 0;
    int end = 0;
    if (sscanf(id, "%18lld.%18lld%n", &page, &release, &end) != 2 || id[end] || page < 0 || release < 1) {
        page = 0;
        release = 1;
    }
    *page_r = page;
    *release_r = release;
}

struct job *service_job_new(struct service *s, const struct mq_delivery *delivery)
{
    struct job *job = mem_zalloc(sizeof *job);
    job->service = s;
    job->queue = delivery->queue;
    job->tag = delivery->tag;
    job->taken_at = clock_mono_ms();
    job->since = clock_wall_ms();
    parse_id(delivery->message_id, &job->page, &job->release);
    job->prev = s->newest;
    if (s->newest)
        s->newest->next = job;
    else
        s->oldest = job;
    s->newest = job;
    s->job_count++;
    s->unfinished++;
    return job;
}

static void job_free(struct job *job)
{
    struct service *s = job->service;
    if (job->prev)
        job->prev->next = job->next;
    else
        s->oldest = job->next;
    if (job->next)
        job->next->prev = job->prev;
    else
        s->newest = job->prev;
    s->job_count--;
    s->unfinished -= !job->finished;
    free(job);
}

/* Confirmed, then acked (law 4). This is the one place where a stage acks. */
static void job_settle(struct job *job)
{
    if (!job->finished || job->pending > 0) return;
    if (!job->is_void) mq_ack(job->service->mq, job->tag);
    job_free(job);
}

static void on_confirmed(void *context, enum mq_settled how)
{
    struct job *job = context;
    (void)how; /* without MQ_ONESHOT only MQ_CONFIRMED is reported */
    job->pending--;
    job_settle(job);
}

void service_publish(struct service *s, struct job *job, const struct mq_message *message)
{
    if (job) job->pending++;
    mq_publish(s->mq, message, 0, job ? on_confirmed : NULL, job);
}

void service_done(struct service *s, struct job *job, const struct outcome *outcome)
{
    if (outcome) service_outcome(s, outcome, service_job_age_ms(job));
    s->unfinished -= !job->finished;
    job->finished = true;
    job_settle(job);
}

void service_jobs_void(struct service *s, enum queue_id queue)
{
    struct job *next;
    for (struct job *job = s->oldest; job; job = next) {
        next = job->next;
        if (job->queue != queue) continue;
        job->is_void = true;
        mq_forget(s->mq, job); /* whoever gets the delivery next publishes again */
        job->pending = 0;
        job_settle(job);
    }
    if (s->spec->on_reset) s->spec->on_reset(s, queue);
}

void service_jobs_free(struct service *s)
{
    while (s->oldest) {
        mq_forget(s->mq, s->oldest);
        job_free(s->oldest);
    }
}

/* ---- outcomes ---- */

void service_outcome(struct service *s, const struct outcome *o, int64_t ms)
{
    char id[48];
    enum verdict verdict = code_verdict(o->code);
    if ((unsigned)o->code < CODE_COUNT) s->outcomes[o->code]++;
    enum log_level level = verdict == VERDICT_DONE ? LOG_INFO : LOG_WARN;
    if (!log_enabled(level)) return;
    snprintf(id, sizeof id, "%lld.%lld", (long long)o->page, (long long)o->release);
    char reason[64 + LIMIT_DETAIL];
    snprintf(reason, sizeof reason, "%s%s%.*s", code_name(o->code), o->detail ? ": " : "", (int)LIMIT_DETAIL, o->detail ? o->detail : "");
    const struct log_field fields[] = {LOG_STR("job", id),
                                       LOG_STR("url", o->url),
                                       LOG_STR("stage", s->spec->name),
                                       LOG_INT("attempt", o->attempt),
                                       LOG_INT("ms", ms),
                                       LOG_STR("verdict", verdict_name(verdict)),
                                       LOG_STR("reason", reason),
                                       LOG_END};
    log_event(level, "outcome", fields);
}

void service_bad_message(struct service *s, struct job *job, const struct mq_delivery *d, const char *why)
{
    char detail[LIMIT_DETAIL];
    struct record r = {.kind = RECORD_VERDICT, .code = (char *)code_name(CODE_BAD_RECORD), .detail = detail};
    struct buf json;
    snprintf(detail, sizeof detail, "%s: %s", queue_name(d->queue), why);
    r.page = job->page;
    r.release = job->release;
    buf_init(&json, LIMIT_RECORD);
    record_encode(&r, &json);
    size_t len = d->len < LIMIT_BAD_BYTES ? d->len : LIMIT_BAD_BYTES;
    struct buf body;
    buf_init(&body, LIMIT_BAD_BYTES);
    buf_add(&body, d->body, len);
    struct mq_message message = {.queue = QUEUE_DEAD,
                                 .message_id = d->message_id,
                                 .type = "bad.v1",
                                 .content_type = "application/octet-stream",
                                 .record = buf_str(&json),
                                 .len = len,
                                 .body = buf_take(&body)};
    service_publish(s, job, &message);
    buf_release(&json);
    struct outcome outcome = {.page = r.page, .release = r.release, .url = NULL, .attempt = 0, .code = CODE_BAD_RECORD, .detail = detail};
    service_done(s, job, &outcome);
}

/* ---- outages ---- */

/* What is express has a place of its own in every hand: it neither waits for the backlog nor takes its place. */
void service_subscribe(struct service *s)
{
    for (const enum queue_id *q = s->spec->queues; *q != QUEUE_COUNT; q++)
        mq_subscribe(s->mq, *q, queue_is_express(*q) ? EXPRESS_WINDOW : (int)*s->spec->prefetch);
}

void service_suspend(struct service *s, const char *why)
{
    if (s->suspended) return;
    s->suspended = true;
    snprintf(s->why, sizeof s->why, "%s", why);
    log_warn("handing everything back: %s", why);
    for (const enum queue_id *q = s->spec->queues; *q != QUEUE_COUNT; q++) mq_unsubscribe(s->mq, *q);
}

void service_resume(struct service *s)
{
    if (!s->suspended || s->refusing) return;
    s->suspended = s->holding = false;
    log_info("taking messages again");
    if (!s->stopping) service_subscribe(s);
}

bool service_suspended(const struct service *s)
{
    return s->suspended;
}

void service_refuse_newer(struct service *s, struct job *job)
{
    if (!s->refusing) log_error("a message of a newer version came: this program is too old for it and stops taking messages");
    service_suspend(s, "met a message of a newer version; update this program");
    s->refusing = true;
    service_done(s, job, NULL);
}

static void begin_hold(struct service *s)
{
    for (int q = 0; q < QUEUE_COUNT; q++) {
        uint32_t consumers;
        s->held_depth[q] = 0;
        if (!mq_blocked(s->mq) && mq_waiting(s->mq, (enum queue_id)q)) mq_depth(s->mq, (enum queue_id)q, &s->held_depth[q], &consumers);
    }
    service_suspend(s, "messages were held for too long: what comes after is full or away");
    s->holding = true;
    s->hold_check_at = clock_mono_ms() + HOLD_CHECK_MS;
}

/* Room again: the broker has what still waited to be published (a fetched page stays with us, though its ticket does not), and
 * the queues that took nothing are down to four fifths, where the broker itself starts to accept again. */
static bool may_resume(struct service *s)
{
    if (mq_blocked(s->mq) || mq_unsettled(s->mq) > 0) return false;
    for (int q = 0; q < QUEUE_COUNT; q++) {
        uint32_t ready, consumers;
        if (s->held_depth[q] == 0) continue;
        if (mq_depth(s->mq, (enum queue_id)q, &ready, &consumers) != 0) return false;
        if (5 * (uint64_t)ready > 4 * (uint64_t)s->held_depth[q]) return false;
    }
    return true;
}

void service_check_hold(struct service *s)
{
    int64_t now = clock_mono_ms();
    if (s->holding) {
        if (now < s->hold_check_at) return;
        s->hold_check_at = now + HOLD_CHECK_MS;
        if (may_resume(s)) service_resume(s);
        return;
    }
    if (s->suspended || s->stopping) return;
    const struct job *job = s->oldest;
    while (job && job->is_void) job = job->next;
    if (job && now - job->taken_at > service_hold_max_ms()) begin_hold(s);
}

/* ---- alive ---- */

static void on_said(void *context, enum mq_settled how)
{
    struct service *s = context;
    (void)how;
    s->saying = false;
}

/* What is of no use tomorrow must not fill a queue. Who has work has it from a writer that was there within HOLD_MAX; who has none asks
 * whether anybody reads: that blocks while the broker does not answer, which harms nothing then. */
static bool is_read(struct service *s)
{
    uint32_t ready, consumers;
    if (s->unfinished > 0) return true;
    return mq_depth(s->mq, QUEUE_REPORT, &ready, &consumers) == 0 && consumers > 0 && ready <= UNREAD_MAX;
}

static void publish_alive(struct service *s)
{
    struct buf json;
    if (s->saying || !mq_ready(s->mq) || mq_blocked(s->mq) || !is_read(s)) return;
    buf_init(&json, LIMIT_MESSAGE);
    alive_encode(&s->alive, &json);
    struct mq_message message = {.queue = QUEUE_REPORT,
                                 .type = ALIVE_TYPE,
                                 .content_type = "application/json",
                                 .record = buf_str(&json),
                                 .body = mem_strdup("[]"),
                                 .len = 2};
    s->saying = true;
    mq_publish(s->mq, &message, MQ_ONESHOT, on_said, s);
    buf_release(&json);
}

/* The oldest first, should they be too many. A page that was passed on stays until that is confirmed. */
static void list_pages(struct service *s)
{
    s->alive.hand_count = 0;
    for (const struct job *job = s->oldest; job && s->alive.hand_count < ALIVE_HAND; job = job->next)
        if (job->page > 0 && !job->is_void) s->alive.hand[s->alive.hand_count++] = (struct alive_page){job->page, job->release, job->since};
}

static void describe(struct service *s)
{
    struct mq_stats stats;
    struct alive *a = &s->alive;
    mq_stats(s->mq, &stats);
    a->in_hand = (int64_t)stats.in_hand;
    snprintf(a->alarm, sizeof a->alarm, "%s", mq_alarm(s->mq));
    if (s->suspended)
        snprintf(a->why, sizeof a->why, "%s", s->why);
    else if (*a->alarm)
        snprintf(a->why, sizeof a->why, "the broker takes no messages: %s", a->alarm);
    else
        snprintf(a->why, sizeof a->why, "%s", mq_ready(s->mq) ? "" : "waiting for the broker");
    a->why[utf8_floor(a->why, strlen(a->why))] = '\0';
    snprintf(a->state, sizeof a->state, "%s", s->stopping ? "stopping" : *a->why ? "waiting" : "working");
    if (s->spec->on_alive) s->spec->on_alive(s, a);
}

/* With the clock's second, so that what the programs say is of one instant: of a page that moves on meanwhile two would speak, or none.
 * Without pages in hand less often. */
void service_say_alive(struct service *s)
{
    int64_t now = clock_mono_ms();
    list_pages(s);
    bool pages = s->alive.hand_count > 0;
    if (!pages && !s->had_pages && s->said_at != INT64_MIN && now - s->said_at < ALIVE_EVERY_MS) return;
    s->said_at = now;
    s->had_pages = pages;
    describe(s);
    publish_alive(s);
}
