/* Exit statuses of gistmill: one table, which `gistmill help` prints and docs/CLI.md repeats. */
#ifndef GM_CLI_OUTCOME_H
#define GM_CLI_OUTCOME_H

#define OUTCOME_LIST(X)                                                                                                                    \
    X(OK, 0, "done")                                                                                                                       \
    X(FAILED, 1, "it came to nothing: the crawl failed or was cancelled, or every page failed; see `gistmill help wait`")                  \
    X(USAGE, 2, "bad arguments, bad configuration, or a request that the gateway refuses as such")                                         \
    X(AWAY, 3, "the gateway cannot be reached, or is not able to answer now")                                                              \
    X(UNKNOWN, 4, "no such crawl, page or URL")                                                                                            \
    X(REFUSED, 5, "the key is missing, wrong or not allowed to do this")                                                                   \
    X(TIMEOUT, 124, "the time is up; or, without waiting, a summary that is not there yet")                                                \
    X(INTERRUPTED, 130, "Ctrl-C while watching: the crawl goes on")

enum outcome {
#define X(name, number, text) OUTCOME_##name = number,
    OUTCOME_LIST(X)
#undef X
};

#endif
