/* Following a crawl to its end: by server-sent events, which go on where a connection broke; by asking again and again where there are
 * none. A gateway that is away is waited for, five minutes at most. */
#ifndef GM_CLI_WATCH_H
#define GM_CLI_WATCH_H

#include "cli/cli.h"

enum watch_how {
    WATCH_SHOW, /* a bar, or a line each 5 s where there is no terminal; with --json each event as a line of stdout */
    WATCH_WAIT  /* without a word, until the end */
};

/* Obeys --timeout, --strict, --each and --json; Ctrl-C and SIGTERM leave the crawl running and say how to come back. Gives the exit
 * status that the crawl's end stands for. */
int watch_crawl(struct cli *cli, const char *id, enum watch_how how);

#endif
