/* What the files of the broker wrapper share: mq.c (connections, turn), mq_consume.c, mq_publish.c, mq_topology.c. */
#ifndef GM_LINE_MQ_INTERNAL_H
#define GM_LINE_MQ_INTERNAL_H

#include <amqp.h>
#include <amqp_framing.h>
#include <ev.h>

#include "base/buf.h"
#include "line/mq.h"

/* A message on its way in: METHOD, HEADER and BODY frames arrive one by one. */
struct mq_assembly {
    bool active;
    bool is_return; /* basic.return on the publishing side */
    bool redelivered;
    uint64_t delivery_tag;
    uint64_t expected, seen; /* body bytes */
    bool oversize;
    uint64_t serial; /* of a returned message */
    struct buf message_id, type, content_type, content_encoding, record, body;
};

/* One connection. */
struct mq_side {
    const char *name;
    amqp_connection_state_t conn; /* NULL: not connected */
    amqp_channel_t next_channel;
    int64_t retry_at; /* monotonic ms of the next attempt to connect */
    int64_t backoff;
    int64_t opened_at; /* monotonic ms */
    bool blocked;
    char alarm[65]; /* while blocked: why, in the broker's words */
    bool broken;    /* found dead inside a callback: closed at the next safe point */
    ev_io io;
    struct log_gate *gate;
};

struct mq_consumer {
    bool wanted, quiesced;
    int prefetch;
    amqp_channel_t channel; /* 0: not consuming */
    uint64_t life;          /* number of this channel's life, part of each tag */
    int refusals;           /* of basic.consume, in a row */
    int64_t refused_since;  /* monotonic ms of the first of them */
    int64_t retry_at;
    int64_t renew_at; /* monotonic ms: a subscription that brought nothing until then is made anew */
    uint64_t *hand;   /* delivery tags not acked yet, ascending */
    size_t hand_count, hand_cap;
    uint64_t *done; /* acked by the stage, not yet told to the broker */
    size_t done_count, done_cap;
    struct mq_assembly in;
};

struct mq_out {
    struct mq_out *next;
    enum queue_id queue;
    unsigned flags;
    char *message_id, *type, *content_type, *content_encoding, *record, *body;
    size_t len;
    mq_settled_fn *on_settled;
    void *context;
    int64_t sent_at; /* monotonic ms */
    uint64_t seq;    /* number the broker confirms it under */
    uint64_t serial; /* ours, in correlation_id, to know a returned message again */
    bool returned;
    enum mq_settled how;
};

struct mq_list {
    struct mq_out *head, **tail;
    size_t count;
};

/* Messages waiting for one queue. After a nack one message at a time probes whether there is room again. */
struct mq_lane {
    struct mq_list waiting;
    size_t flying;
    int64_t not_before, delay;
};

struct mq {
    struct mq_config config;
    struct mq_handlers handlers;
    struct mq_side consume, publish;
    struct mq_consumer consumers[QUEUE_COUNT];
    amqp_channel_t admin; /* channel of the consume side for declarations and depths */
    bool declared;        /* all queues are known to be there */
    uint64_t lives;

    amqp_channel_t out_channel;
    struct mq_lane lanes[QUEUE_COUNT];
    struct mq_list flying, settled;
    size_t flying_bytes, waiting_bytes;
    uint64_t next_seq, next_serial;
    int64_t blocked_at; /* monotonic ms: until then nothing could be answered */
    int next_lane;
    int64_t burst_at;        /* monotonic ms of the last burst */
    struct mq_assembly back; /* a returned message being read */

    struct ev_loop *loop;
    ev_idle idle;   /* active while there is more to do than one turn takes */
    ev_timer timer; /* the next retry: of a nacked message, a connection, a subscription */
    struct mq_stats stats;
};

/* mq.c */
bool mq_side_open(struct mq *mq, struct mq_side *side);
void mq_side_close(struct mq *mq, struct mq_side *side, const char *why);
amqp_channel_t mq_channel_open(struct mq *mq, struct mq_side *side); /* 0 on failure (side marked broken if the connection is) */
/* Words for the last RPC's failure; marks the side broken unless only the channel was closed. */
bool mq_rpc_ok(struct mq_side *side, amqp_rpc_reply_t reply, const char *doing, uint16_t *channel_error_r);
void mq_assembly_release(struct mq_assembly *a);
void mq_assembly_header(struct mq_assembly *a, const amqp_frame_t *frame);
/* True when the message is complete. */
bool mq_assembly_body(struct mq_assembly *a, const amqp_frame_t *frame);

/* mq_topology.c */
bool mq_declare_all(struct mq *mq);
/* True if the database knows what is in this queue: deleted, it all comes again. */
bool mq_queue_disposable(enum queue_id id);
/* Deletes a queue that refuses everybody and declares it again, unless somebody else has done so. False: not our turn, or it could
 * not be done. Else the caller subscribes and says that it has: until then nobody else remakes a queue. */
bool mq_queue_remake(struct mq *mq, enum queue_id id);
void mq_queue_remade(struct mq *mq);
amqp_bytes_t mq_queue_bytes(struct mq *mq, enum queue_id id, char *space, size_t size);

/* mq_consume.c */
void mq_consume_frame(struct mq *mq, const amqp_frame_t *frame);
void mq_consume_lost(struct mq *mq);
void mq_consume_upkeep(struct mq *mq);
/* Tells the broker what was acked; the number of deliveries. */
size_t mq_consume_flush(struct mq *mq);
/* Acked by the stage and not told yet; of the consumer that has most. */
size_t mq_consume_done(const struct mq *mq);
/* Monotonic ms of the next attempt to subscribe, 0 if none is wanted. */
int64_t mq_consume_due(const struct mq *mq);
void mq_consume_release(struct mq *mq);

/* mq_publish.c */
void mq_publish_frame(struct mq *mq, const amqp_frame_t *frame);
void mq_publish_lost(struct mq *mq);
bool mq_publish_open(struct mq *mq);
/* Sends up to a burst; the number sent. */
int mq_publish_pump(struct mq *mq);
/* True if a message was not answered for so long that it never will be: if all answers that have come were read. */
bool mq_publish_ignored(struct mq *mq);
/* Calls on_settled for what was answered. */
void mq_publish_settle(struct mq *mq);
/* Monotonic ms when a waiting message may be tried again, 0 if none waits. */
int64_t mq_publish_due(const struct mq *mq);
void mq_publish_release(struct mq *mq);

#endif
