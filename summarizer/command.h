/* Summarising without a broker: --once and --batch. */
#ifndef GM_SUMMARIZER_COMMAND_H
#define GM_SUMMARIZER_COMMAND_H

/* For struct service_spec. */
extern const char summarizer_command_help[];
int summarizer_command(int argc, char **argv);

#endif
