/* What a program says of itself every few seconds, for people who look at the line: that it is there, whether it works or waits, and,
 * each second while there are any, which pages it has in hand.
 *
 * It travels in the header `record` of an empty report (type "alive.v1", body "[]"): a writer that does not know of it takes it
 * for a report about nothing. Nothing depends on it, so one that is lost is lost. */
#ifndef GM_LINE_ALIVE_H
#define GM_LINE_ALIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define ALIVE_TYPE     "alive.v1"
#define ALIVE_EVERY_MS 5000
#define ALIVE_HAND     512 /* pages it names; 21 KiB of the header at worst, which must fit into one frame */
#define ALIVE_MODEL    1000

/* A page in hand. */
struct alive_page {
    int64_t page, release;
    int64_t since; /* wall clock ms */
};

struct alive {
    char id[33];      /* of this start of the program: 32 hexadecimal digits */
    char program[33]; /* "parser" */
    char host[65];    /* the machine's name, or its beginning */
    char version[33]; /* of the program */
    char state[17];   /* working, waiting, stopping, leading */
    char why[161];    /* what it waits for; "": nothing */
    int64_t pid;
    int64_t started_at;      /* wall clock ms */
    int64_t in_hand;         /* messages it works on */
    char alarm[65];          /* why the broker takes no messages; "": it does */
    char model[ALIVE_MODEL]; /* of a summarizer: a JSON object, see summarizer/stage.c; "": nothing */
    size_t hand_count;
    struct alive_page hand[ALIVE_HAND];
};

/* Fills what stays the same while the program runs. */
void alive_begin(struct alive *alive, const char *program);
/* Appends it as JSON. */
void alive_encode(const struct alive *alive, struct buf *out);
/* Reads what alive_encode wrote; false if it is anything else: every text is well-formed UTF-8 and fits. A program of the version before
 * says nothing of alarm, model and hand. */
bool alive_decode(const char *json, struct alive *alive_r);

#endif
