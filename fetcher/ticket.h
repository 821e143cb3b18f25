/* What came out of the queue `url`, and what is to be done with it. */
#ifndef GM_FETCHER_TICKET_H
#define GM_FETCHER_TICKET_H

#include <stdint.h>

#include "line/mq.h"
#include "line/record.h"
#include "line/url.h"

enum ticket_step {
    TICKET_PAGE,    /* fetch the page */
    TICKET_ROBOTS,  /* fetch the robots.txt */
    TICKET_RETURN,  /* give it back unused: redelivered (somebody may have used it) or past its deadline */
    TICKET_BAD_URL, /* give it back with a verdict: not a URL that can be fetched */
    TICKET_BAD,     /* meant as a ticket, but it cannot be read */
    TICKET_FORWARD, /* no record at all: somebody put a bare URL here; to `seed`, where every reason is answered */
    TICKET_NEWER    /* from a newer program: hand it back untouched */
};

/* now_ms: wall clock. record_r is filled, and to be released, with PAGE, ROBOTS, RETURN and BAD_URL; url_r with PAGE and
 * ROBOTS. why_r: a few words with RETURN, BAD_URL, BAD and FORWARD, valid until the next call. */
enum ticket_step ticket_read(const struct mq_delivery *delivery, int64_t now_ms, struct record *record_r, struct url *url_r,
                             const char **why_r);

#endif
