/* The broker: two connections (consume, publish), confirms, bounded windows, reconnection for ever. The only file that
 * knows librabbitmq.
 *
 * What it promises (laws 2 to 4, 7 of docs/ARCHITECTURE.md):
 * - Every publish is persistent, mandatory and confirmed, through the default exchange to one queue. A nack ("full") is
 *   tried again with backoff, a returned message (no such queue) after declaring the queues again, a lost connection
 *   republishes what was not confirmed. on_settled is called once, when the broker has it.
 * - MQ_ONESHOT messages are settled by the first answer, also a bad one: for the frontier, whose truth is a row.
 * - A delivery belongs to one life of one channel. After a deleted queue, a cancel or a reconnect its ack is forgotten.
 *
 * Everything runs in one thread, inside mq_turn() and the calls below; no call blocks longer than the RPC timeout (10 s). */
#ifndef GM_LINE_MQ_H
#define GM_LINE_MQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct mq;

/* The queues of the system; names live in brokers and in user's scripts. */
enum queue_id {
    QUEUE_SEED,
    QUEUE_URL,
    QUEUE_HTML,
    QUEUE_ARTICLE,
    QUEUE_SUMMARY,
    QUEUE_REPORT,
    QUEUE_DEAD,
    /* the same beside the backlog, for what a person waits for */
    QUEUE_SEED_EXPRESS,
    QUEUE_URL_EXPRESS,
    QUEUE_HTML_EXPRESS,
    QUEUE_ARTICLE_EXPRESS,
    QUEUE_COUNT
};
const char *queue_name(enum queue_id id); /* without prefix */
bool queue_is_express(enum queue_id id);
/* Where work that came from a queue goes on: `to`, or its express queue if there is one and `from` is express. */
enum queue_id queue_onward(enum queue_id from, enum queue_id to);

struct mq_config {
    const char *url;    /* amqp:// or amqps:// */
    const char *prefix; /* before each queue name */
    const char *app;    /* app_id: the program's name */
    int64_t heartbeat_s;
    int64_t window;      /* unconfirmed messages at most */
    int64_t gather_ms;   /* messages and acks go out in bursts, so long apart at least when busy; 0: at once */
    const char *ca_file; /* amqps: certificates to trust */
};

struct mq_message {
    enum queue_id queue;
    const char *message_id; /* these texts are copied */
    const char *type;       /* "html.v1" */
    const char *content_type;
    const char *content_encoding; /* NULL: none */
    const char *record;           /* JSON for the header `record`, or NULL */
    char *body;                   /* taken: freed by mq */
    size_t len;
};

enum mq_settled {
    MQ_CONFIRMED,
    MQ_FULL,     /* nacked, or not sent because the broker is away or blocks: MQ_ONESHOT only */
    MQ_RETURNED, /* no such queue: MQ_ONESHOT only */
    MQ_LOST      /* connection lost before an answer: the broker may have it or not: MQ_ONESHOT only */
};
typedef void mq_settled_fn(void *context, enum mq_settled how);

#define MQ_ONESHOT 1u

struct mq_delivery {
    enum queue_id queue;
    uint64_t tag; /* for mq_ack; unique over all queues and reconnects of this process */
    bool redelivered;
    const char *message_id, *type, *content_type, *content_encoding, *record; /* "" if absent; borrowed */
    const char *body;                                                         /* borrowed until the callback returns */
    size_t len;
    bool oversize; /* larger than any message of ours: body holds only its beginning */
};

struct mq_handlers {
    void *context;
    /* A message. Runs inside mq_turn. */
    void (*on_delivery)(void *context, const struct mq_delivery *delivery);
    /* The deliveries of this queue still in hand are gone (deleted queue, reconnect, mq_unsubscribe): they will come
     * again, acks for them are ignored. */
    void (*on_reset)(void *context, enum queue_id queue);
    /* True while deliveries are being worked on, so that there will soon be more to send. */
    bool (*is_working)(void *context);
};

/* True if a broker's address can be read: amqp:// or amqps://. */
bool mq_url_valid(const char *url);
/* Makes the object; connects in the background from the first mq_turn on. Strings of config are copied. */
struct mq *mq_new(const struct mq_config *config, const struct mq_handlers *handlers);
/* Closes both connections; messages with MQ_ONESHOT are told MQ_LOST, or MQ_FULL if they were not sent. Nothing more happens
 * until mq_free. */
void mq_close(struct mq *mq);
void mq_free(struct mq **mq);

/* Wakes loop when the broker has something to say. mq_turn must run before the loop blocks (ev_prepare), and at least
 * every 10 s. */
void mq_attach(struct mq *mq, struct ev_loop *loop);
void mq_turn(struct mq *mq);

/* From now on wants messages of this queue, at most prefetch of them unacked. */
void mq_subscribe(struct mq *mq, enum queue_id queue, int prefetch);
/* Stops and hands back whatever of the queue is in hand (the channel is closed). */
void mq_unsubscribe(struct mq *mq, enum queue_id queue);
/* Stops new deliveries, but keeps those in hand for acking (basic.cancel): the way to drain. */
void mq_quiesce(struct mq *mq, enum queue_id queue);
/* Acks one delivery; unknown or old tags are ignored. Sent in batches by mq_turn. */
void mq_ack(struct mq *mq, uint64_t tag);

/* Queues a message; on_settled (may be NULL) is called from mq_turn, never from here. */
void mq_publish(struct mq *mq, const struct mq_message *message, unsigned flags, mq_settled_fn *on_settled, void *context);
/* Forgets publishes that are still waiting for an answer, without calling their on_settled, when context matches. */
void mq_forget(struct mq *mq, void *context);
/* Messages queued or unconfirmed, and their bytes. */
size_t mq_unsettled(const struct mq *mq);
size_t mq_unsettled_bytes(const struct mq *mq);
/* True while what is published now would only wait for the next burst: more may be gathered into one message meanwhile. The
 * loop turns again when the burst is due. */
bool mq_gathering(struct mq *mq);
/* Messages not sent yet: the queue is full or the broker away. */
size_t mq_waiting(const struct mq *mq, enum queue_id queue);

/* True while the broker answers, both connections are open and (subscribed) queues are consumed. */
bool mq_ready(const struct mq *mq);
/* True while the broker has announced connection.blocked (memory or disk alarm) or is not connected for publishing. */
bool mq_blocked(const struct mq *mq);
/* Why, in the broker's words ("low on disk"), while it has announced that; else "". At most 64 bytes of well-formed UTF-8. */
const char *mq_alarm(const struct mq *mq);

/* Ready messages and consumers of a queue, by passive declare; blocks for one round trip. -1 if the broker does not answer
 * or the queue is not there. */
int mq_depth(struct mq *mq, enum queue_id queue, uint32_t *ready_r, uint32_t *consumers_r);

/* Counters for metrics. */
struct mq_stats {
    uint64_t delivered, acked, published, confirmed, nacked, returned, reconnects;
    size_t in_hand; /* deliveries not acked yet */
};
void mq_stats(const struct mq *mq, struct mq_stats *stats_r);

#endif
