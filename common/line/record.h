/* The records that travel in the queues: one struct, one field table for encoding and decoding, one version.
 *
 * A record is a JSON object `{"v":1,"kind":"article",…}`. Ids are strings of digits, so that no reader turns them into
 * doubles; times are integers of milliseconds since 1970 (below 2^53). Decoding validates everything: well-formed UTF-8,
 * no U+0000, types, lengths, and the fields each kind must have; the error names the field. Consumers accept version N
 * and N-1 (there is no 0), a newer one gives RECORD_NEWER.
 *
 * Ownership: strings of a record belong to it (record_release frees them), unless it was filled by hand for encoding:
 * record_encode only reads.
 *
 * Caps of links: a RECORD_EMPTY, which may be of a feed or sitemap, has the larger ones when it is read. Who fills a record says which ones
 * hold by links.is_list. */
#ifndef GM_LINE_RECORD_H
#define GM_LINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define RECORD_VERSION 1

#define RECORD_KEPT "kept" /* value of engine */

enum record_kind {
    RECORD_TICKET,   /* url: permission to fetch one page, or a host's robots.txt (page = 0) */
    RECORD_PAGE,     /* header of an html message: what the fetcher knows of the page whose body it carries */
    RECORD_ARTICLE,  /* article and, with the summary added, summary */
    RECORD_EMPTY,    /* report: a page without an article: code, links */
    RECORD_FETCHED,  /* report: the ticket was used and the page passed on */
    RECORD_RETURNED, /* report: the ticket was not used */
    RECORD_ROBOTS,   /* report: a robots.txt, or why there is none */
    RECORD_VERDICT,  /* report: the page cannot go on: code, detail; location with REDIRECTED. Also header of a message in
                        dead: why it is there (page = 0: it did not say whose it was) */
    RECORD_KINDS
};

/* What kind of list a page is, as the field `list`. */
enum record_list { LIST_NONE, LIST_FEED, LIST_SITEMAP, LIST_SITEMAPS /* an index of sitemaps */ };

struct record_links {
    char **items; /* canonical URLs */
    size_t count;
    size_t cap;
    size_t bytes; /* of all items in sum; kept by record_add_link and the decoder */
    bool is_list; /* of a feed or sitemap: may be LIMIT_LIST_LINKS and _BYTES, not only LIMIT_LINKS and _BYTES */
    /* One for each item, or NULL if none has one: when the target last changed as the list of links says (feeds, sitemaps),
     * wall clock ms; 0: it does not say. A date without a time of day is midnight UTC. */
    int64_t *dates;
    size_t dates_count, dates_cap;
};

struct record {
    enum record_kind kind;

    /* which page */
    int64_t page; /* 0: a robots.txt */
    int64_t crawl;
    int64_t host;
    int64_t release; /* number of the release; of the robots.txt request if page is 0 */
    int64_t depth;
    char *url; /* canonical */

    /* ticket */
    int64_t deadline; /* wall clock ms: not to be started later */
    int64_t attempt;  /* 1 for the first try */

    /* of a page that has its text and summary from an earlier run: the digests they are stored under. The ticket has the
     * validators of that answer (etag, last_modified), too: they make the request a conditional one. */
    char *known_hash, *known_recipe;
    /* ticket, page: 1: the crawl wants robots directives of the page (<meta name="robots">, X-Robots-Tag) left out of account */
    int64_t ignore_noindex, ignore_nofollow;

    /* fetch */
    int64_t status;      /* HTTP status, 0 if there was none */
    int64_t bytes;       /* body, unpacked */
    int64_t ticketed;    /* has_ticket: this record also ends the ticket (verdicts of the fetcher) */
    int64_t retry_after; /* seconds asked for by the server, 0 if not */
    char *content_type;  /* as received */
    char *robots_tag;    /* X-Robots-Tag as received, one a line */
    char *etag;
    char *last_modified;
    char *location; /* canonical redirect target */

    /* stage times, wall clock ms */
    int64_t taken_at, fetched_at, parsed_at, calculated_at;

    /* outcome */
    char *code;   /* name of an enum code */
    char *detail; /* words for people */

    /* article */
    char *title, *byline, *date, *lang, *site, *excerpt, *canonical;
    char *next;    /* rel=next: the following part of the same text or list */
    char *amp;     /* rel=amphtml: the same article, for phones */
    char *feeds;   /* RSS and Atom feeds that the page announces, canonical URLs, one a line; LIMIT_FEEDS at most */
    int64_t list;  /* enum record_list */
    char *hash;    /* digest_hex of the normalised text */
    char *simhash; /* 64 bits, 16 lower-case hexadecimal digits: similar texts differ in few of them */
    char *text, *markdown;
    int64_t words;
    int64_t links_cut; /* links or Markdown dropped by the caps */
    struct record_links links;

    /* summary */
    char *summary;
    char *engine; /* "extractive", "llm"; "kept": the summary of hash and recipe is stored already, and not in here */
    char *model;
    char *recipe;    /* digest_hex of engine, model, prompt and parameters */
    char *reason;    /* code name: why not the engine that was asked for */
    int64_t again;   /* 1: a stored text that is summarised anew: ends no page */
    int64_t pending; /* 1: somebody else is asking the model for this text; recipe says for which summary. The page waits */
    int64_t tokens_in, tokens_out;

    /* robots.txt */
    char *robots; /* the text, when status is 2xx */
};

enum record_status {
    RECORD_OK,
    RECORD_BAD,  /* not a record; error says which field and why */
    RECORD_NEWER /* a version above RECORD_VERSION */
};

struct record_error {
    char text[160];
    bool has_version; /* it is a JSON object with a version: meant as a record, whatever is wrong with it */
};

/* Empties a record and frees its strings and links. */
void record_release(struct record *r);

/* Appends one record as JSON. False if out's maximum would be exceeded. Only non-zero and non-NULL fields are written. */
bool record_encode(const struct record *r, struct buf *out);

/* Reads one record; kinds is a bit mask (1u << RECORD_TICKET | …) of what is acceptable here. record_r is valid and
 * to be released with RECORD_OK only; otherwise it is empty. */
enum record_status record_decode(const char *json, size_t n, unsigned kinds, struct record *record_r, struct record_error *error_r);

/* The same for a JSON array of records, which may be empty, or a single one (report). *records_r is to be freed with record_free_all.
 * One bad record makes the whole message RECORD_BAD: producers are ours, and a half-read report would free no ticket. */
enum record_status record_decode_all(const char *json, size_t n, unsigned kinds, struct record **records_r, size_t *count_r,
                                     struct record_error *error_r);
void record_free_all(struct record *records, size_t count);

/* False if message_id names a page and release and r is about others. The parser sets it for its child, which a hostile page might
 * have taken over: what comes out of the cage is believed about that one page only. A message without an id may be about any. */
bool record_is_about(const struct record *r, const char *message_id);

/* Appends a link (copied). False if a cap of limits.h is reached: then it is counted in links_cut. */
bool record_add_link(struct record *r, const char *url, size_t n);
/* The same for a link whose target's last change is known: ms since 1970, 0 or less if it is not. */
bool record_add_dated_link(struct record *r, const char *url, size_t n, int64_t date);
/* Takes all links but the first `keep` out and counts them in links_cut. */
void record_cut_links(struct record *r, size_t keep);

const char *record_kind_name(enum record_kind kind);

#endif
