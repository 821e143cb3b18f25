/* Calls of the API: paths, errors, patience. docs/API.md describes what is on the other side. */
#ifndef GM_CLI_API_H
#define GM_CLI_API_H

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/http.h"

struct cJSON;

#define API_PATH_MAX 16384 /* bytes of a path with its query: a URL of 2,048 bytes, percent-encoded, and more */

/* A path begins with buf_init(path, API_PATH_MAX) and a literal; these add what comes from outside, percent-encoded. */
void api_segment(struct buf *path, const char *value);
/* name=value after ? or &; nothing if value is NULL. */
void api_query(struct buf *path, const char *name, const char *value);
void api_query_number(struct buf *path, const char *name, int64_t value);

struct api_call {
    const char *method;          /* NULL: GET */
    const char *path;            /* "/v1/…" */
    const struct cJSON *body;    /* NULL: none */
    const char *idempotency_key; /* NULL: none */
    int64_t hold_ms;             /* the gateway may hold the answer so long */
    bool again;                  /* a repeat does no harm; GET and calls with an Idempotency-Key never do */
    bool with_state;             /* an error that carries a member "state" is an answer, too */
};

/* Makes a call. OUTCOME_OK and *json_r, an object that the caller deletes; or it has said why not and gives the exit status.
 *
 * Where the gateway asks for time (429, 503 with Retry-After) the call is made again, for half a minute at most; only if that does no
 * harm. */
int api_call(struct cli *cli, const struct api_call *call, struct cJSON **json_r);
/* The same with the member "data" of the answer, which must be an object (or an array: want_array). */
int api_data(struct cli *cli, const struct api_call *call, bool want_array, struct cJSON **data_r);

/* One request without patience and without a word; for those who watch. */
void api_try(struct cli *cli, const char *path, struct http_request *request, struct http_reply *reply_r);
/* The exit status that an answer stands for, OUTCOME_OK for a good one; words_r: why, for a person. */
enum outcome api_judge(const struct cli *cli, const struct http_reply *reply, struct buf *words_r);
/* The answer as an object; NULL if it is none. */
struct cJSON *api_parse(const struct http_reply *reply);

#endif
