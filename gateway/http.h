/* One request and its answer, as handlers see them. Handlers know nothing of the HTTP library: server.c does.
 *
 * A handler runs in a worker thread (work.h) with a database connection of its own. It fills req->answer and returns; or parks the
 * request with watch_wait (watch.h), or answers with a stream, whose rest is told later. */
#ifndef GM_GATEWAY_HTTP_H
#define GM_GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"

struct cJSON;
struct db;
struct request;
struct route;

enum method { METHOD_GET, METHOD_POST, METHOD_DELETE, METHOD_OTHER };

/* A body that is told piece by piece. */
struct stream {
    /* Copies up to max bytes; 0: nothing now; STREAM_END: that was all; STREAM_BROKEN: cut the connection. */
    ssize_t (*read)(struct stream *stream, char *out, size_t max);
    /* The connection sleeps after read gave 0. True: stream_wake will be called once there is more. False: there is more already. */
    bool (*sleep)(struct stream *stream);
    /* The client is gone or has it all; called once. */
    void (*free)(struct stream *stream);
    struct request *request; /* whose answer it is */
};
#define STREAM_END    (-1)
#define STREAM_BROKEN (-2)

#define ANSWER_HEADERS 6
struct answer {
    unsigned status; /* HTTP; 0: no answer yet */
    const char *type;
    struct buf body;
    const char *fixed; /* instead of body: text that lives for ever, */
    size_t fixed_len;  /* so long */
    struct {
        const char *name;
        char value[400];
    } headers[ANSWER_HEADERS];
    int header_count;
    struct stream *stream; /* instead of body */
};

#define ARG_MAX_BYTES 64
struct request {
    void *connection; /* of server.c */
    enum method method;
    bool is_head;
    const char *path;            /* decoded, without query */
    const struct route *route;   /* NULL: there is none */
    char args[2][ARG_MAX_BYTES]; /* what stood for {…} in the route's path */
    struct buf body;
    size_t received;    /* bytes of the body, also of one that is too large */
    struct cJSON *json; /* the body read, where the route wants one; an object */
    struct answer answer;
    int64_t key_id;        /* 0: without a key */
    int64_t begun_us;      /* monotonic */
    bool body_over, later; /* later: parked or given to a worker, see server.c */
    struct request *next;  /* of the list that it waits in */
    /* parked */
    bool (*check)(struct request *req, struct db *db, bool last);
    int64_t deadline_ms;
    /* the handler's own, for check */
    int64_t enough_ms, number;
    struct digest digest, other;
    struct buf note;
};

/* Values of the query string and of headers; NULL if there is none. Borrowed from the request. A value that holds U+0000 counts as none. */
const char *request_query(const struct request *req, const char *name);
const char *request_header(const struct request *req, const char *name);

/* The connection of a sleeping stream goes on. From any thread. */
void stream_wake(struct request *req);

/* ---- answers; each replaces what was there ---- */

/* The codes that clients may rely on; status and words are in http.c. */
enum fault {
    FAULT_BAD_REQUEST,
    FAULT_UNAUTHORIZED,
    FAULT_FORBIDDEN_HOST,
    FAULT_UNKNOWN,
    FAULT_METHOD,
    FAULT_CONFLICT,
    FAULT_TOO_LARGE,
    FAULT_MEDIA_TYPE,
    FAULT_RATE_LIMITED,
    FAULT_INTERNAL,
    FAULT_UNAVAILABLE,
    FAULT_COUNT
};

/* {success:false, code, error, details:{field}}; field may be NULL. */
void answer_fault(struct request *req, enum fault fault, const char *field, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* 200 with a JSON text that is copied. */
void answer_json(struct request *req, unsigned status, const char *json);
void answer_header(struct request *req, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void answer_clear(struct request *req);
void answer_stream(struct request *req, const char *type, struct stream *stream);

/* ---- reading parameters: what is wrong becomes the answer, and the result is false ---- */

/* A whole number of the query within bounds; *value_r keeps its value if there is none. */
bool query_int(struct request *req, const char *name, int64_t min, int64_t max, int64_t *value_r);
bool query_bool(struct request *req, const char *name, bool *value_r);
/* A number of JSON; the same. */
bool json_int(struct request *req, const char *name, int64_t min, int64_t max, int64_t *value_r);
bool json_bool(struct request *req, const char *name, bool *value_r);

/* Appends s as a JSON string. */
void json_quote(struct buf *out, const char *s);

#endif
