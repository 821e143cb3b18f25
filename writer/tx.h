/* One transaction of the writer: the rows it works on, as they are in memory, and what is to become of them.
 *
 * Use: tx_init, tx_begin, tx_want_* and tx_load (locks crawls, reads pages), change the rows in memory, tx_admit (admit.h),
 * tx_write (apply.c), tx_commit. Every step returns PG_OK or the fault; then the caller rolls back (tx_finish does either).
 * Lock order: crawls by id, hosts by id, the rest sorted. The lock of its crawl protects a page. */
#ifndef GM_WRITER_TX_H
#define GM_WRITER_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "line/codes.h"
#include "line/pg.h"
#include "line/record.h"
#include "writer/found.h"
#include "writer/refusal.h"

enum scope { SCOPE_HOST, SCOPE_SUBDOMAINS, SCOPE_DOMAIN, SCOPE_ANY };

/* The sitemaps that robots.txt names: not asked for, besides links, instead of them. */
enum sitemap { SITEMAP_SKIP, SITEMAP_INCLUDE, SITEMAP_ONLY };

#define STATE_COUNT (STATE_CANCELLED + 1)

/* What a run found at a page, compared with the run before; the labels of the type page_news in sql/. */
enum news { NEWS_NONE, NEWS_ADDED, NEWS_CHANGED, NEWS_UNCHANGED, NEWS_GONE, NEWS_FAILED, NEWS_COUNT };

struct crawl_row {
    int64_t id;
    bool is_inbox, running;
    bool paused;    /* nothing is released */
    bool cancelled; /* ends: nothing is released or admitted, only articles still count */
    enum scope scope;
    int64_t max_depth, max_pages; /* max_pages 0: no limit */
    int64_t priority, places, kept, begun, admitted, open;
    bool ignore_noindex, ignore_nofollow;
    enum sitemap sitemap;
    bool feeds;
    bool again;   /* this transaction starts a new run */
    bool deleted; /* nobody finds it any more */
    /* changes of this transaction */
    int64_t d_state[STATE_COUNT];
    int64_t d_admitted, d_places, d_kept, d_begun;
    int64_t d_news[NEWS_COUNT];
    int64_t event, d_events;        /* the last number given before this transaction; how many it gives (tx_number) */
    int64_t refused[REFUSED_COUNT]; /* by enum refusal */
    char *refused_sample[REFUSED_COUNT];
    struct rules *rules; /* borrowed; NULL: not loaded (rules_load.h) */
    /* names in scope */
    char **hosts;
    size_t host_count, host_cap;
    size_t new_hosts; /* the last so many of hosts joined in this transaction */
};

enum waits { WAITS_NOT, WAITS_FRONTIER, WAITS_DELAYED };

struct page_row {
    int64_t id, crawl_id, host_id;
    char *url;
    enum page_state state, old_state;
    int64_t release, void_release, depth, part, hops, failures, losses, returns;
    bool has_place, had_place;
    enum news news;
    int64_t event;                           /* the number of its end in this transaction; 0: it does not end */
    bool has_text, was_gone;                 /* it has a text from before; it had one, and was gone */
    bool has_hash, has_recipe;               /* these are known */
    struct digest content_hash, recipe_hash; /* of the text and summary from before */
    bool forget;                             /* its summary is not stored any more: recipe_hash goes */
    bool dirty;
    bool cancelled; /* its crawl is */
    /* how it goes on */
    enum waits waits;
    int64_t delay_ms;            /* WAITS_DELAYED */
    enum code code;              /* of the last outcome; CODE_COUNT: none in this transaction */
    char *detail;                /* owned */
    const struct record *record; /* what it ended with, or fetched; borrowed */
    bool redirects;              /* REDIRECTED to a page that was offered */
    struct digest redirect_hash; /* of its URL */
    bool awaits;                 /* the record is kept until somebody else's summary of its text is there (awaited.h) */
};

/* A URL offered for admission. */
struct offer {
    int64_t crawl_id, parent_id, depth, hops;
    int64_t part;   /* steps at this depth that led here (found.h) */
    enum found how; /* it was found */
    int64_t date;   /* when it last changed, as who led here says: ms since 1970; 0: not said */
    char *url;      /* owned */
    char *host;     /* owned */
    char *shape;    /* owned; a page of a calendar: what it has in common with the others. NULL: none */
    bool https;
    struct digest hash;
};

/* What became of a ticket, as far as its host is concerned (writer/host_clock.h), the worst last. */
enum ticket_use { USE_NONE, USE_ANSWERED, USE_TROUBLED, USE_LIMITED, USE_UNREACHED };

/* A ticket that came to its end. */
struct ticket_end {
    int64_t host_id, page_id, release;
    int64_t pause_ms; /* at least so long until the next; -1: it was not used, no pause at all */
    enum ticket_use use;
    enum code code; /* of a use that is no answer */
};

