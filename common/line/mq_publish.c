/* The broker wrapper: publishing. A message waits in its queue's lane, flies until the broker answers, is settled once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/mq_internal.h"

#define BURST        32         /* messages sent before answers are read */
#define WINDOW_BYTES (2u << 20) /* below what socket buffers hold, so that a send hardly ever blocks */
#define PAUSE_MIN    10
#define PAUSE_MAX    1000
#define ANSWER_BEATS 3 /* heartbeats that an answer may take */

static void list_push(struct mq_list *l, struct mq_out *m)
{
    m->next = NULL;
    *l->tail = m;
    l->tail = &m->next;
    l->count++;
}

static void list_push_front(struct mq_list *l, struct mq_out *m)
{
    m->next = l->head;
    if (!l->head) l->tail = &m->next;
    l->head = m;
    l->count++;
}

/* Takes out the element that *at points to. */
static struct mq_out *list_take(struct mq_list *l, struct mq_out **at)
{
    struct mq_out *m = *at;
    *at = m->next;
    if (!*at) l->tail = at;
    l->count--;
    return m;
}

static void out_free(struct mq_out *m)
{
    free(m->message_id);
    free(m->type);
    free(m->content_type);
    free(m->content_encoding);
    free(m->record);
    free(m->body);
    free(m);
}

static void settle(struct mq *mq, struct mq_out *m, enum mq_settled how)
{
    m->how = how;
    list_push(&mq->settled, m);
}

void mq_publish(struct mq *mq, const struct mq_message *message, unsigned flags, mq_settled_fn *on_settled, void *context)
{
    struct mq_out *m = mem_zalloc(sizeof *m);
    m->queue = message->queue;
    m->flags = flags;
    m->message_id = mem_strdup(message->message_id);
    m->type = mem_strdup(message->type);
    m->content_type = mem_strdup(message->content_type);
    m->content_encoding = mem_strdup(message->content_encoding);
    m->record = mem_strdup(message->record);
    m->body = message->body;
    m->len = message->len;
    m->on_settled = on_settled;
    m->context = context;
    m->serial = ++mq->next_serial;
    mq->waiting_bytes += m->len;
    list_push(&mq->lanes[m->queue].waiting, m);
    if (mq->loop) ev_idle_start(mq->loop, &mq->idle);
}

static size_t forget_in(struct mq_list *l, void *context)
{
    size_t bytes = 0;
    for (struct mq_out **at = &l->head; *at;) {
        if ((*at)->context != context) {
            at = &(*at)->next;
            continue;
        }
        struct mq_out *m = list_take(l, at);
        bytes += m->len;
        out_free(m);
    }
    return bytes;
}

void mq_forget(struct mq *mq, void *context)
{
    for (int i = 0; i < QUEUE_COUNT; i++) mq->waiting_bytes -= forget_in(&mq->lanes[i].waiting, context);
    forget_in(&mq->settled, context);
    /* What flies stays listed, for the numbers to match, but nobody is told. */
    for (struct mq_out *m = mq->flying.head; m; m = m->next) {
        if (m->context != context) continue;
        m->on_settled = NULL;
        m->flags |= MQ_ONESHOT;
    }
}

size_t mq_unsettled(const struct mq *mq)
{
    size_t n = mq->flying.count + mq->settled.count;
    for (int i = 0; i < QUEUE_COUNT; i++) n += mq->lanes[i].waiting.count;
    return n;
}

size_t mq_waiting(const struct mq *mq, enum queue_id queue)
{
    return mq->lanes[queue].waiting.count;
}

size_t mq_unsettled_bytes(const struct mq *mq)
{
    return mq->flying_bytes + mq->waiting_bytes;
}

/* ---- sending ---- */

bool mq_publish_open(struct mq *mq)
{
    mq->out_channel = mq_channel_open(mq, &mq->publish);
    if (!mq->out_channel) return false;
    amqp_confirm_select(mq->publish.conn, mq->out_channel);
    mq->next_seq = 1;
    return mq_rpc_ok(&mq->publish, amqp_get_rpc_reply(mq->publish.conn), "confirm.select", NULL);
}

static void set_text(amqp_basic_properties_t *p, amqp_flags_t flag, amqp_bytes_t *field, const char *value)
{
    if (!value) return;
    p->_flags |= flag;
    *field = amqp_cstring_bytes(value);
}

