/* Fetching without a broker: --once for a look at one page, --batch for measuring. */
#ifndef GM_FETCHER_COMMAND_H
#define GM_FETCHER_COMMAND_H

/* Lines for --help. */
extern const char command_help[];

/* The exit status of --once URL or --batch FILE, -1 if the arguments are neither. */
int command_run(int argc, char **argv);

#endif
