/* Releasing: which pages may be fetched now. One transaction picks them, writes their tickets and counts; then the tickets
 * are published. Run by the leading writer only. */
#ifndef GM_WRITER_RELEASE_H
#define GM_WRITER_RELEASE_H

#include "writer/host_rules.h"
#include "writer/writer.h"

struct release_result {
    size_t released;    /* tickets published */
    bool more;          /* there may be more to release at once */
    int64_t next_in_ms; /* when to look again, if nothing happens before; -1: nothing waits for a time */
};

/* What is done with a ticket once its release is committed. */
typedef void release_publish(struct writer *w, enum queue_id queue, const struct record *ticket);

enum pg_status release_run(struct writer *w, struct host_rules *rules, release_publish *publish, struct release_result *result_r);

/* Moves what was waiting for a time that has come to the frontier. */
enum pg_status release_delayed(struct writer *w);

#endif
