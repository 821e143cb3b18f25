/* The broker wrapper: names, arguments and depths of the queues (docs/ARCHITECTURE.md, "Queues"). */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "line/limits.h"
#include "line/mq_internal.h"

struct queue_shape {
    const char *name;
    int64_t length; /* x-max-length, 0: no bound and no dead-lettering */
    int64_t bytes;
};

static const struct queue_shape shapes[QUEUE_COUNT] = {
    [QUEUE_SEED] = {"seed", SEED_QUEUE_LENGTH, 1LL << 30},
    [QUEUE_URL] = {"url", QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_HTML] = {"html", QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_ARTICLE] = {"article", QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_SUMMARY] = {"summary", QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_REPORT] = {"report", REPORT_QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_DEAD] = {"dead", 0, 0},
    [QUEUE_SEED_EXPRESS] = {"seed.express", SEED_QUEUE_LENGTH, 1LL << 30},
    [QUEUE_URL_EXPRESS] = {"url.express", QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_HTML_EXPRESS] = {"html.express", QUEUE_LENGTH, QUEUE_BYTES},
    [QUEUE_ARTICLE_EXPRESS] = {"article.express", QUEUE_LENGTH, QUEUE_BYTES},
};

const char *queue_name(enum queue_id id)
{
    return (unsigned)id < QUEUE_COUNT ? shapes[id].name : "?";
}

bool queue_is_express(enum queue_id id)
{
    return id >= QUEUE_SEED_EXPRESS && id < QUEUE_COUNT;
}

enum queue_id queue_onward(enum queue_id from, enum queue_id to)
{
    static const enum queue_id express[QUEUE_COUNT] = {[QUEUE_SEED] = QUEUE_SEED_EXPRESS,
                                                       [QUEUE_URL] = QUEUE_URL_EXPRESS,
                                                       [QUEUE_HTML] = QUEUE_HTML_EXPRESS,
                                                       [QUEUE_ARTICLE] = QUEUE_ARTICLE_EXPRESS};
    return queue_is_express(from) && express[to] ? express[to] : to;
}

amqp_bytes_t mq_queue_bytes(struct mq *mq, enum queue_id id, char *space, size_t size)
{
    snprintf(space, size, "%s%s", mq->config.prefix, queue_name(id));
    return amqp_cstring_bytes(space);
}

static void put_text(amqp_table_t *t, const char *key, const char *value)
{
    amqp_table_entry_t *e = &t->entries[t->num_entries++];
    e->key = amqp_cstring_bytes(key);
    e->value.kind = AMQP_FIELD_KIND_UTF8;
    e->value.value.bytes = amqp_cstring_bytes(value);
}

static void put_number(amqp_table_t *t, const char *key, int64_t value)
{
    amqp_table_entry_t *e = &t->entries[t->num_entries++];
    e->key = amqp_cstring_bytes(key);
    e->value.kind = AMQP_FIELD_KIND_I64;
    e->value.value.i64 = value;
}

static bool admin_open(struct mq *mq)
{
    if (!mq->admin) mq->admin = mq_channel_open(mq, &mq->consume);
    return mq->admin != 0;
}

/* The broker closed the admin channel: it wants close-ok, and the next call gets a channel of a new number. */
static void admin_closed(struct mq *mq)
{
    amqp_channel_close_ok_t ok = {0};
    amqp_send_method(mq->consume.conn, mq->admin, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    mq->admin = 0;
}

static bool declare(struct mq *mq, enum queue_id id, bool passive, uint16_t *error_r, amqp_queue_declare_ok_t *ok_r)
{
    char name[128], dead[128];
    amqp_table_entry_t entries[8];
    amqp_table_t args = {.num_entries = 0, .entries = entries};
    mq_queue_bytes(mq, QUEUE_DEAD, dead, sizeof dead);
    put_text(&args, "x-queue-type", "quorum");
    put_number(&args, "x-delivery-limit", shapes[id].length ? DELIVERY_LIMIT : 1000 * DELIVERY_LIMIT);
    if (shapes[id].length) {
        put_number(&args, "x-max-length", shapes[id].length);
        put_number(&args, "x-max-length-bytes", shapes[id].bytes);
        put_text(&args, "x-overflow", "reject-publish");
        put_text(&args, "x-dead-letter-exchange", "");
        put_text(&args, "x-dead-letter-routing-key", dead);
        put_text(&args, "x-dead-letter-strategy", "at-least-once");
    }
    *error_r = 0;
    if (!admin_open(mq)) return false;
    amqp_queue_declare_ok_t *ok = amqp_queue_declare(mq->consume.conn, mq->admin, mq_queue_bytes(mq, id, name, sizeof name), passive, 1, 0,
                                                     0, passive ? amqp_empty_table : args);
    if (mq_rpc_ok(&mq->consume, amqp_get_rpc_reply(mq->consume.conn), "queue.declare", error_r)) {
        if (ok_r) *ok_r = *ok;
        amqp_maybe_release_buffers_on_channel(mq->consume.conn, mq->admin);
        return true;
    }
    if (*error_r) admin_closed(mq);
    return false;
}

bool mq_declare_all(struct mq *mq)
{
    static bool warned[QUEUE_COUNT];
    for (int k = 0; k < QUEUE_COUNT; k++) {
        int i = (k + QUEUE_DEAD) % QUEUE_COUNT; /* dead first: the others point to it */
        uint16_t error;
        if (declare(mq, (enum queue_id)i, false, &error, NULL)) continue;
        if (!error || !declare(mq, (enum queue_id)i, true, &error, NULL)) return false;
        if (!warned[i])
            log_warn("queue %s%s was declared by somebody else with other arguments; using it as it is", mq->config.prefix,
                     queue_name((enum queue_id)i));
        warned[i] = true;
    }
    return true;
}

bool mq_queue_disposable(enum queue_id id)
{
    return id != QUEUE_SEED && id != QUEUE_SEED_EXPRESS;
}

/* Several programs may be at it. Whoever comes second finds a consumer, or deletes a queue that was declared a moment ago: then
 * the other one, as after any deletion, declares and subscribes again. The broker cannot be asked to delete only if nobody
 * consumes: a quorum queue does not know that condition. */
void mq_queue_remake(struct mq *mq, enum queue_id id)
{
    char name[128];
    uint16_t error;
    amqp_queue_declare_ok_t there = {0};
    mq_queue_bytes(mq, id, name, sizeof name);
    if (!declare(mq, id, true, &error, &there) && !error) return;
    if (there.consumer_count || there.message_count) return;
    log_warn("queue %s refuses everybody: the broker has lost it. Deleting and declaring it; what was in it comes again", name);
    if (!admin_open(mq)) return;
    amqp_queue_delete(mq->consume.conn, mq->admin, amqp_cstring_bytes(name), 0, 0);
    if (mq_rpc_ok(&mq->consume, amqp_get_rpc_reply(mq->consume.conn), "queue.delete", &error))
        declare(mq, id, false, &error, NULL);
    else if (error)
        admin_closed(mq);
}

int mq_depth(struct mq *mq, enum queue_id queue, uint32_t *ready_r, uint32_t *consumers_r)
{
    uint16_t error;
    amqp_queue_declare_ok_t ok;
    if (!mq->consume.conn || mq->consume.broken) return -1;
    if (!declare(mq, queue, true, &error, &ok)) {
        if (error) mq->declared = false;
        return -1;
    }
    *ready_r = ok.message_count;
    *consumers_r = ok.consumer_count;
    return 0;
}
