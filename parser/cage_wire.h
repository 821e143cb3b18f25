/* What parent and child of the cage say to each other: frames of a fixed head and its parts, over a socket pair. Both ends are the
 * same program, so numbers are in its own byte order. */
#ifndef GM_PARSER_CAGE_WIRE_H
#define GM_PARSER_CAGE_WIRE_H

#include <stdatomic.h>
#include <stdint.h>

#include "line/limits.h"

#define CAGE_MAGIC 0x676d3031u

#define CAGE_AHEAD_BYTES (256u << 10) /* of small pages that wait for the child, or in it */

/* The child's descriptors. */
enum { CAGE_FD_SOCKET = 3, CAGE_FD_PROGRESS };

/* Memory that both share: answers may be on their way when the child dies, and here is how far it had come. The child can write anything
 * into it. */
struct cage_progress {
    _Atomic uint32_t answers; /* made since it was started, CAGE_READY too */
};

/* Parent to child: a page. Followed by its record (JSON, as it came) and its body. */
struct cage_ask {
    uint32_t magic;
    uint32_t record_len; /* LIMIT_RECORD at most */
    uint32_t body_len;   /* LIMIT_MESSAGE at most */
    uint32_t is_packed;  /* the body is zstd */
};

enum cage_answer_kind {
    CAGE_READY,   /* said once, when the cage has closed around the child */
    CAGE_ARTICLE, /* body: a RECORD_ARTICLE */
    CAGE_EMPTY,   /* body: a RECORD_EMPTY */
    CAGE_TROUBLE  /* no body; code is an enum parser_trouble */
};

/* Child to parent, once for each page, in order. Followed by detail and body. */
struct cage_answer {
    uint32_t magic;
    uint32_t kind;       /* enum cage_answer_kind */
    uint32_t code;       /* enum code, or enum parser_trouble */
    uint32_t detail_len; /* below LIMIT_DETAIL */
    uint32_t body_len;   /* LIMIT_MESSAGE at most */
    uint32_t is_packed;
};

#endif
