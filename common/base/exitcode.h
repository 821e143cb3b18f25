/* Exit statuses of all programs. */
#ifndef GM_BASE_EXITCODE_H
#define GM_BASE_EXITCODE_H

enum exitcode {
    EXITCODE_OK = 0,          /* done, or stopped on request with everything in hand finished */
    EXITCODE_FAILED = 1,      /* a --once or --batch run whose result is a failure; the reason was printed */
    EXITCODE_MISUSE = 100,    /* bad arguments or configuration; starting again will not help */
    EXITCODE_DEPENDENCY = 111 /* something outside that we need is missing or lost, e.g. a port in use */
};

#endif