static int send_one(struct mq *mq, struct mq_out *m)
{
    char name[128], serial[24];
    amqp_table_entry_t header;
    amqp_basic_properties_t p = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_TIMESTAMP_FLAG, .delivery_mode = 2};
    snprintf(serial, sizeof serial, "%llu", (unsigned long long)m->serial);
    p.timestamp = (uint64_t)(clock_wall_ms() / 1000);
    set_text(&p, AMQP_BASIC_APP_ID_FLAG, &p.app_id, mq->config.app);
    set_text(&p, AMQP_BASIC_CORRELATION_ID_FLAG, &p.correlation_id, serial);
    set_text(&p, AMQP_BASIC_MESSAGE_ID_FLAG, &p.message_id, m->message_id);
    set_text(&p, AMQP_BASIC_TYPE_FLAG, &p.type, m->type);
    set_text(&p, AMQP_BASIC_CONTENT_TYPE_FLAG, &p.content_type, m->content_type);
    set_text(&p, AMQP_BASIC_CONTENT_ENCODING_FLAG, &p.content_encoding, m->content_encoding);
    if (m->record) {
        header.key = amqp_cstring_bytes("record");
        header.value.kind = AMQP_FIELD_KIND_UTF8;
        header.value.value.bytes = amqp_cstring_bytes(m->record);
        p._flags |= AMQP_BASIC_HEADERS_FLAG;
        p.headers = (amqp_table_t){.num_entries = 1, .entries = &header};
    }
    amqp_bytes_t body = {.len = m->len, .bytes = m->body};
    return amqp_basic_publish(mq->publish.conn, mq->out_channel, amqp_empty_bytes, mq_queue_bytes(mq, m->queue, name, sizeof name), 1, 0,
                              &p, body);
}

static bool window_open(const struct mq *mq, const struct mq_out *m)
{
    if (mq->flying.count == 0) return true;
    return mq->flying.count < (size_t)mq->config.window && mq->flying_bytes + m->len <= WINDOW_BYTES;
}

/* Tickets are not kept for later: their rows can wait better. */
static void refuse_oneshots(struct mq *mq)
{
    for (int i = 0; i < QUEUE_COUNT; i++) {
        struct mq_list *l = &mq->lanes[i].waiting;
        for (struct mq_out **at = &l->head; *at;) {
            if (!((*at)->flags & MQ_ONESHOT)) {
                at = &(*at)->next;
                continue;
            }
            struct mq_out *m = list_take(l, at);
            mq->waiting_bytes -= m->len;
            settle(mq, m, MQ_FULL);
        }
    }
}

/* A lane that may send now; lanes take turns. */
static struct mq_lane *pick_lane(struct mq *mq, int64_t now)
{
    for (int k = 0; k < QUEUE_COUNT; k++) {
        int i = (mq->next_lane + k) % QUEUE_COUNT;
        struct mq_lane *lane = &mq->lanes[i];
        if (!lane->waiting.head || now < lane->not_before) continue;
        if (lane->delay && lane->flying) continue; /* the probe has not come back */
        if (!window_open(mq, lane->waiting.head)) continue;
        mq->next_lane = i; /* the same lane goes on while it can: order within a queue, few switches */
        return lane;
    }
    return NULL;
}

int mq_publish_pump(struct mq *mq)
{
    if (!mq->publish.conn || !mq->out_channel || mq->publish.blocked) {
        refuse_oneshots(mq);
        return 0;
    }
    int sent = 0;
    int64_t now = clock_mono_ms();
    struct mq_lane *lane;
    while (sent < BURST && (lane = pick_lane(mq, now))) {
        struct mq_out *m = list_take(&lane->waiting, &lane->waiting.head);
        mq->waiting_bytes -= m->len;
        m->seq = mq->next_seq++;
        m->sent_at = now;
        m->returned = false;
        list_push(&mq->flying, m);
        lane->flying++;
        mq->flying_bytes += m->len;
        mq->stats.published++;
        sent++;
        if (send_one(mq, m) != AMQP_STATUS_OK) {
            mq->publish.broken = true; /* any publish error leaves the connection unusable */
            break;
        }
    }
    mq->next_lane = (mq->next_lane + 1) % QUEUE_COUNT;
    return sent;
}

int64_t mq_publish_due(const struct mq *mq)
{
    int64_t due = 0;
    if (!mq->publish.conn || mq->publish.blocked) return 0;
    for (int i = 0; i < QUEUE_COUNT; i++) {
        const struct mq_lane *lane = &mq->lanes[i];
        if (!lane->waiting.head || (lane->delay && lane->flying) || !window_open(mq, lane->waiting.head)) continue;
        int64_t at = lane->not_before ? lane->not_before : 1;
        if (!due || at < due) due = at;
    }
    return due;
}

/* ---- answers ---- */

/* A channel that published to a queue before its process died, or was made anew, sends to nobody from then on: no ack, no nack. */
bool mq_publish_ignored(struct mq *mq)
{
    int64_t now = clock_mono_ms();
    if (mq->publish.blocked) mq->blocked_at = now;
    if (!mq->flying.head) return false;
    int64_t since = mq->flying.head->sent_at > mq->blocked_at ? mq->flying.head->sent_at : mq->blocked_at;
    return now - since > ANSWER_BEATS * 1000 * mq->config.heartbeat_s;
}

static void pause_lane(struct mq_lane *lane)
{
    lane->delay = lane->delay ? lane->delay * 2 : PAUSE_MIN;
    if (lane->delay > PAUSE_MAX) lane->delay = PAUSE_MAX;
    lane->not_before = clock_mono_ms() + lane->delay;
}

