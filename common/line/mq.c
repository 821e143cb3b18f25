/* The broker wrapper: connections and the turn of the loop; contract in mq.h. */
#include "line/mq.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "line/mq_internal.h"

#define CONNECT_SECONDS 5
#define RPC_SECONDS     10
#define BACKOFF_MIN     100
#define BACKOFF_MAX     5000
#define PROVEN_MS       1000 /* a connection that lasted so long was a good one */
#define FRAME_MAX       131072
#define CHANNEL_LIMIT   2000 /* channel numbers rotate, so that late frames of a closed one meet no new one */
#define ROUNDS_A_TURN   16   /* bursts before other events get their chance */
#define BURST_MESSAGES  16   /* so many need not wait */
#define BURST_ACKS      8    /* nor so many acks: the broker must not run out of what it may deliver */

struct mq *mq_new(const struct mq_config *config, const struct mq_handlers *handlers)
{
    static struct log_gate gates[2];
    struct mq *mq = mem_zalloc(sizeof *mq);
    mq->config = *config;
    mq->config.url = mem_strdup(config->url);
    mq->config.prefix = mem_strdup(config->prefix ? config->prefix : "");
    mq->config.app = mem_strdup(config->app);
    mq->config.ca_file = mem_strdup(config->ca_file ? config->ca_file : "");
    mq->handlers = *handlers;
    mq->consume.name = "consuming";
    mq->consume.gate = &gates[0];
    mq->publish.name = "publishing";
    mq->publish.gate = &gates[1];
    mq->flying.tail = &mq->flying.head;
    mq->settled.tail = &mq->settled.head;
    for (int i = 0; i < QUEUE_COUNT; i++) mq->lanes[i].waiting.tail = &mq->lanes[i].waiting.head;
    return mq;
}

bool mq_url_valid(const char *url)
{
    char *copy = mem_strdup(url); /* amqp_parse_url writes to it */
    struct amqp_connection_info info;
    bool valid = amqp_parse_url(copy, &info) == AMQP_STATUS_OK;
    free(copy);
    return valid;
}

void mq_close(struct mq *mq)
{
    mq_consume_flush(mq);
    mq_side_close(mq, &mq->consume, NULL);
    mq_side_close(mq, &mq->publish, NULL);
    mq_publish_pump(mq); /* not connected: refuses what waits */
    mq_publish_settle(mq);
}

void mq_free(struct mq **mq_r)
{
    struct mq *mq = *mq_r;
    if (!mq) return;
    mq_close(mq);
    if (mq->loop) {
        ev_idle_stop(mq->loop, &mq->idle);
        ev_timer_stop(mq->loop, &mq->timer);
    }
    mq_consume_release(mq);
    mq_publish_release(mq);
    free((char *)mq->config.url);
    free((char *)mq->config.prefix);
    free((char *)mq->config.app);
    free((char *)mq->config.ca_file);
    free(mq);
    *mq_r = NULL;
}

/* ---- connections ---- */

bool mq_rpc_ok(struct mq_side *side, amqp_rpc_reply_t reply, const char *doing, uint16_t *channel_error_r)
{
    if (channel_error_r) *channel_error_r = 0;
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return true;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = reply.reply.decoded;
        if (channel_error_r) *channel_error_r = close->reply_code;
        log_debug("%s: channel closed by the broker: %.*s", doing, (int)close->reply_text.len, (char *)close->reply_text.bytes);
        return false;
    }
    side->broken = true;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = reply.reply.decoded;
        log_warn("%s: connection closed by the broker: %.*s", doing, (int)close->reply_text.len, (char *)close->reply_text.bytes);
    } else if (log_gate(side->gate, 10, NULL)) {
        log_warn("broker: %s: %s", doing, reply.library_error ? amqp_error_string2(reply.library_error) : "no answer");
    }
    return false;
}

