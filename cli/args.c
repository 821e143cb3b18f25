/* The command line; contract in args.h. */
#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/outcome.h"

#define ROWS_MAX     1e9
#define TIME_MAX     (7.0 * 24 * 3600 * 1000) /* ms */
#define WAIT_DEFAULT (60.0 * 1000)            /* ms: what --wait alone means */

const struct option_row option_rows[OPT_COUNT] = {
    [OPT_DEPTH] = {"depth", 'd', OPTION_NUMBER, "N", 0, 1000, "depth", "follow links N levels deep; 0: the URL alone"},
    [OPT_PAGES] = {"limit", 'n', OPTION_NUMBER, "N", 1, 1e9, "limit", "store at most N pages"},
    [OPT_SCOPE] = {"scope", 's', OPTION_WORD, "host|subdomains|domain|any", 0, 0, "scope", "which links belong to the crawl"},
    [OPT_PREFIX] = {"prefix", 0, OPTION_TEXT, "PATH", 0, 0, "prefix", "only links whose path begins so"},
    [OPT_INCLUDE] = {"include", 'i', OPTION_LIST, "MASK", 0, 0, "include",
                     "only links that match one of these regular expressions (PCRE2)"},
    [OPT_EXCLUDE] = {"exclude", 'x', OPTION_LIST, "MASK", 0, 0, "exclude", "no links that match one of these"},
    [OPT_MATCH] = {"match", 0, OPTION_WORD, "path|url", 0, 0, "match", "what masks look at; path has the query, too"},
    [OPT_PRESET] = {"preset", 0, OPTION_WORD, "wiki", 0, 0, "preset",
                    "no File:, Special:, Talk:, User: ..., no links that edit or show history"},
    [OPT_PER_HOST] = {"per-host", 0, OPTION_NUMBER, "N", 1, 1e9, "per_host", "at most N pages of each host"},
    [OPT_PRIORITY] = {"priority", 0, OPTION_NUMBER, "N", -100, 100, "priority", "smaller is sooner; below 0: before any backlog"},
    [OPT_SITEMAP] = {"sitemap", 0, OPTION_WORD, "skip|include|only", 0, 0, "sitemap", "the sitemaps that robots.txt names"},
    [OPT_FEEDS] = {"feeds", 0, OPTION_FLAG, NULL, 0, 1, "feeds", "read the RSS and Atom feeds that pages announce"},
    [OPT_NO_GUARDS] = {"no-guards", 0, OPTION_FLAG, NULL, 0, 0, "guards", "also links that look like traps"},
    [OPT_IGNORE_NOINDEX] = {"ignore-noindex", 0, OPTION_FLAG, NULL, 0, 1, "ignoreNoindex", "keep pages that ask not to be indexed"},
    [OPT_IGNORE_NOFOLLOW] = {"ignore-nofollow", 0, OPTION_FLAG, NULL, 0, 1, "ignoreNofollow",
                             "follow links of pages that ask not to follow them"},
    [OPT_KEY_ONCE] = {"idempotency-key", 0, OPTION_TEXT, "KEY", 0, 0, NULL, "one crawl for this key, however often it is sent"},
    [OPT_FILE] = {"file", 'f', OPTION_TEXT, "FILE", 0, 0, NULL, "URLs of a file, one a line; - is standard input; # begins a comment"},
    [OPT_EXPRESS] = {"express", 0, OPTION_FLAG, NULL, 0, 0, NULL, "you wait for it: before any backlog"},
    [OPT_STATE] = {"state", 0, OPTION_TEXT, "STATE", 0, 0, NULL, "only those in this state"},
    [OPT_CODE] = {"code", 'c', OPTION_TEXT, "CODE", 0, 0, NULL, "only those that ended with this code, such as HTTP_5XX"},
    [OPT_QUERY] = {"q", 'q', OPTION_TEXT, "TEXT", 0, 0, NULL, "only those with this in URL or title"},
    [OPT_IN] = {"crawl", 0, OPTION_TEXT, "ID", 0, 0, NULL, "in this crawl only"},
    [OPT_ROWS] = {"limit", 'n', OPTION_NUMBER, "N", 1, ROWS_MAX, NULL, "at most N rows"},
    [OPT_ALL] = {"all", 'a', OPTION_FLAG, NULL, 0, 0, NULL, "all of them"},
    [OPT_ARTICLE] = {"article", 0, OPTION_FLAG, NULL, 0, 0, NULL, "the article's text, too"},
    [OPT_MARKDOWN] = {"markdown", 0, OPTION_FLAG, NULL, 0, 0, NULL, "the article as Markdown, and nothing else"},
    [OPT_FORMAT] = {"format", 0, OPTION_WORD, "jsonl|md", 0, 0, NULL, "a JSON object a line (the default), or Markdown"},
    [OPT_OUTPUT] = {"output", 'o', OPTION_TEXT, "FILE", 0, 0, NULL, "into this file, which appears when it is whole"},
    [OPT_FORCE] = {"force", 0, OPTION_FLAG, NULL, 0, 0, NULL, "fetch and summarise again (with --wait)"},
    [OPT_WAIT] = {"wait", 'w', OPTION_MAY_TIME, "TIME", 0, WAIT_DEFAULT, NULL,
                  "have it made, and wait until it is ready, at most TIME (60s)"},
    [OPT_YES] = {"yes", 'y', OPTION_FLAG, NULL, 0, 0, NULL, "do not ask"},
    [OPT_WATCH] = {"watch", 'w', OPTION_FLAG, NULL, 0, 0, NULL, "show how it goes until it ends; Ctrl-C leaves it running"},
    [OPT_EACH] = {"each", 0, OPTION_FLAG, NULL, 0, 0, NULL, "a line for each page that ends"},
    [OPT_TIMEOUT] = {"timeout", 't', OPTION_TIME, "TIME", 0, TIME_MAX, NULL, "wait no longer: 30s, 5m, 2h; then exit status 124"},
    [OPT_STRICT] = {"strict", 0, OPTION_FLAG, NULL, 0, 0, NULL, "exit status 1 if any page failed"},
    [OPT_JSON] = {"json", 'j', OPTION_FLAG, NULL, 0, 0, NULL, "JSON for programs; lists: one object a line"},
    [OPT_URL] = {"url", 0, OPTION_TEXT, "URL", 0, 0, NULL, "the gateway, instead of GISTMILL_URL"},
    [OPT_HELP] = {"help", 'h', OPTION_FLAG, NULL, 0, 0, NULL, "this text"},
};