/* One message got its answer and has left the flying list. */
static void answered(struct mq *mq, struct mq_out *m, bool acked)
{
    struct mq_lane *lane = &mq->lanes[m->queue];
    lane->flying--;
    mq->flying_bytes -= m->len;
    if (acked && !m->returned) {
        lane->delay = lane->not_before = 0;
        mq->stats.confirmed++;
        settle(mq, m, MQ_CONFIRMED);
        return;
    }
    if (m->returned) {
        mq->stats.returned++;
        mq->declared = false; /* the queue is gone: make it again */
    } else {
        mq->stats.nacked++;
    }
    if (m->flags & MQ_ONESHOT) {
        settle(mq, m, m->returned ? MQ_RETURNED : MQ_FULL);
        return;
    }
    if (!lane->delay || clock_mono_ms() >= lane->not_before) pause_lane(lane);
    mq->waiting_bytes += m->len;
    list_push_front(&lane->waiting, m);
}

static void on_answer(struct mq *mq, uint64_t tag, bool multiple, bool acked)
{
    for (struct mq_out **at = &mq->flying.head; *at && (*at)->seq <= tag;) {
        if (!multiple && (*at)->seq != tag) {
            at = &(*at)->next;
            continue;
        }
        answered(mq, list_take(&mq->flying, at), acked);
    }
}

static void on_returned(struct mq *mq)
{
    mq->back.active = false;
    for (struct mq_out *m = mq->flying.head; m; m = m->next)
        if (m->serial == mq->back.serial) m->returned = true;
}

static void on_channel_close(struct mq *mq, const amqp_frame_t *frame)
{
    const amqp_channel_close_t *close = frame->payload.method.decoded;
    log_warn("publishing channel closed by the broker: %.*s", (int)close->reply_text.len, (char *)close->reply_text.bytes);
    mq->publish.broken = true;
}

void mq_publish_frame(struct mq *mq, const amqp_frame_t *frame)
{
    if (frame->channel != mq->out_channel) return;
    if (frame->frame_type == AMQP_FRAME_HEADER && mq->back.active) {
        mq_assembly_header(&mq->back, frame);
        if (mq->back.expected == 0) on_returned(mq);
    } else if (frame->frame_type == AMQP_FRAME_BODY && mq->back.active) {
        if (mq_assembly_body(&mq->back, frame)) on_returned(mq);
    } else if (frame->frame_type == AMQP_FRAME_METHOD) {
        switch (frame->payload.method.id) {
        case AMQP_BASIC_ACK_METHOD: {
            const amqp_basic_ack_t *ack = frame->payload.method.decoded;
            on_answer(mq, ack->delivery_tag, ack->multiple, true);
            break;
        }
        case AMQP_BASIC_NACK_METHOD: {
            const amqp_basic_nack_t *nack = frame->payload.method.decoded;
            on_answer(mq, nack->delivery_tag, nack->multiple, false);
            break;
        }
        case AMQP_BASIC_RETURN_METHOD:
            mq->back.active = true;
            mq->back.is_return = true;
            break;
        case AMQP_CHANNEL_CLOSE_METHOD: on_channel_close(mq, frame); break;
        default: break;
        }
    }
}

void mq_publish_lost(struct mq *mq)
{
    struct mq_list unsure = mq->flying;
    mq->flying = (struct mq_list){.head = NULL, .tail = &mq->flying.head};
    mq->out_channel = 0;
    mq->back.active = false;
    mq->flying_bytes = 0;
    struct mq_list again = {.head = NULL, .tail = &again.head};
    while (unsure.head) { /* reversed, so that pushing to the front below restores the order */
        struct mq_out *m = unsure.head;
        unsure.head = m->next;
        list_push_front(&again, m);
    }
    while (again.head) {
        struct mq_out *m = list_take(&again, &again.head);
        mq->lanes[m->queue].flying--;
        if (m->flags & MQ_ONESHOT) {
            settle(mq, m, MQ_LOST);
            continue;
        }
        mq->waiting_bytes += m->len;
        list_push_front(&mq->lanes[m->queue].waiting, m);
    }
    for (int i = 0; i < QUEUE_COUNT; i++) mq->lanes[i].delay = mq->lanes[i].not_before = 0;
}

void mq_publish_settle(struct mq *mq)
{
    while (mq->settled.head) {
        struct mq_out *m = list_take(&mq->settled, &mq->settled.head);
        if (m->on_settled) m->on_settled(m->context, m->how);
        out_free(m);
    }
}

static void list_release(struct mq_list *l)
{
    while (l->head) out_free(list_take(l, &l->head));
}

void mq_publish_release(struct mq *mq)
{
    for (int i = 0; i < QUEUE_COUNT; i++) list_release(&mq->lanes[i].waiting);
    list_release(&mq->flying);
    list_release(&mq->settled);
}
