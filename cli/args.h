/* The command line: one table of options, one of commands (commands.c), one parser, one writer of help. */
#ifndef GM_CLI_ARGS_H
#define GM_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cli;

enum option_kind {
    OPTION_FLAG,
    OPTION_NUMBER,   /* a whole number from min to max */
    OPTION_TIME,     /* 500ms, 30s, 5m, 2h; a bare number is seconds. Kept in ms */
    OPTION_MAY_TIME, /* the same, but only as --name=TIME; without one, it is max */
    OPTION_WORD,     /* one of words */
    OPTION_TEXT,
    OPTION_LIST /* a text; may be given again */
};

/* In the order in which help shows them. */
enum option_id {
    /* what a crawl is made of: fields of a seed */
    OPT_DEPTH,
    OPT_PAGES,
    OPT_SCOPE,
    OPT_PREFIX,
    OPT_INCLUDE,
    OPT_EXCLUDE,
    OPT_MATCH,
    OPT_PRESET,
    OPT_PER_HOST,
    OPT_PRIORITY,
    OPT_SITEMAP,
    OPT_FEEDS,
    OPT_NO_GUARDS,
    OPT_IGNORE_NOINDEX,
    OPT_IGNORE_NOFOLLOW,
    OPT_KEY_ONCE,
    /* what is asked for */
    OPT_FILE,
    OPT_EXPRESS,
    OPT_STATE,
    OPT_CODE,
    OPT_QUERY,
    OPT_IN,
    OPT_ROWS,
    OPT_ALL,
    OPT_ARTICLE,
    OPT_MARKDOWN,
    OPT_FORMAT,
    OPT_OUTPUT,
    OPT_FORCE,
    OPT_WAIT,
    OPT_YES,
    /* how it is waited for */
    OPT_WATCH,
    OPT_EACH,
    OPT_TIMEOUT,
    OPT_STRICT,
    /* every command has these */
    OPT_JSON,
    OPT_URL,
    OPT_HELP,
    OPT_COUNT
};

#define OPT(id)       (UINT64_C(1) << OPT_##id)
#define OPTS_EVERY    (OPT(JSON) | OPT(URL) | OPT(HELP))
#define OPTS_SEED     (OPT(KEY_ONCE) - 1) /* all before it */
#define ARGS_LIST_MAX 32                  /* values of an OPTION_LIST */

struct option_row {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *value; /* what help calls it; OPTION_WORD: the words, divided by | */
    double min, max;
    const char *field; /* of a seed; NULL: none */
    const char *help;
};
extern const struct option_row option_rows[OPT_COUNT];

struct command {
    const char *name;
    const char *operands; /* as in a usage line */
    int min, max;         /* operands; max < 0: any number */
    uint64_t options;     /* beside OPTS_EVERY */
    const char *about;    /* one line */
    const char *more;     /* further lines of its help, or NULL */
    const char *examples; /* lines */
    int (*run)(struct cli *cli);
};

struct option_value {
    bool set;
    int64_t number;
    const char *text;                 /* borrowed of argv */
    const char *items[ARGS_LIST_MAX]; /* OPTION_LIST */
    size_t count;
};

struct args {
    const struct command *command;
    struct option_value options[OPT_COUNT];
    const char **operands; /* owned; what they point to is argv's */
    size_t count;
};

/* Reads argv, without the program's name, against a table that ends with a row without a name. 0, or -1 with words. With --help
 * anything else may be missing. */
int args_parse(const struct command *commands, int argc, char **argv, struct args *args_r, char *error_r, size_t error_size);
void args_release(struct args *args);
/* A time as in OPTION_TIME, in ms; false if it is none. */
bool args_time(const char *text, int64_t *ms_r);
const struct command *args_find(const struct command *commands, const char *name);

/* Help of one command; of the whole program. */
void args_help_command(const struct command *command, FILE *out);
void args_help(const struct command *commands, FILE *out);

#endif