static const struct {
    const char *suffix;
    double ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};

bool args_time(const char *text, int64_t *ms_r)
{
    size_t digits = strspn(text, "0123456789."), i = 0;
    char *end;
    if (!isdigit((unsigned char)*text) || digits > 18) return false;
    double value = strtod(text, &end);
    if (end != text + digits) return false;
    while (i < sizeof units / sizeof *units && strcmp(end, units[i].suffix) != 0) i++;
    if (i == sizeof units / sizeof *units || value * units[i].ms > TIME_MAX) return false;
    *ms_r = (int64_t)(value * units[i].ms + 0.5);
    return true;
}

static bool whole_number(const char *text, const struct option_row *row, int64_t *number_r)
{
    char *end;
    if (!isdigit((unsigned char)text[*text == '-'])) return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno != 0 || *end || (double)n < row->min || (double)n > row->max) return false;
    *number_r = n;
    return true;
}

static bool one_of(const char *text, const char *words)
{
    size_t n = strlen(text);
    for (const char *word = words; *word; word += strcspn(word, "|"), word += *word == '|')
        if (strcspn(word, "|") == n && strncmp(word, text, n) == 0) return true;
    return false;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text)) return true;
    return false;
}

static int set_value(const struct option_row *row, struct option_value *value, const char *text, char *error, size_t size)
{
    bool good = true;
    value->set = true;
    value->text = text;
    if (has_control(text)) {
        snprintf(error, size, "control characters in --%s", row->name);
        return -1;
    }
    switch (row->kind) {
    case OPTION_NUMBER:
        good = whole_number(text, row, &value->number);
        if (!good) snprintf(error, size, "--%s: must be a whole number from %.0f to %.0f", row->name, row->min, row->max);
        break;
    case OPTION_TIME:
    case OPTION_MAY_TIME:
        good = args_time(text, &value->number);
        if (!good) snprintf(error, size, "--%s: must be a time such as 30s, 5m, 2h, at most 7 days", row->name);
        break;
    case OPTION_WORD:
        good = one_of(text, row->value);
        if (!good) snprintf(error, size, "--%s: must be one of %s", row->name, row->value);
        break;
    case OPTION_LIST:
        good = value->count < ARGS_LIST_MAX;
        if (good) value->items[value->count++] = text;
        if (!good) snprintf(error, size, "--%s: at most %d of them", row->name, ARGS_LIST_MAX);
        break;
    default: break;
    }
    return good ? 0 : -1;
}

