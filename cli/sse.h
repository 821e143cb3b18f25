/* A reader of server-sent events (WHATWG HTML, section 9.2.6): takes bytes as they come, however they are cut. */
#ifndef GM_CLI_SSE_H
#define GM_CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define SSE_ID 64 /* bytes of an id, the closing NUL included; ours are numbers */

struct sse_event {
    const char *name; /* "message" if none was given */
    const char *data; /* lines joined by line feeds; borrowed for the call */
    size_t n;
};

typedef void sse_event_fn(void *context, const struct sse_event *event);

struct sse {
    struct buf line, name, data;
    bool has_data, skip_feed, too_large, begun;
    char id[SSE_ID];      /* of the last whole event that had one, "" before: what Last-Event-ID says */
    char next_id[SSE_ID]; /* of the event that is being read */
    sse_event_fn *on_event;
    void *context;
};

/* An event of more than max bytes is left out as a whole. */
void sse_init(struct sse *sse, size_t max, sse_event_fn *on_event, void *context);
void sse_release(struct sse *sse);
/* A new connection: what was begun is dropped, the last id stays. */
void sse_restart(struct sse *sse);
void sse_feed(struct sse *sse, const char *bytes, size_t n);

#endif