enum network { NETWORK_UNSAID, NETWORK_UP, NETWORK_DOWN };

struct writer;

struct tx {
    struct pg *pg;
    struct writer *writer;
    struct pg_params params;

    bool looks; /* only reads: locks nothing */
    int64_t *want_pages, *want_crawls;
    size_t want_page_count, want_page_cap, want_crawl_count, want_crawl_cap;

    struct crawl_row *crawls; /* by id */
    size_t crawl_count;
    struct page_row *pages; /* by id */
    size_t page_count;

    struct offer *offers;
    size_t offer_count, offer_cap;
    struct ticket_end *ends;
    size_t end_count, end_cap;
    enum network network; /* what the records of this transaction say of our own network */
    struct robots_answer {
        const struct record *record; /* borrowed */
        bool excused;
    } * robots;
    size_t robots_count, robots_cap;

    /* attempt rows */
    struct pg_array at_page, at_release, at_code, at_detail, at_status, at_bytes, at_ms;
    /* bad_record, bad_request rows */
    struct pg_array br_queue, br_id, br_reason, br_body, bq_reason, bq_body;

    const struct record **again; /* texts summarised anew (resummary.h); borrowed */
    size_t again_count, again_cap;

    int64_t *completed; /* crawls this transaction completes */
    size_t completed_count, completed_cap;
    bool admitted; /* something new may be released */
};

void tx_init(struct tx *tx, struct writer *writer, struct pg *pg);
void tx_release(struct tx *tx);

enum pg_status tx_begin(struct tx *tx);
/* The same for a transaction that may store pages: what it finds of articles stays until its end (crawl_purge in sql/). */
enum pg_status tx_begin_storing(struct tx *tx);
void tx_want_page(struct tx *tx, int64_t id);
void tx_want_crawl(struct tx *tx, int64_t id);
/* Locks the wanted crawls and those of the wanted pages, reads their rows, scopes and the pages. May be called once. */
enum pg_status tx_load(struct tx *tx);
struct crawl_row *tx_crawl(struct tx *tx, int64_t id); /* NULL: not loaded or not there */
struct page_row *tx_page(struct tx *tx, int64_t id);

/* Takes its strings. A crawl that was cancelled takes no offers. */
void tx_offer(struct tx *tx, const struct offer *offer);
void tx_offer_release(const struct offer *offer);
void tx_end_ticket(struct tx *tx, const struct ticket_end *end);
/* excused: that it could not be had does not count against the host. */
void tx_robots(struct tx *tx, const struct record *robots, bool excused);
void tx_again(struct tx *tx, const struct record *r);
void tx_attempt(struct tx *tx, const struct page_row *page, int64_t release, enum code code, const char *detail, const struct record *r);
void tx_bad_record(struct tx *tx, const char *queue, const char *message_id, const char *reason, const void *body, size_t n);
void tx_bad_request(struct tx *tx, const char *reason, const void *body, size_t n);
void tx_refuse(struct crawl_row *crawl, enum refusal rule, int64_t count, const char *sample);

/* The next number of what happens in a crawl (sql/011_gateway.sql): of the end of one of its pages. */
int64_t tx_number(struct crawl_row *crawl);

const char *news_name(enum news news);  /* NULL for NEWS_NONE */
enum news news_parse(const char *name); /* anything else is NEWS_NONE */

/* Changes of a page's state; the only places where a page gets a new state in memory. In a crawl that was cancelled everything but
 * an article that is stored, or known to be as it was, ends a page as CANCELLED. */
void tx_page_end(struct page_row *page, enum code code, const char *detail, const struct record *r);
/* The page stays in flight, or is again: its record waits for a summary. */
void tx_page_await(struct page_row *page, const struct record *r);
void tx_page_wait(struct page_row *page, enum waits waits, int64_t delay_ms, enum code code, const char *detail);

/* apply.c: keeps the links of pages that may be found on a shorter way; before tx_admit, which reads them. */
enum pg_status tx_write_links(struct tx *tx);
/* admit.c: the offers become pages; pages whose depth falls offer their links again. Also locks all hosts this
 * transaction touches. */
enum pg_status tx_admit(struct tx *tx);
/* host_rules.c: what became of requests for robots.txt. */
enum pg_status tx_write_robots(struct tx *tx);
/* apply.c: writes everything else, counters last. */
enum pg_status tx_write(struct tx *tx);
/* Its last step alone: the counters, for transactions that change states by statements of their own. */
enum pg_status tx_write_crawls(struct tx *tx);
enum pg_status tx_commit(struct tx *tx);
/* The end of a transaction whose steps came to st: commits it and logs the crawls it completed, or rolls it back. Returns st, or
 * the fault of the commit. */
enum pg_status tx_finish(struct tx *tx, enum pg_status st);

/* Runs one statement with tx->params; result may be NULL. */
enum pg_status tx_run(struct tx *tx, const struct pg_stmt *stmt, struct pg_result **result_r);

#endif
