/* The parent's side of the cage: feeds pages to the child and takes its answers, without ever blocking.
 *
 * Answers come in the order of the pages. One page may wait behind the one being parsed, so that the child does not idle; of small
 * ones several. A page on which the child dies, or hangs for longer than allowed, is tried once more, alone, in a fresh child; if that
 * dies, too, the page is the cause. Pages around it are simply sent again. */
#ifndef GM_PARSER_CAGE_H
#define GM_PARSER_CAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "line/codes.h"
#include "parser/parser_trouble.h"

struct cage;
struct ev_loop;

enum cage_end {
    CAGE_END_ARTICLE, /* body is a RECORD_ARTICLE */
    CAGE_END_EMPTY,   /* body is a RECORD_EMPTY */
    CAGE_END_TROUBLE, /* trouble says what; no body */
    CAGE_END_UNWANTED /* not parsed: nobody wanted it any more */
};

struct cage_result {
    enum cage_end end;
    enum code code;              /* of CAGE_END_ARTICLE (OK) and CAGE_END_EMPTY */
    enum parser_trouble trouble; /* of CAGE_END_TROUBLE */
    const char *detail;          /* "" if there is none; borrowed */
    struct buf *body;            /* may be taken */
    bool is_packed;              /* body is zstd */
};

struct cage_config {
    const char *program; /* path of the program that runs cage_child_run for CAGE_CHILD_FLAG */
    int64_t timeout_ms;  /* for one page */
    int64_t memory_mib;  /* for pages, beside the program itself */
    const char *agent;   /* our name in robots directives of pages; NULL: the default of directives.h */
    void *context;
    /* A page has ended; called once for each, from the loop. */
    void (*on_result)(void *context, void *page, struct cage_result *result);
    /* Asked before a page is sent: false ends it as CAGE_END_UNWANTED. */
    bool (*is_wanted)(void *context, void *page);
    /* The child is there and caged, or not. May be NULL. */
    void (*on_ready)(void *context, bool ready);
};

struct cage_stats {
    uint64_t starts, deaths, hangs;
};

/* Starts the first child. The loop must be libev's default loop: it reaps children. */
struct cage *cage_new(struct ev_loop *loop, const struct cage_config *config);
/* Kills the child. Pages not ended end as CAGE_END_UNWANTED. */
void cage_free(struct cage **cage);

/* Takes a page: record (JSON) and body are copied. */
void cage_submit(struct cage *cage, void *page, const char *record, const char *body, size_t body_len, bool is_packed);
/* The page submitted last goes before all that wait without hurry, unless it is with the child already. */
void cage_hurry(struct cage *cage);
/* Ends pages that are no longer wanted and not yet sent. */
void cage_sweep(struct cage *cage);
void cage_stats(const struct cage *cage, struct cage_stats *stats_r);

#endif
