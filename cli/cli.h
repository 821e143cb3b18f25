/* What a run of gistmill has in hand, and how it speaks: results to stdout, all else to stderr. */
#ifndef GM_CLI_CLI_H
#define GM_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/outcome.h"

struct cJSON;
struct http;

/* Where text goes. */
struct look {
    bool tty;     /* a terminal: lines are cut to its width */
    bool colour;  /* a terminal without NO_COLOR */
    bool unicode; /* it shows more than ASCII */
};

struct cli {
    const struct args *args;
    struct http *http;
    const char *url;    /* of the gateway, without a slash at its end */
    int64_t timeout_ms; /* silence of the gateway that is too long */
    bool json;
    struct look out, err; /* stdout, stderr */
};

struct look look_of(FILE *file, bool unicode);
/* Columns of the terminal behind a stream; 100 if it is none. Asked anew each time: windows change. */
size_t look_width(FILE *file);

/* Styles; all empty without colour. */
enum style { STYLE_NONE, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };
const char *style(const struct look *look, enum style s);
/* Prints text, already clean, in a style. */
void print_styled(const struct look *look, FILE *out, enum style s, const char *text);

/* A line for the person, on stderr. */
void say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says why and gives the exit status back; with --json also {"success":false,"code":…,"error":…} on stdout. Both are cleaned. */
int complain(const struct cli *cli, enum outcome outcome, const char *code, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* One JSON value, one line of stdout. */
void print_json(const struct cJSON *value);

static inline bool opt_set(const struct cli *cli, enum option_id id)
{
    return cli->args->options[id].set;
}
static inline const char *opt_text(const struct cli *cli, enum option_id id)
{
    return cli->args->options[id].text;
}
static inline int64_t opt_number(const struct cli *cli, enum option_id id, int64_t otherwise)
{
    return opt_set(cli, id) ? cli->args->options[id].number : otherwise;
}
static inline const char *operand(const struct cli *cli, size_t i)
{
    return cli->args->operands[i];
}

#endif