/* An option by its name of n bytes or by its letter. Two commands may mean different things by one name, so the command is asked first.
 * Before the command there are only those that every command has. */
static enum option_id find_option(const struct command *command, const char *name, size_t n, char letter)
{
    uint64_t allowed = OPTS_EVERY | (command ? command->options : 0);
    for (enum option_id id = 0; id < OPT_COUNT; id++) {
        if (!(allowed >> id & 1)) continue;
        const struct option_row *row = &option_rows[id];
        if (letter ? row->letter == letter : strlen(row->name) == n && memcmp(row->name, name, n) == 0) return id;
    }
    return OPT_COUNT;
}

struct reader {
    const struct command *commands;
    struct args *args;
    int argc, at;
    char **argv;
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int fault(struct reader *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->error, r->error_size, format, ap);
    va_end(ap);
    return -1;
}

/* text is the option's own value, NULL if it has none with it. */
static int take_option(struct reader *r, enum option_id id, const char *text)
{
    const struct option_row *row = &option_rows[id];
    struct option_value *value = &r->args->options[id];
    if (row->kind == OPTION_FLAG) {
        if (text) return fault(r, "--%s takes no value", row->name);
        value->set = true;
        value->number = 1;
        return 0;
    }
    if (row->kind == OPTION_MAY_TIME && !text) {
        value->set = true;
        value->number = (int64_t)row->max;
        return 0;
    }
    if (!text && r->at < r->argc) text = r->argv[r->at++];
    if (!text) return fault(r, "--%s needs a value: %s", row->name, row->value);
    return set_value(row, value, text, r->error, r->error_size);
}

static int read_long(struct reader *r, const char *arg)
{
    const char *name = arg + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    enum option_id id = find_option(r->args->command, name, n, 0);
    if (id == OPT_COUNT && r->args->command)
        return fault(r, "%s has no option --%.*s", r->args->command->name, (int)(n < 40 ? n : 40), name);
    if (id == OPT_COUNT) return fault(r, "no such option before the command: --%.*s", (int)(n < 40 ? n : 40), name);
    return take_option(r, id, equals ? equals + 1 : NULL);
}

/* -aj, -n5, -n 5 */
static int read_short(struct reader *r, const char *arg)
{
    for (const char *letter = arg + 1; *letter; letter++) {
        enum option_id id = find_option(r->args->command, NULL, 0, *letter);
        if (id == OPT_COUNT) return fault(r, "no such option: -%c", isprint((unsigned char)*letter) ? *letter : '?');
        bool flag = option_rows[id].kind == OPTION_FLAG || option_rows[id].kind == OPTION_MAY_TIME;
        if (flag && take_option(r, id, NULL) != 0) return -1;
        if (!flag) return take_option(r, id, letter[1] ? letter + 1 : NULL);
    }
    return 0;
}

const struct command *args_find(const struct command *commands, const char *name)
{
    for (; commands->name; commands++)
        if (strcmp(commands->name, name) == 0) return commands;
    return NULL;
}