static amqp_socket_t *make_socket(struct mq *mq, amqp_connection_state_t conn, bool tls)
{
    if (!tls) return amqp_tcp_socket_new(conn);
    amqp_socket_t *socket = amqp_ssl_socket_new(conn);
    if (!socket) return NULL;
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    if (amqp_ssl_socket_set_cacert(socket, mq->config.ca_file) != AMQP_STATUS_OK)
        log_error("cannot read the certificates in %s", mq->config.ca_file);
    return socket;
}

static bool login(struct mq *mq, amqp_connection_state_t conn, const struct amqp_connection_info *info, struct mq_side *side)
{
    amqp_table_entry_t able[2], top[2];
    able[0].key = amqp_cstring_bytes("connection.blocked");
    able[1].key = amqp_cstring_bytes("consumer_cancel_notify");
    for (int i = 0; i < 2; i++) {
        able[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
        able[i].value.value.boolean = 1;
    }
    char name[100];
    snprintf(name, sizeof name, "%s %s", mq->config.app, side->name);
    top[0].key = amqp_cstring_bytes("capabilities");
    top[0].value.kind = AMQP_FIELD_KIND_TABLE;
    top[0].value.value.table = (amqp_table_t){.num_entries = 2, .entries = able};
    top[1].key = amqp_cstring_bytes("connection_name");
    top[1].value.kind = AMQP_FIELD_KIND_UTF8;
    top[1].value.value.bytes = amqp_cstring_bytes(name);
    amqp_table_t properties = {.num_entries = 2, .entries = top};
    amqp_rpc_reply_t reply = amqp_login_with_properties(conn, info->vhost, 0, FRAME_MAX, (int)mq->config.heartbeat_s, &properties,
                                                        AMQP_SASL_METHOD_PLAIN, info->user, info->password);
    return mq_rpc_ok(side, reply, "login", NULL);
}

static amqp_connection_state_t connect_to(struct mq *mq, struct mq_side *side)
{
    char *url = mem_strdup(mq->config.url); /* amqp_parse_url points into it and writes to it */
    struct amqp_connection_info info;
    amqp_connection_state_t conn = amqp_new_connection();
    struct timeval rpc = {RPC_SECONDS, 0}, handshake = {CONNECT_SECONDS, 0}, tcp = {CONNECT_SECONDS, 0};
    bool ok = false;
    if (!conn) log_panic("out of memory");
    amqp_default_connection_info(&info);
    if (amqp_parse_url(url, &info) != AMQP_STATUS_OK) {
        log_error("AMQP_URL cannot be read");
        goto out;
    }
    if (!*info.vhost) info.vhost = (char *)"/"; /* "amqp://host/": what people mean, though the URI rules say "" */
    amqp_socket_t *socket = make_socket(mq, conn, info.ssl);
    if (!socket) goto out;
    amqp_set_handshake_timeout(conn, &handshake);
    amqp_set_rpc_timeout(conn, &rpc);
    int status = amqp_socket_open_noblock(socket, info.host, info.port, &tcp);
    if (status != AMQP_STATUS_OK) {
        if (log_gate(side->gate, 10, NULL)) log_warn("broker %s:%d: %s", info.host, info.port, amqp_error_string2(status));
        goto out;
    }
    ok = login(mq, conn, &info, side);
out:
    free(url);
    if (ok) return conn;
    amqp_destroy_connection(conn);
    return NULL;
}

static void watch(struct mq *mq, struct mq_side *side);

static void back_off(struct mq_side *side)
{
    side->backoff = side->backoff ? side->backoff * 2 : BACKOFF_MIN;
    if (side->backoff > BACKOFF_MAX) side->backoff = BACKOFF_MAX;
    side->retry_at = clock_mono_ms() + side->backoff;
}

bool mq_side_open(struct mq *mq, struct mq_side *side)
{
    if (side->conn) return true;
    int64_t now = clock_mono_ms();
    if (now < side->retry_at) return false;
    side->broken = side->blocked = false;
    side->next_channel = 1;
    side->conn = connect_to(mq, side);
    if (!side->conn) {
        back_off(side);
        return false;
    }
    side->opened_at = clock_mono_ms();
    mq->stats.reconnects++;
    watch(mq, side);
    log_debug("connected for %s", side->name);
    return true;
}

void mq_side_close(struct mq *mq, struct mq_side *side, const char *why)
{
    if (!side->conn) return;
    if (mq->loop) ev_io_stop(mq->loop, &side->io);
    if (!why && !side->broken) amqp_connection_close(side->conn, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(side->conn);
    side->conn = NULL;
    side->broken = side->blocked = false;
    /* A broker that lets us in and throws us out at once gets more and more time. */
    if (clock_mono_ms() - side->opened_at > PROVEN_MS) side->backoff = 0;
    back_off(side);
    if (why) log_warn("connection for %s lost: %s", side->name, why);
    if (side == &mq->consume) {
        mq->admin = 0;
        mq->declared = false;
        mq_consume_lost(mq);
    } else {
        mq_publish_lost(mq);
    }
}

static bool channel_in_use(const struct mq *mq, const struct mq_side *side, amqp_channel_t number)
{
    if (side == &mq->publish) return number == mq->out_channel;
    for (int i = 0; i < QUEUE_COUNT; i++)
        if (mq->consumers[i].channel == number) return true;
    return number == mq->admin;
}

amqp_channel_t mq_channel_open(struct mq *mq, struct mq_side *side)
{
    amqp_channel_t number;
    do {
        number = side->next_channel++;
        if (side->next_channel > CHANNEL_LIMIT) side->next_channel = 1;
    } while (channel_in_use(mq, side, number));
    amqp_channel_open(side->conn, number);
    return mq_rpc_ok(side, amqp_get_rpc_reply(side->conn), "channel.open", NULL) ? number : 0;
}

/* ---- reading a message frame by frame ---- */

static void assembly_init(struct mq_assembly *a)
{
    buf_init(&a->message_id, 255);
    buf_init(&a->type, 255);
    buf_init(&a->content_type, 255);
    buf_init(&a->content_encoding, 255);
    buf_init(&a->record, FRAME_MAX);
    buf_init(&a->body, LIMIT_SEED);
}

void mq_assembly_release(struct mq_assembly *a)
{
    buf_release(&a->message_id);
    buf_release(&a->type);
    buf_release(&a->content_type);
    buf_release(&a->content_encoding);
    buf_release(&a->record);
    buf_release(&a->body);
    a->active = false;
}

static void keep(struct buf *b, amqp_bytes_t bytes)
{
    buf_reset(b);
    buf_add(b, bytes.bytes, bytes.len);
}

static void keep_record(struct buf *b, const amqp_table_t *headers)
{
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_table_entry_t *e = &headers->entries[i];
        if (e->key.len != 6 || memcmp(e->key.bytes, "record", 6) != 0) continue;
        if (e->value.kind == AMQP_FIELD_KIND_UTF8 || e->value.kind == AMQP_FIELD_KIND_BYTES) keep(b, e->value.value.bytes);
    }
}

void mq_assembly_header(struct mq_assembly *a, const amqp_frame_t *frame)
{
    const amqp_basic_properties_t *p = frame->payload.properties.decoded;
    amqp_flags_t f = p->_flags;
    if (a->body.max == 0) assembly_init(a);
    keep(&a->message_id, f & AMQP_BASIC_MESSAGE_ID_FLAG ? p->message_id : amqp_empty_bytes);
    keep(&a->type, f & AMQP_BASIC_TYPE_FLAG ? p->type : amqp_empty_bytes);
    keep(&a->content_type, f & AMQP_BASIC_CONTENT_TYPE_FLAG ? p->content_type : amqp_empty_bytes);
    keep(&a->content_encoding, f & AMQP_BASIC_CONTENT_ENCODING_FLAG ? p->content_encoding : amqp_empty_bytes);
    buf_reset(&a->record);
    if (f & AMQP_BASIC_HEADERS_FLAG) keep_record(&a->record, &p->headers);
    a->serial = 0;
    if (f & AMQP_BASIC_CORRELATION_ID_FLAG && p->correlation_id.len < 21) {
        char digits[24] = "";
        memcpy(digits, p->correlation_id.bytes, p->correlation_id.len);
        a->serial = strtoull(digits, NULL, 10);
    }
    a->expected = frame->payload.properties.body_size;
    a->seen = 0;
    buf_reset(&a->body);
    a->oversize = a->expected > LIMIT_SEED;
}

bool mq_assembly_body(struct mq_assembly *a, const amqp_frame_t *frame)
{
    amqp_bytes_t part = frame->payload.body_fragment;
    a->seen += part.len;
    if (!a->is_return && (!a->oversize || a->body.len < LIMIT_BAD_BYTES)) buf_add(&a->body, part.bytes, part.len);
    return a->seen >= a->expected;
}

/* ---- the turn ---- */

static void take_alarm(struct mq_side *side, const amqp_connection_blocked_t *m)
{
    const char *words = m->reason.bytes;
    size_t n = m->reason.len < sizeof side->alarm ? m->reason.len : utf8_floor(words, sizeof side->alarm - 1);
    side->blocked = true;
    if (n == 0 || !utf8_valid(words, n)) n = strlen(words = "memory or disk alarm");
    snprintf(side->alarm, sizeof side->alarm, "%.*s", (int)n, words);
}

/* Frames that concern the connection as a whole. True if the frame was one. */
static bool connection_frame(struct mq_side *side, const amqp_frame_t *frame)
{
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->channel != 0) return false;
    switch (frame->payload.method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD:
        take_alarm(side, frame->payload.method.decoded);
        log_warn("the broker blocks publishing: %s", side->alarm);
        break;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        side->blocked = false;
        log_info("the broker takes messages again");
        break;
    case AMQP_CONNECTION_CLOSE_METHOD: {
        amqp_connection_close_ok_t ok = {0};
        amqp_send_method(side->conn, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
        side->broken = true;
        break;
    }
    default: break;
    }
    return true;
}

/* Reads and dispatches what has arrived, at most `budget` frames; the number read. */
static int drain(struct mq *mq, struct mq_side *side, int budget)
{
    int count = 0;
    while (side->conn && !side->broken && count < budget) {
        amqp_frame_t frame;
        struct timeval none = {0, 0};
        int status = amqp_simple_wait_frame_noblock(side->conn, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT) break;
        if (status != AMQP_STATUS_OK) {
            mq_side_close(mq, side, amqp_error_string2(status));
            return count + 1;
        }
        count++;
        if (!connection_frame(side, &frame)) {
            if (side == &mq->consume)
                mq_consume_frame(mq, &frame);
            else
                mq_publish_frame(mq, &frame);
        }
        if (side->conn) amqp_maybe_release_buffers_on_channel(side->conn, frame.channel);
    }
    if (side->broken) mq_side_close(mq, side, "closed by the broker or unusable");
    return count;
}

static void upkeep(struct mq *mq)
{
    if (mq_side_open(mq, &mq->consume)) {
        if (!mq->declared) mq->declared = mq_declare_all(mq);
        if (mq->declared) mq_consume_upkeep(mq);
        if (mq->consume.broken) mq_side_close(mq, &mq->consume, "unusable");
    }
    if (mq_side_open(mq, &mq->publish) && !mq->out_channel && !mq_publish_open(mq)) mq->publish.broken = true;
    if (mq->publish.broken) mq_side_close(mq, &mq->publish, "unusable");
}

/* Watchers only wake the loop: mq_turn runs in the service's prepare watcher. */
static void wake_io(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop, (void)w, (void)revents;
}

static void wake_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
    (void)loop, (void)w, (void)revents;
}

