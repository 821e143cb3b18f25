/* POST requests to a model's endpoint: many at once in one thread, on libcurl's socket interface driven by libev. The only
 * file of the summarizer that knows libcurl.
 *
 * http and https, certificates verified, no redirects (the key goes nowhere else), connections kept for reuse, proxies from
 * the environment as curl reads them. The answer is capped. Nothing here blocks. */
#ifndef GM_SUMMARIZER_LLM_HTTP_H
#define GM_SUMMARIZER_LLM_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define LLM_ID_BYTES 100 /* of a request's id, with NUL; a longer one is cut */

struct ev_loop;
struct llm_http;
struct llm_http_call;

enum llm_http_how {
    LLM_HTTP_ANSWERED,    /* status and body are there, whatever they say */
    LLM_HTTP_UNREACHABLE, /* no name, no connection, no TLS */
    LLM_HTTP_SLOW,        /* not done in time */
    LLM_HTTP_BROKEN,      /* the answer broke off or was not HTTP */
    LLM_HTTP_TOO_LARGE
};

struct llm_http_reply {
    enum llm_http_how how;
    long status;      /* 0 if none came */
    const char *body; /* never NULL, NUL-terminated; borrowed until the callback returns */
    size_t length;
    int64_t limit_ms; /* till a rate limit that is used up begins anew (x-ratelimit-remaining-*: 0, x-ratelimit-reset-*), 0 if none is */
    int64_t retry_after_ms; /* asked for by the server, 0 if not */
    const char *id;         /* x-request-id, "" if there is none; borrowed */
    const char *detail;     /* words of libcurl about a failure, else ""; borrowed */
};

/* The call is over and gone when this runs. It may post and cancel. */
typedef void llm_http_done_fn(void *context, const struct llm_http_reply *reply);

struct llm_http_config {
    const char *url;
    const char *key;    /* bearer token; "" for none. Never printed */
    size_t connections; /* kept for reuse */
    size_t answer_max;  /* bytes, unpacked */
};

/* Borrows the loop; copies the strings. */
struct llm_http *llm_http_new(struct ev_loop *loop, const struct llm_http_config *config);
/* Drops the calls under way without calling back. */
void llm_http_free(struct llm_http **http);
/* Starts a call; body (JSON) is copied. done is called once, from the loop, never from here. */
struct llm_http_call *llm_http_post(struct llm_http *http, const char *body, size_t n, int64_t timeout_ms, llm_http_done_fn *done,
                                    void *context);
/* Drops a call without calling back. */
void llm_http_cancel(struct llm_http_call *call);

#endif
