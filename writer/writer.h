/* The writer's parts and what they share. */
#ifndef GM_WRITER_WRITER_H
#define GM_WRITER_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line/alive.h"
#include "line/pg.h"
#include "line/record.h"
#include "line/service.h"
#include "writer/seed.h"

/* One thing to be worked into the books by the next transaction. */
enum entry_kind {
    ENTRY_RECORD,  /* a record from summary or report */
    ENTRY_SEED,    /* a message from seed */
    ENTRY_DEAD,    /* a message from dead */
    ENTRY_PUTBACK, /* a ticket the queue did not take: page, host, release */
    ENTRY_VOID,    /* a ticket given up by the ticket clock */
    ENTRY_LOST     /* a page given up by the line clock */
};

/* A message in hand; done when all of its entries are. */
struct intake_message {
    struct job *job;
    size_t left;
    bool redelivered;
    char *message_id;
    char *body; /* seed, dead: the bytes; else their beginning, for bad_record */
    size_t len;
};

struct entry {
    enum entry_kind kind;
    struct intake_message *message; /* NULL: our own */
    struct record record;
    const char *text; /* ENTRY_SEED: what of the message it is about: all of it, or some of its lines */
    size_t text_len;
    bool is_part;            /* ENTRY_SEED: these are lines of a longer plain text */
    struct request *request; /* ENTRY_SEED: it is a row of the table request (request.h); NULL: a message */
    size_t size;             /* bytes in memory, roughly */
    size_t rows;             /* rows that it may make, roughly */
    /* what came of it, for the outcome line */
    bool judged;
    bool loops;      /* a redirect whose chain comes back */
    bool ticket_out; /* the ticket it speaks of is out */
    bool text_there; /* the text and summary that it says are as they were are stored */
    bool excused;    /* the failure is its host's or our network's: it costs the page no attempt */
    enum code code;
    char detail[200];
    int64_t page_attempt;
    char *url;
};

struct writer {
    struct service *service;
    struct pg *pg;
    struct known *known;
    struct rules_cache *rules;
    struct intake *intake;
    struct frontier *frontier;
    struct article_out *articles;
    struct live *live;
    bool db_ready;
    bool requests;     /* there may be some: look */
    bool network_down; /* as of the last look, at most a second old */
    struct database *database;
};

/* intake.c: messages become entries, entries transactions. */
struct intake *intake_new(struct writer *w);
void intake_free(struct writer *w);
void intake_message(struct writer *w, struct job *job, const struct mq_delivery *delivery);
/* Queues an entry of our own. The record's strings are taken. */
void intake_own(struct writer *w, enum entry_kind kind, const struct record *record);
/* Works what was gathered into the database; if that takes seconds, the rest on the next turn. True if something was
 * committed. */
bool intake_flush(struct writer *w);
/* Time since something was last stored, or 0 while there is something to store. */
int64_t intake_quiet_ms(const struct writer *w);
/* Works these entries into the database, at once. False if the database went away. */
bool intake_work(struct writer *w, struct entry **entries, size_t count);
/* Up to max pages whose end is gathered and not stored yet; how many. */
size_t intake_pages(const struct writer *w, struct alive_page *pages_r, size_t max);
/* Forgets what is gathered of messages that the broker has taken back. */
void intake_drop(struct writer *w);

/* database.c: connection, migrations, outages. */
void database_start(struct writer *w); /* connects, or suspends the stage until that works */
void database_stop(struct writer *w);
void database_tick(struct writer *w);           /* connects again when due */
void database_turn(struct writer *w);           /* reads notifications */
void database_lost(struct writer *w);           /* suspends the stage until it is back */
enum pg_status database_prepare(struct pg *pg); /* a new session: how its statements are planned */
int database_migrate_command(void);             /* writer --migrate: an exit status */

/* frontier.c: the leader: releases, clocks. */
struct frontier *frontier_new(struct writer *w);
void frontier_free(struct frontier **frontier);
void frontier_wake(struct writer *w); /* something may be released */
void frontier_turn(struct writer *w); /* releases what is due */
void frontier_tick(struct writer *w); /* every second: lock, clocks, sweeps */
void frontier_try_to_lead(struct writer *w);
void frontier_lost(struct writer *w); /* the session is gone, and with it the lock */
bool frontier_leads(const struct writer *w);

#endif
