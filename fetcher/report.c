/* Reports to the writer; contract in report.h. */
#include "fetcher/report.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"

#define FLYING_MAX 4            /* messages on their way before gathering begins */
#define FULL_BYTES (512u << 10) /* then the message goes out, whatever is on its way */

struct batch {
    struct batch *prev, *next; /* among those on their way */
    struct report *report;
    struct buf body;
    void **contexts;
    size_t count, cap;
};

struct report {
    struct mq *mq;
    report_done_fn *done;
    struct batch *open; /* never NULL */
    struct batch *flying;
    size_t flying_count;
};

static struct batch *batch_new(struct report *report)
{
    struct batch *b = mem_zalloc(sizeof *b);
    b->report = report;
    buf_init(&b->body, FULL_BYTES + LIMIT_RECORD);
    return b;
}

static void batch_free(struct batch *b)
{
    buf_release(&b->body);
    free(b->contexts);
    free(b);
}

static void unlink_batch(struct batch *b)
{
    if (b->prev)
        b->prev->next = b->next;
    else
        b->report->flying = b->next;
    if (b->next) b->next->prev = b->prev;
    b->report->flying_count--;
}

static void on_settled(void *context, enum mq_settled how)
{
    struct batch *b = context;
    (void)how; /* without MQ_ONESHOT only MQ_CONFIRMED is reported */
    unlink_batch(b);
    for (size_t i = 0; i < b->count; i++) b->report->done(b->contexts[i]);
    batch_free(b);
}

static void send_open(struct report *report)
{
    struct batch *b = report->open;
    if (b->count == 0) return;
    buf_add_char(&b->body, ']');
    b->next = report->flying;
    if (b->next) b->next->prev = b;
    report->flying = b;
    report->flying_count++;
    report->open = batch_new(report);
    struct mq_message message = {.queue = QUEUE_REPORT, .type = "report.v1", .content_type = "application/json", .len = b->body.len};
    message.body = buf_take(&b->body);
    mq_publish(report->mq, &message, 0, on_settled, b);
}

struct report *report_new(struct mq *mq, report_done_fn *done)
{
    struct report *report = mem_zalloc(sizeof *report);
    report->mq = mq;
    report->done = done;
    report->open = batch_new(report);
    return report;
}

void report_free(struct report **report)
{
    struct report *r = *report;
    if (!r) return;
    while (r->flying) {
        struct batch *b = r->flying;
        mq_forget(r->mq, b);
        unlink_batch(b);
        batch_free(b);
    }
    batch_free(r->open);
    free(r);
    *report = NULL;
}

void report_add(struct report *report, const struct record *record, void *context)
{
    struct batch *b = report->open;
    buf_add_char(&b->body, b->count == 0 ? '[' : ',');
    /* Every field is within its limit, so a record fits. */
    if (!record_encode(record, &b->body)) log_panic("a report of more than %u bytes", LIMIT_RECORD);
    b->contexts = mem_grow(b->contexts, &b->cap, b->count + 1, sizeof *b->contexts);
    b->contexts[b->count++] = context;
    if (b->count >= LIMIT_REPORT_RECORDS || b->body.len >= FULL_BYTES) send_open(report);
}

void report_flush(struct report *report)
{
    if (report->flying_count < FLYING_MAX && !mq_gathering(report->mq)) send_open(report);
}
