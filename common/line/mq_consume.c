/* The broker wrapper: consuming. One channel a queue; a channel's end is the end of all deliveries made on it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/mq_internal.h"

#define TAG_BITS 40 /* tag = life of the channel << TAG_BITS | delivery tag */
#define RETRY_MS 500

/* RabbitMQ 3.10, killed right after a queue was declared, can come back with a queue that is in its list and has no process, or one
 * that answers nobody. It can be declared and looked at; basic.consume is INTERNAL_ERROR and the end of the connection, or stays
 * without an answer, for as long as that queue is there. One refusal proves nothing: a queue may be without a leader for some
 * seconds. Three or more over 15 s, with the waits between them doubling, do. */
#define REFUSALS       3
#define REFUSED_MS     15000
#define REFUSED_MAX_MS 30000

static struct mq_consumer *by_channel(struct mq *mq, amqp_channel_t channel)
{
    for (int i = 0; i < QUEUE_COUNT; i++)
        if (channel && mq->consumers[i].channel == channel) return &mq->consumers[i];
    return NULL;
}

static enum queue_id queue_of(const struct mq *mq, const struct mq_consumer *c)
{
    return (enum queue_id)(c - mq->consumers);
}

/* Forgets the channel and everything delivered on it; the broker will deliver it again. */
static void reset(struct mq *mq, struct mq_consumer *c)
{
    if (!c->channel) return;
    c->channel = 0;
    c->hand_count = c->done_count = 0;
    c->in.active = false;
    c->retry_at = clock_mono_ms() + RETRY_MS;
    mq->handlers.on_reset(mq->handlers.context, queue_of(mq, c));
}

/* Our own closing: waits for close-ok; what the library parked meanwhile meets no consumer and is dropped. */
static void close_channel(struct mq *mq, struct mq_consumer *c)
{
    amqp_channel_t channel = c->channel;
    reset(mq, c);
    if (!channel || !mq->consume.conn || mq->consume.broken) return;
    mq_rpc_ok(&mq->consume, amqp_channel_close(mq->consume.conn, channel, AMQP_REPLY_SUCCESS), "channel.close", NULL);
}

void mq_subscribe(struct mq *mq, enum queue_id queue, int prefetch)
{
    struct mq_consumer *c = &mq->consumers[queue];
    c->wanted = true;
    c->quiesced = false;
    c->prefetch = prefetch;
    c->retry_at = 0;
}

void mq_unsubscribe(struct mq *mq, enum queue_id queue)
{
    struct mq_consumer *c = &mq->consumers[queue];
    c->wanted = false;
    mq_consume_flush(mq);
    close_channel(mq, c);
}

void mq_quiesce(struct mq *mq, enum queue_id queue)
{
    struct mq_consumer *c = &mq->consumers[queue];
    if (!c->channel || c->quiesced) {
        c->quiesced = true;
        return;
    }
    c->quiesced = true;
    amqp_basic_cancel(mq->consume.conn, c->channel, amqp_cstring_bytes("gm"));
    uint16_t error;
    if (!mq_rpc_ok(&mq->consume, amqp_get_rpc_reply(mq->consume.conn), "basic.cancel", &error) && error) reset(mq, c);
}

static bool is_refusal(amqp_rpc_reply_t reply)
{
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) return reply.library_error == AMQP_STATUS_TIMEOUT;
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) return false;
    if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
        return ((amqp_connection_close_t *)reply.reply.decoded)->reply_code == AMQP_INTERNAL_ERROR;
    return reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD && ((amqp_channel_close_t *)reply.reply.decoded)->reply_code == AMQP_INTERNAL_ERROR;
}

static bool is_lost(const struct mq_consumer *c, int64_t now)
{
    return c->refusals >= REFUSALS && now - c->refused_since >= REFUSED_MS;
}

/* The others must not suffer: they come again at once, this queue in its time. */
static void refused(struct mq *mq, struct mq_consumer *c)
{
    int64_t wait = RETRY_MS;
    for (int i = 0; i < c->refusals && wait < REFUSED_MAX_MS; i++) wait *= 2;
    int64_t now = clock_mono_ms();
    c->retry_at = now + (wait < REFUSED_MAX_MS ? wait : REFUSED_MAX_MS);
    if (c->refusals++ == 0) c->refused_since = now;
    mq->consume.backoff = 0; /* the connection was good */
    if (is_lost(c, now) && !mq_queue_disposable(queue_of(mq, c)))
        log_error("queue %s%s refuses consumers. Only the broker knows what is in it: restart it, or delete the queue", mq->config.prefix,
                  queue_name(queue_of(mq, c)));
}