static int read_operand(struct reader *r, const char *arg)
{
    struct args *args = r->args;
    if (!args->command) {
        args->command = args_find(r->commands, arg);
        return args->command ? 0 : fault(r, "no such command: %.40s (see gistmill help)", has_control(arg) ? "?" : arg);
    }
    if (has_control(arg)) return fault(r, "control characters in an argument");
    args->operands[args->count++] = arg;
    return 0;
}

static int check_count(struct reader *r)
{
    const struct args *args = r->args;
    const struct command *command = args->command;
    if (args->options[OPT_HELP].set) return 0;
    if (!command) return fault(r, "a command is missing (see gistmill help)");
    if ((int64_t)args->count < command->min) return fault(r, "usage: gistmill %s %s", command->name, command->operands);
    if (command->max >= 0 && (int64_t)args->count > command->max)
        return fault(r, "too much: %.60s (usage: gistmill %s %s)", args->operands[command->max], command->name, command->operands);
    return 0;
}

int args_parse(const struct command *commands, int argc, char **argv, struct args *args, char *error_r, size_t error_size)
{
    struct reader r = {.commands = commands, .args = args, .argc = argc, .argv = argv, .error = error_r, .error_size = error_size};
    bool only_operands = false;
    int status = 0;
    *args = (struct args){.operands = mem_calloc((size_t)argc + 1, sizeof *args->operands)};
    while (status == 0 && r.at < argc) {
        const char *arg = argv[r.at++];
        if (only_operands || arg[0] != '-' || arg[1] == '\0')
            status = read_operand(&r, arg);
        else if (strcmp(arg, "--") == 0)
            only_operands = true;
        else
            status = arg[1] == '-' ? read_long(&r, arg) : read_short(&r, arg);
    }
    if (status == 0) status = check_count(&r);
    if (status != 0) args_release(args);
    return status;
}

void args_release(struct args *args)
{
    free(args->operands);
    args->operands = NULL;
    args->count = 0;
}

/* ---- help ---- */

static void print_option(const struct option_row *row, FILE *out)
{
    char left[80], letter[] = {'-', row->letter, ',', ' ', '\0'};
    bool own = row->kind == OPTION_MAY_TIME; /* its value only with = */
    snprintf(left, sizeof left, "%s--%s%s%s%s", row->letter ? letter : "    ", row->name,
             own          ? "[="
             : row->value ? " "
                          : "",
             row->value ? row->value : "", own ? "]" : "");
    if (strlen(left) > 26)
        fprintf(out, "  %s\n%30s%s", left, "", row->help);
    else
        fprintf(out, "  %-26s  %s", left, row->help);
    fprintf(out, "%s\n", row->kind == OPTION_LIST ? "; may be given again" : "");
}

static void print_options(uint64_t options, FILE *out)
{
    for (enum option_id id = 0; id < OPT_COUNT; id++)
        if (options >> id & 1) print_option(&option_rows[id], out);
}

void args_help_command(const struct command *command, FILE *out)
{
    fprintf(out, "usage: gistmill %s%s%s%s\n\n%s\n", command->name, command->options ? " [options]" : "", *command->operands ? " " : "",
            command->operands, command->about);
    if (command->more) fprintf(out, "\n%s", command->more);
    fprintf(out, "\noptions:\n");
    print_options(command->options | OPTS_EVERY, out);
    fprintf(out, "\nexamples:\n%s", command->examples);
}

void args_help(const struct command *commands, FILE *out)
{
#define X(name, number, text) {number, text},
    static const struct {
        int number;
        const char *text;
    } outcomes[] = {OUTCOME_LIST(X)};
#undef X
    fprintf(out, "usage: gistmill COMMAND [options] [arguments]\n\ncommands:\n");
    for (; commands->name; commands++) fprintf(out, "  %-10s %s\n", commands->name, commands->about);
    fprintf(out, "\noptions of every command:\n");
    print_options(OPTS_EVERY, out);
    fprintf(out, "\nexit status:\n");
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) fprintf(out, "  %3d  %s\n", outcomes[i].number, outcomes[i].text);
    fprintf(out, "\n`gistmill help COMMAND` has options and examples of one.\n");
}
