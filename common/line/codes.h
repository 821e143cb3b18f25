/* The closed list of outcome codes. One line here is all a new code needs: name, what a stage does with a page that
 * meets it, the state the page ends in, and the words a person reads. Names live in queues and in the database: they
 * may be added, never renamed.
 *
 * Verdicts (law 10 of docs/ARCHITECTURE.md): DONE, RETRY (transient: the page waits and is tried again, counted),
 * REJECT (final). A RETRY code becomes final when the attempts are used up. */
#ifndef GM_LINE_CODES_H
#define GM_LINE_CODES_H

#include <stdbool.h>

enum verdict { VERDICT_DONE, VERDICT_RETRY, VERDICT_REJECT };

/* Also the labels of the type page_state in sql/. */
enum page_state { STATE_REGISTERED, STATE_SCHEDULED, STATE_STORED, STATE_SKIPPED, STATE_ERROR, STATE_CANCELLED };

#define CODE_LIST(X)                                                                                                                       \
    X(OK, DONE, STORED, "article and summary are stored")                                                                                  \
    X(DNS_FAIL, RETRY, ERROR, "the host name could not be resolved")                                                                       \
    X(NO_RESOLVER, RETRY, ERROR, "our own resolver does not answer; says nothing about the page")                                          \
    X(CONNECT_FAIL, RETRY, ERROR, "no connection to the server")                                                                           \
    X(TIMEOUT, RETRY, ERROR, "the server did not answer in time")                                                                          \
    X(TLS, RETRY, ERROR, "the TLS handshake or the certificate check failed")                                                              \
    X(BAD_RESPONSE, RETRY, ERROR, "the answer broke off or was not valid HTTP")                                                            \
    X(HTTP_4XX, REJECT, ERROR, "the server answered with a client error")                                                                  \
    X(HTTP_5XX, RETRY, ERROR, "the server answered with a server error")                                                                   \
    X(RATE_LIMITED, RETRY, ERROR, "the server asked for fewer requests")                                                                   \
    X(ROBOTS_DISALLOWED, REJECT, SKIPPED, "robots.txt does not allow this page")                                                           \
    X(ROBOTS_UNAVAILABLE, RETRY, ERROR, "robots.txt could not be read, so nothing may be fetched")                                         \
    X(ADDRESS_BLOCKED, REJECT, ERROR, "the address or the port must not be fetched from")                                                  \
    X(BAD_URL, REJECT, ERROR, "not a URL that can be fetched")                                                                             \
    X(TOO_LARGE, REJECT, ERROR, "the page is larger than the limit")                                                                       \
    X(UNSUPPORTED_TYPE, REJECT, SKIPPED, "a kind of content that holds no article")                                                        \
    X(BAD_ENCODING, REJECT, ERROR, "the content could not be decoded")                                                                     \
    X(REDIRECTED, REJECT, SKIPPED, "the page points elsewhere; its target was admitted in its place")                                      \
    X(REDIRECT_LOOP, REJECT, ERROR, "the redirects come back to the start or do not end")                                                  \
    X(HOST_DOWN, REJECT, ERROR, "the host has not answered for too long")                                                                  \
    X(NO_ARTICLE, REJECT, SKIPPED, "the page holds no article; its links count")                                                           \
    X(NOINDEX, REJECT, SKIPPED, "the page asks not to be indexed")                                                                         \
    X(UNCHANGED, REJECT, SKIPPED, "the page is as it was")                                                                                 \
    X(MODEL_UNAVAILABLE, RETRY, STORED, "the model could not be reached")                                                                  \
    X(MODEL_REFUSED, REJECT, STORED, "the model would not answer")                                                                         \
    X(MODEL_BAD_ANSWER, REJECT, STORED, "the model's answer could not be used")                                                            \
    X(BUDGET_EXCEEDED, REJECT, STORED, "the budget is used up; the summary is owed")                                                       \
    X(LIMIT_REACHED, REJECT, SKIPPED, "the crawl's limit was reached first")                                                               \
    X(POISON, REJECT, ERROR, "the page killed the parser twice")                                                                           \
    X(BAD_RECORD, REJECT, ERROR, "the record could not be read or stored")                                                                 \
    X(LOST, REJECT, ERROR, "the page was lost on the way too often")                                                                       \
    X(CANCELLED, REJECT, CANCELLED, "the crawl was cancelled")

enum code {
#define X(name, verdict, state, text) CODE_##name,
    CODE_LIST(X)
#undef X
        CODE_COUNT
};

/* All of these accept any value; one outside the list gives "?" or the entry of BAD_RECORD. */
const char *code_name(enum code code);
const char *code_text(enum code code);
enum verdict code_verdict(enum code code);
enum page_state code_state(enum code code);
/* Finds a code by name; false if there is none. */
bool code_parse(const char *name, enum code *code_r);

const char *verdict_name(enum verdict verdict); /* "done", "retry", "reject" */
const char *state_name(enum page_state state);  /* "registered", … */

#endif
