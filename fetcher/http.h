/* HTTP: many transfers at once in one thread, on libcurl's socket interface driven by libev. The only file that knows
 * libcurl.
 *
 * What it promises: http and https only; one request, one response, redirects are for the caller; every connection goes
 * to an address that address.h permits, judged after name resolution, at connect; caps on header bytes, on the unpacked
 * body, on each phase's time; no cookies, credentials or proxies; certificates are verified. Connections are kept for
 * reuse, HTTP/2 is spoken where the server offers it. Nothing here blocks. */
#ifndef GM_FETCHER_HTTP_H
#define GM_FETCHER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "fetcher/address.h"
#include "fetcher/head.h"

struct ev_loop;
struct sockaddr;
struct http;
struct http_transfer;

struct http_config {
    const char *user_agent;
    const char *ca_file;    /* certificates to trust instead of the system's; "": the system's */
    const char *connect_to; /* HOST:PORT:CONNECT-HOST:CONNECT-PORT, separated by commas or blanks (curl --connect-to) */
    const char *resolve;    /* HOST:PORT:ADDRESS, separated by blanks; HOST may be * (curl --resolve) */
    int64_t connect_ms;     /* name, connection and TLS handshake */
    int64_t first_byte_ms;  /* from the request to the first byte of the answer */
    int64_t total_ms;
    int64_t low_speed;                 /* bytes a second; slower over 10 s is given up; 0: never */
    int64_t connections;               /* idle ones kept for reuse at most */
    const struct address_rules *rules; /* borrowed for the life of the object */
    /* Makes the socket that the library then connects to address; NULL: socket(2). Tests record what would be connected. */
    int (*open_socket)(const struct sockaddr *address, int type, int protocol);
};

/* Why there is no usable response. One line each in the table of fetcher_trouble.c. */
enum http_failure {
    HTTP_FINE, /* a response came, of any status; body is complete (or cut, if that was asked for) */
    HTTP_BAD_URL,
    HTTP_NO_NAME,       /* the name did not resolve, or not in time */
    HTTP_NO_RESOLVER,   /* the same, and our resolver answers no other question either: says nothing about the name */
    HTTP_NO_CONNECTION, /* refused, unreachable, or not connected in time */
    HTTP_BLOCKED,       /* only addresses or a port that must not be connected to */
    HTTP_NO_TLS,        /* handshake or certificate */
    HTTP_SLOW,          /* no first byte, not done, or a trickle */
    HTTP_BROKEN,        /* reset, cut short, or not HTTP */
    HTTP_UNDECODABLE,   /* compression broken, cut short, or of a kind that nobody has asked for */
    HTTP_LAYERED,       /* compressed more than once, or by Transfer-Encoding */
    HTTP_TOO_LARGE,     /* body or head above its cap */
    HTTP_WRONG_TYPE,    /* a 2xx whose type cannot hold text: stopped at its head */
    HTTP_STARVED        /* our own side lacks descriptors or memory: says nothing about the server */
};

struct http_request {
    const char *url; /* canonical; copied */
    /* Validators of an answer that the caller has: the request is conditional (RFC 9110 section 13.1). NULL or "": none. Copied. */
    const char *etag, *last_modified;
    size_t body_max;   /* bytes, unpacked */
    bool cut;          /* a larger body is cut there instead of refused */
    bool any_type;     /* take every content type */
    bool every_status; /* keep the bodies of answers that are not 2xx, too */
    bool keep_head;    /* keep the raw header lines */
    int64_t total_ms;  /* less time than the configuration gives; 0: just that */
};

struct http_response {
    enum http_failure failure;
    char detail[LIMIT_DETAIL + 1]; /* words about the failure, may hold foreign bytes */
    struct head head;              /* status is 0 if none came */
    bool conditional;              /* the request had a validator: only then 304 is an answer */
    struct buf body;               /* take it with buf_take, or it is gone after the callback */
    struct buf raw_head;
    int64_t bytes; /* of the body: unpacked, if it is wanted; else as they came */
    int64_t ms;    /* from http_start to the end */
};

/* response lives until the callback returns. May call http_start and http_abort (of others). */
typedef void http_done_fn(void *context, struct http_response *response);

/* True if the two lists of http_config are well-formed; else words, naming the variable FETCH_CONNECT_TO or FETCH_RESOLVE. */
bool http_words(const char *connect_to, const char *resolve, char *error_r, size_t size);
/* Strings are copied; connect_to and resolve must be well-formed. */
struct http *http_new(const struct http_config *config, struct ev_loop *loop);
/* Aborts what is running; closes all connections. */
void http_free(struct http **http);

/* Begins a transfer; done is called once, later, from the loop. */
struct http_transfer *http_start(struct http *http, const struct http_request *request, http_done_fn *done, void *context);
/* Ends a transfer without calling done; the pointer is dead afterwards. */
void http_abort(struct http_transfer *transfer);

struct http_stats {
    uint64_t started, finished, connections;
    int64_t bytes;
    size_t active;
};
void http_stats(const struct http *http, struct http_stats *stats_r);

#endif
