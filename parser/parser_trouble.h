/* What becomes of a page that could not be turned into a record: the only place of the parser that decides it. (What a page
 * that was read is worth, article or none, is the code of extract_page.) */
#ifndef GM_PARSER_TROUBLE_H
#define GM_PARSER_TROUBLE_H

#include <stdbool.h>

#include "line/codes.h"

enum parser_trouble {
    TROUBLE_BAD_RECORD,       /* the message's record cannot be read */
    TROUBLE_BAD_CODING,       /* content_encoding is neither zstd nor absent */
    TROUBLE_NOT_UNPACKABLE,   /* the body is not zstd, or cut short */
    TROUBLE_BOMB,             /* the body unpacks to more than LIMIT_BODY */
    TROUBLE_RECORD_TOO_LARGE, /* not even without Markdown and links does the record fit a message */
    TROUBLE_CHILD_DIED,       /* the page killed the child twice, the second time alone in a fresh one */
    TROUBLE_CHILD_HUNG,       /* the same by not ending within PARSE_TIMEOUT */
    TROUBLE_COUNT
};

struct parser_verdict {
    enum code code;
    bool bad_message; /* the fault is the message's, not the page's: it goes to where bad messages go */
    const char *text; /* for the detail; more may follow it */
};

/* Any value; one outside the list is judged as TROUBLE_BAD_RECORD. */
struct parser_verdict parser_trouble_verdict(enum parser_trouble trouble);

#endif
