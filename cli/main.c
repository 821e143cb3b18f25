/* gistmill: crawls, pages and summaries from the command line. A thin client of the gateway's API. */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/http.h"
#include "cli/text.h"

static char *gateway_url, *gateway_key;
static int64_t gateway_timeout_ms;

static const struct conf_row rows[] = {
    {"GISTMILL_URL", CONF_STRING, &gateway_url, "http://127.0.0.1:8080", 0, 4096, 0, "the gateway"},
    {"GISTMILL_KEY", CONF_STRING, &gateway_key, "", 0, 500, CONF_SECRET, "the key that the gateway gave, if it wants one"},
    {"GISTMILL_TIMEOUT", CONF_MS, &gateway_timeout_ms, "45s", 100, 3600000, 0,
     "silence of the gateway that is too long; events have a sign of life every 15 s"},
    CONF_END,
};

/* The gateway's URL as paths are put behind it. NULL if it is good, else words. */
static const char *set_url(struct cli *cli)
{
    static char trimmed[4097];
    const char *url = opt_set(cli, OPT_URL) ? opt_text(cli, OPT_URL) : gateway_url;
    size_t n = strlen(url);
    if (n >= sizeof trimmed) return "is too long";
    while (n > 0 && url[n - 1] == '/') n--;
    memcpy(trimmed, url, n);
    trimmed[n] = '\0';
    cli->url = trimmed;
    return http_check_url(trimmed);
}

static const char *check_key(void)
{
    for (const char *p = gateway_key; *p; p++)
        if (*p <= ' ' || *p > '~') return "must be printable ASCII without blanks";
    return NULL;
}

static int run(struct cli *cli)
{
    const struct command *command = cli->args->command;
    const char *fault = set_url(cli);
    if (opt_set(cli, OPT_HELP)) {
        if (command)
            args_help_command(command, stdout);
        else
            args_help(commands, stdout);
        return OUTCOME_OK;
    }
    if (fault) return complain(cli, OUTCOME_USAGE, "USAGE", "%s %s", opt_set(cli, OPT_URL) ? "--url" : "GISTMILL_URL", fault);
    if ((fault = check_key())) return complain(cli, OUTCOME_USAGE, "USAGE", "GISTMILL_KEY %s", fault);
    cli->http = http_new(gateway_key);
    if (!cli->http) return complain(cli, OUTCOME_FAILED, "FAILED", "libcurl does not start");
    int status = command->run(cli);
    http_free(&cli->http);
    return status;
}

static int run_args(int argc, char **argv, struct cli *cli)
{
    struct args args;
    char error[300];
    if (args_parse(commands, argc, argv, &args, error, sizeof error) != 0) {
        for (int i = 0; i < argc; i++) cli->json = cli->json || strcmp(argv[i], "--json") == 0;
        return complain(cli, OUTCOME_USAGE, "USAGE", "%s", error);
    }
    cli->args = &args;
    cli->json = opt_set(cli, OPT_JSON);
    int status = run(cli);
    args_release(&args);
    return status;
}

/* Asked of every program by `make lint`, and what --version is everywhere. -1: neither. */
static int special(int argc, char **argv)
{
    if (argc != 2) return -1;
    if (strcmp(argv[1], "--version") == 0) {
        printf("gistmill %s\n", GM_VERSION);
        return OUTCOME_OK;
    }
    if (strcmp(argv[1], "--dump-config") != 0) return -1;
    conf_dump(rows, stdout);
    return OUTCOME_OK;
}

int main(int argc, char **argv)
{
    struct conf_error error;
    bool unicode = text_init();
    struct cli cli = {.out = look_of(stdout, unicode), .err = look_of(stderr, unicode)};
    int status = conf_load(rows, &error) == 0 ? special(argc, argv) : complain(&cli, OUTCOME_USAGE, "USAGE", "%s", error.text);
    cli.timeout_ms = gateway_timeout_ms;
    if (status < 0 && argc < 2) {
        args_help(commands, stderr);
        status = OUTCOME_USAGE;
    }
    if (status < 0) status = run_args(argc - 1, argv + 1, &cli);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == OUTCOME_OK) {
        perror("gistmill: stdout");
        status = OUTCOME_FAILED;
    }
    conf_release(rows);
    return status;
}