static void subscribe_now(struct mq *mq, struct mq_consumer *c)
{
    char name[128];
    uint16_t error = 0;
    amqp_connection_state_t conn = mq->consume.conn;
    amqp_channel_t channel = mq_channel_open(mq, &mq->consume);
    c->retry_at = clock_mono_ms() + RETRY_MS;
    if (!channel) return;
    amqp_basic_qos(conn, channel, 0, (uint16_t)c->prefetch, 0);
    if (!mq_rpc_ok(&mq->consume, amqp_get_rpc_reply(conn), "basic.qos", &error)) goto refused;
    /* Known as ours before the first delivery can be read. */
    c->channel = channel;
    c->life = ++mq->lives;
    amqp_basic_consume(conn, channel, mq_queue_bytes(mq, queue_of(mq, c), name, sizeof name), amqp_cstring_bytes("gm"), 0, 0, 0,
                       amqp_empty_table);
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(conn);
    if (mq_rpc_ok(&mq->consume, reply, "basic.consume", &error)) {
        log_debug("consuming %s", name);
        c->refusals = 0;
        return;
    }
    c->channel = 0;
    if (is_refusal(reply)) refused(mq, c);
refused:
    if (!error) return;
    mq->declared = false; /* most likely 404: the queue is gone */
    amqp_channel_close_ok_t ok = {0};
    amqp_send_method(conn, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
}

/* A queue deleted and made again in the same moment can leave us without a subscription and without a word: the broker then
 * subscribes us anew by itself, perhaps to the queue that is just going, or takes the new one's messages for old ones that
 * we have and keeps them to itself. So a subscription that brought nothing for a heartbeat is made anew. The new one is
 * there before the old one goes: there is no instant at which the queue looks abandoned. */
static void renew(struct mq *mq, struct mq_consumer *c)
{
    amqp_channel_t old = c->channel;
    subscribe_now(mq, c);
    if (c->channel == old || mq->consume.broken) return;
    mq_rpc_ok(&mq->consume, amqp_channel_close(mq->consume.conn, old, AMQP_REPLY_SUCCESS), "channel.close", NULL);
}

static void put_off_renewal(struct mq *mq, struct mq_consumer *c, int64_t now)
{
    c->renew_at = now + mq->config.heartbeat_s * 1000;
}

void mq_consume_upkeep(struct mq *mq)
{
    int64_t now = clock_mono_ms();
    for (int i = 0; i < QUEUE_COUNT && mq->declared && !mq->consume.broken; i++) {
        struct mq_consumer *c = &mq->consumers[i];
        if (!c->wanted || c->quiesced) continue;
        bool idle = c->hand_count == 0 && c->done_count == 0 && !c->in.active;
        if (c->channel && (now < c->renew_at || !idle)) continue;
        if (!c->channel && now < c->retry_at) continue;
        put_off_renewal(mq, c, now);
        if (c->channel) {
            renew(mq, c);
            continue;
        }
        bool remakes = is_lost(c, now) && mq_queue_disposable((enum queue_id)i);
        c->retry_at = now + RETRY_MS;
        if (remakes && !mq_queue_remake(mq, (enum queue_id)i)) continue;
        subscribe_now(mq, c);
        if (remakes) mq_queue_remade(mq);
    }
}

int64_t mq_consume_due(const struct mq *mq)
{
    int64_t due = 0;
    for (int i = 0; i < QUEUE_COUNT; i++) {
        const struct mq_consumer *c = &mq->consumers[i];
        if (!c->wanted || c->quiesced || c->channel) continue;
        if (!due || c->retry_at < due) due = c->retry_at ? c->retry_at : 1;
    }
    return due;
}

void mq_consume_lost(struct mq *mq)
{
    for (int i = 0; i < QUEUE_COUNT; i++) {
        reset(mq, &mq->consumers[i]);
        if (!mq->consumers[i].refusals) mq->consumers[i].retry_at = 0;
    }
}

static void hand_over(struct mq *mq, struct mq_consumer *c)
{
    struct mq_assembly *a = &c->in;
    a->active = false;
    if (c->quiesced) return; /* came after the cancel: goes back when the channel closes */
    c->hand = mem_grow(c->hand, &c->hand_cap, c->hand_count + 1, sizeof *c->hand);
    c->hand[c->hand_count++] = a->delivery_tag;
    put_off_renewal(mq, c, clock_mono_ms());
    mq->stats.delivered++;
    struct mq_delivery d = {
        .queue = queue_of(mq, c),
        .tag = c->life << TAG_BITS | a->delivery_tag,
        .redelivered = a->redelivered,
        .message_id = buf_str(&a->message_id),
        .type = buf_str(&a->type),
        .content_type = buf_str(&a->content_type),
        .content_encoding = buf_str(&a->content_encoding),
        .record = buf_str(&a->record),
        .body = buf_str(&a->body),
        .len = a->body.len,
        .oversize = a->oversize,
    };
    mq->handlers.on_delivery(mq->handlers.context, &d);
    if (a->body.cap > 1u << 20) mq_assembly_release(a); /* one large message must not hold its memory for ever */
}

static void channel_closed(struct mq *mq, struct mq_consumer *c, const amqp_frame_t *frame)
{
    const amqp_channel_close_t *close = frame->payload.method.decoded;
    log_warn("channel of %s closed by the broker: %.*s", queue_name(queue_of(mq, c)), (int)close->reply_text.len,
             (char *)close->reply_text.bytes);
    amqp_channel_close_ok_t ok = {0};
    amqp_send_method(mq->consume.conn, frame->channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    mq->declared = false;
    reset(mq, c);
}

static void on_method(struct mq *mq, struct mq_consumer *c, const amqp_frame_t *frame)
{
    switch (frame->payload.method.id) {
    case AMQP_BASIC_DELIVER_METHOD: {
        const amqp_basic_deliver_t *deliver = frame->payload.method.decoded;
        c->in.active = true;
        c->in.delivery_tag = deliver->delivery_tag;
        c->in.redelivered = deliver->redelivered;
        break;
    }
    case AMQP_BASIC_CANCEL_METHOD:
        log_warn("the broker ended the subscription to %s (queue deleted?)", queue_name(queue_of(mq, c)));
        mq->declared = false;
        close_channel(mq, c);
        c->retry_at = 0;
        break;
    case AMQP_CHANNEL_CLOSE_METHOD: channel_closed(mq, c, frame); break;
    default: break;
    }
}

void mq_consume_frame(struct mq *mq, const amqp_frame_t *frame)
{
    struct mq_consumer *c = by_channel(mq, frame->channel);
    if (!c) return;
    if (frame->frame_type == AMQP_FRAME_METHOD) {
        on_method(mq, c, frame);
    } else if (frame->frame_type == AMQP_FRAME_HEADER && c->in.active) {
        mq_assembly_header(&c->in, frame);
        if (c->in.expected == 0) hand_over(mq, c);
    } else if (frame->frame_type == AMQP_FRAME_BODY && c->in.active) {
        if (mq_assembly_body(&c->in, frame)) hand_over(mq, c);
    }
}

void mq_ack(struct mq *mq, uint64_t tag)
{
    uint64_t life = tag >> TAG_BITS, delivery = tag & ((1ULL << TAG_BITS) - 1);
    for (int i = 0; i < QUEUE_COUNT; i++) {
        struct mq_consumer *c = &mq->consumers[i];
        if (!c->channel || c->life != life) continue;
        for (size_t k = 0; k < c->hand_count; k++) {
            if (c->hand[k] != delivery) continue;
            memmove(c->hand + k, c->hand + k + 1, (c->hand_count - k - 1) * sizeof *c->hand);
            c->hand_count--;
            c->done = mem_grow(c->done, &c->done_cap, c->done_count + 1, sizeof *c->done);
            c->done[c->done_count++] = delivery;
            mq->stats.acked++;
            if (mq->loop) ev_idle_start(mq->loop, &mq->idle); /* the turn that sends it comes before the loop blocks */
            return;
        }
    }
}

/* One multiple ack for everything below the oldest delivery still in hand, single ones for the rest. */
static void flush(struct mq *mq, struct mq_consumer *c)
{
    uint64_t oldest = c->hand_count ? c->hand[0] : UINT64_MAX, upto = 0;
    for (size_t i = 0; i < c->done_count; i++)
        if (c->done[i] < oldest && c->done[i] > upto) upto = c->done[i];
    int status = upto ? amqp_basic_ack(mq->consume.conn, c->channel, upto, 1) : AMQP_STATUS_OK;
    for (size_t i = 0; i < c->done_count && status == AMQP_STATUS_OK; i++)
        if (c->done[i] > oldest) status = amqp_basic_ack(mq->consume.conn, c->channel, c->done[i], 0);
    c->done_count = 0;
    if (status != AMQP_STATUS_OK) mq->consume.broken = true;
}

size_t mq_consume_flush(struct mq *mq)
{
    size_t count = 0;
    for (int i = 0; i < QUEUE_COUNT; i++) {
        if (!mq->consumers[i].done_count || !mq->consume.conn || mq->consume.broken) continue;
        count += mq->consumers[i].done_count;
        flush(mq, &mq->consumers[i]);
    }
    return count;
}

size_t mq_consume_done(const struct mq *mq)
{
    size_t most = 0;
    for (int i = 0; i < QUEUE_COUNT; i++)
        if (mq->consumers[i].done_count > most) most = mq->consumers[i].done_count;
    return most;
}

void mq_consume_release(struct mq *mq)
{
    for (int i = 0; i < QUEUE_COUNT; i++) {
        free(mq->consumers[i].hand);
        free(mq->consumers[i].done);
        mq_assembly_release(&mq->consumers[i].in);
    }
    mq_assembly_release(&mq->back);
}
