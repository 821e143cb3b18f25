/* HTTP requests to the gateway, one after the other, over libcurl. The only file of the program that knows libcurl.
 *
 * http and https, certificates verified, no redirects (the key goes nowhere else), the connection kept for reuse, proxies from the
 * environment as curl reads them, but none for this machine itself. */
#ifndef GM_CLI_HTTP_H
#define GM_CLI_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct http;

enum http_how {
    HTTP_ANSWERED,    /* status and body are there, whatever they say */
    HTTP_UNREACHABLE, /* no name, no connection, no TLS */
    HTTP_SLOW,        /* nothing came for idle_ms */
    HTTP_BROKEN,      /* the answer broke off or was not HTTP */
    HTTP_TOO_LARGE,
    HTTP_STOPPED /* on_bytes or on_tick said so */
};

struct http_request {
    const char *method;
    const char *url;
    const char *body;            /* JSON; NULL: none */
    const char *accept;          /* NULL: application/json */
    const char *idempotency_key; /* NULL: none */
    const char *last_event_id;   /* NULL or "": none */
    int64_t idle_ms;             /* silence that is too long; before the answer and in it */
    size_t max;                  /* bytes of an answer in reply.body */
    /* Takes the body of an answer with status 200, piece by piece, in place of reply.body; false ends the request. NULL: none. */
    bool (*on_bytes)(void *context, const char *bytes, size_t n);
    /* Called at least every 200 ms; false ends the request. NULL: none. */
    bool (*on_tick)(void *context);
    void *context;
};

struct http_reply {
    enum http_how how;
    long status; /* 0 if none came */
    struct buf body;
    char type[100];         /* Content-Type, "" if there was none */
    int64_t retry_after_ms; /* asked for by the server, 0 if not */
    char detail[256];       /* words of libcurl about a failure, else "" */
};

/* key: bearer token, "" for none. Both are copied. NULL if libcurl cannot start. */
struct http *http_new(const char *key);
void http_free(struct http **http);
/* Runs one request to its end. The reply is the caller's to release, whatever the result. */
void http_run(struct http *http, const struct http_request *request, struct http_reply *reply_r);
void http_reply_release(struct http_reply *reply);

/* NULL if url is an http or https URL without query and fragment, else words. */
const char *http_check_url(const char *url);

#endif