static void wake_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)w, (void)revents;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* A burst costs the broker little more than a single message: each write to its log, and each of ours to its socket, is
 * shared by all of it. What comes after a quiet moment does not wait. */
static bool is_gathering(const struct mq *mq)
{
    if (mq_consume_done(mq) >= BURST_ACKS) return false;
    size_t waiting = 0;
    for (int i = 0; i < QUEUE_COUNT; i++) waiting += mq->lanes[i].waiting.count;
    return waiting < BURST_MESSAGES && mq->handlers.is_working(mq->handlers.context) &&
           clock_mono_ms() < mq->burst_at + mq->config.gather_ms;
}

/* On: what is written waits for more, so that a burst is a few large packets. */
static void cork(struct mq_side *side, int on)
{
    if (side->conn && !side->broken) setsockopt(amqp_get_sockfd(side->conn), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static void burst(struct mq *mq, int *moved)
{
    cork(&mq->publish, 1);
    int sent = mq_publish_pump(mq);
    cork(&mq->publish, 0);
    if (mq->publish.broken) mq_side_close(mq, &mq->publish, "publish failed");
    if (sent + (int)mq_consume_flush(mq) > 0) mq->burst_at = clock_mono_ms();
    *moved += sent;
}

static void set_timer(struct mq *mq, bool for_burst)
{
    int64_t due = mq_publish_due(mq), next_burst = mq->burst_at + mq->config.gather_ms;
    if (due && due < next_burst) due = next_burst;
    if (for_burst || mq_consume_done(mq)) due = sooner(due, next_burst);
    if (mq->consume.conn) due = sooner(due, mq_consume_due(mq));
    if (!mq->consume.conn) due = sooner(due, mq->consume.retry_at);
    if (!mq->publish.conn) due = sooner(due, mq->publish.retry_at);
    ev_timer_stop(mq->loop, &mq->timer);
    if (!due) return;
    int64_t wait = due - clock_mono_ms();
    ev_timer_set(&mq->timer, wait > 0 ? (double)wait / 1000 : 0.001, 0);
    ev_timer_start(mq->loop, &mq->timer);
}

void mq_turn(struct mq *mq)
{
    enum { FRAMES = 512 };
    int moved = 1, rounds = 0;
    for (; moved && rounds < ROUNDS_A_TURN; rounds++) {
        moved = 0;
        upkeep(mq);
        if (!is_gathering(mq)) burst(mq, &moved);
        moved += drain(mq, &mq->publish, FRAMES);
        moved += drain(mq, &mq->consume, FRAMES);
        mq_publish_settle(mq);
    }
    if (mq_publish_ignored(mq) && !moved) mq_side_close(mq, &mq->publish, "the broker never answered a message");
    if (!mq->loop) return;
    /* More to do than this turn took: do not let the loop block. A retry to come: not for longer than that. */
    if (moved)
        ev_idle_start(mq->loop, &mq->idle);
    else
        ev_idle_stop(mq->loop, &mq->idle);
    set_timer(mq, false);
}

bool mq_gathering(struct mq *mq)
{
    if (!is_gathering(mq)) return false;
    if (mq->loop) set_timer(mq, true);
    return true;
}

static void watch(struct mq *mq, struct mq_side *side)
{
    if (!mq->loop) return;
    ev_io_init(&side->io, wake_io, amqp_get_sockfd(side->conn), EV_READ);
    ev_io_start(mq->loop, &side->io);
}

void mq_attach(struct mq *mq, struct ev_loop *loop)
{
    mq->loop = loop;
    ev_idle_init(&mq->idle, wake_idle);
    ev_timer_init(&mq->timer, wake_timer, 0, 0);
    if (mq->consume.conn) watch(mq, &mq->consume);
    if (mq->publish.conn) watch(mq, &mq->publish);
}

bool mq_ready(const struct mq *mq)
{
    if (!mq->consume.conn || !mq->publish.conn || !mq->out_channel || !mq->declared) return false;
    for (int i = 0; i < QUEUE_COUNT; i++)
        if (mq->consumers[i].wanted && !mq->consumers[i].channel) return false;
    return true;
}

bool mq_blocked(const struct mq *mq)
{
    return !mq->publish.conn || mq->publish.blocked;
}

const char *mq_alarm(const struct mq *mq)
{
    return mq->publish.conn && mq->publish.blocked ? mq->publish.alarm : "";
}

void mq_stats(const struct mq *mq, struct mq_stats *stats_r)
{
    *stats_r = mq->stats;
    stats_r->in_hand = 0;
    for (int i = 0; i < QUEUE_COUNT; i++) stats_r->in_hand += mq->consumers[i].hand_count;
}
