/* Requests: rows of the table `request`, written by a gateway, read as messages of the queue `seed` are. A request is taken by the
 * transaction that admits it, under a lock on its row: once, whatever dies. Nothing of them is kept in memory between two looks. */
#ifndef GM_WRITER_REQUEST_H
#define GM_WRITER_REQUEST_H

#include "base/digest.h"
#include "writer/tx.h"
#include "writer/writer.h"

struct request {
    struct digest id;
    bool express, inbox, force;
    /* of this transaction */
    bool ours;      /* it is locked, and nobody has taken it */
    int64_t crawl;  /* what came of it; 0: nothing, error says why */
    char field[41]; /* the member at fault, or "" */
    char error[400];
};

/* There may be requests: looked for on the next turn. */
void request_wake(struct writer *w);
/* Takes what there is, if it was woken. Every writer does. */
void request_turn(struct writer *w);

/* For the transaction (intake.c), in this order: locks those of the entries that are requests; then each is judged (judge_seed.c);
 * writes what came of them. */
enum pg_status request_lock(struct tx *tx, struct entry **entries, size_t count);
enum pg_status request_write(struct tx *tx, struct entry **entries, size_t count);

/* A request makes a crawl unless it is for the inbox, and is JSON. */
void request_read(const struct request *request, struct seed *seed);
/* Nothing comes of it; the first reason stays. */
void request_refuse(struct request *request, const char *field, const char *reason);

#endif
