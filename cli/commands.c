/* The table of commands; contract in commands.h. */
#include "cli/commands.h"

#include <stdio.h>

const struct command commands[] = {
    {"crawl", "URL...", 1, -1, OPTS_SEED | OPT(KEY_ONCE) | OPT(WATCH) | OPT(EACH) | OPT(TIMEOUT) | OPT(STRICT), "start a crawl at each URL",
     "Prints the id of each crawl. A range in a URL stands for many: 'https://example.org/list?page=[1-96]'. What is not said is up to the\n"
     "writer: depth 2, at most 1000 pages, links of the same host. The same crawl sent again while it runs is that crawl; after its end it\n"
     "runs again.\n",
     "  gistmill crawl https://example.org/ --depth 2 --limit 500 --watch\n"
     "  gistmill crawl https://en.wikipedia.org/wiki/Bridge --preset wiki --prefix /wiki/ -x '^/wiki/List_of_'\n"
     "  id=$(gistmill crawl https://example.org/ --sitemap only) && gistmill wait $id\n",
     cmd_crawl},
    {"add", "[URL...]", 0, -1, OPT(FILE) | OPT(EXPRESS) | OPT(KEY_ONCE), "add single pages to the inbox, which follows no links",
     "URLs are sent a thousand at a time. Each must begin with http:// or https://; lists may be of any length.\n",
     "  gistmill add https://example.org/article.html\n"
     "  gistmill add -f urls.txt\n"
     "  grep -o 'https://[^\"]*' page.html | gistmill add -f -\n",
     cmd_add},
    {"status", "[ID]", 0, 1, OPT(STATE) | OPT(ROWS), "show crawls, queues and programs; or one crawl",
     "An ID is a crawl's number or its UUID; so it is everywhere.\n",
     "  gistmill status\n  gistmill status --state running\n  gistmill status 3 --json | jq .counts\n", cmd_status},
    {"watch", "ID", 1, 1, OPT(EACH) | OPT(TIMEOUT) | OPT(STRICT), "show how a crawl goes until it ends",
     "A bar on a terminal, else a line every 5 seconds, on stderr; how it ended on stdout. Ctrl-C leaves the crawl running. Exit status as\n"
     "for wait. With --json each event is a line of stdout.\n",
     "  gistmill watch 3\n  gistmill watch 3 --each\n", cmd_watch},
    {"wait", "ID", 1, 1, OPT(TIMEOUT) | OPT(STRICT), "wait without a word until a crawl ends; the exit status tells how",
     "0: completed, and at least one page did not fail. 1: it failed, was cancelled, or every page failed; with --strict: or any page did.\n"
     "124: the time is up. 130: Ctrl-C.\n",
     "  gistmill wait 3 --timeout 10m && gistmill export 3 -o pages.jsonl\n", cmd_wait},
    {"pages", "ID", 1, 1, OPT(STATE) | OPT(CODE) | OPT(QUERY) | OPT(ROWS) | OPT(ALL), "list the pages of a crawl",
     "States: registered, scheduled, stored, skipped, error, cancelled. 50 rows unless --limit or --all says otherwise.\n",
     "  gistmill pages 3 --state error\n  gistmill pages 3 --all --json | jq -r 'select(.words > 1000).url'\n", cmd_pages},
    {"show", "URL|PAGE", 1, 1, OPT(IN) | OPT(ARTICLE) | OPT(MARKDOWN), "show a page: what became of it, when, its summary",
     "A page is named by its URL, or by its number in `gistmill pages`.\n",
     "  gistmill show https://example.org/article.html\n  gistmill show 1234 --article | less\n  gistmill show 1234 --markdown > article.md\n",
     cmd_show},
    {"summary", "URL", 1, 1, OPT(WAIT) | OPT(FORCE), "print the summary of a page",
     "Without --wait nothing is started: exit status 124 tells that it is not there yet, 4 that the page is not known. With --wait the page\n"
     "goes before any backlog.\n",
     "  gistmill summary https://example.org/article.html --wait\n  gistmill summary https://example.org/article.html --wait=5m --json\n",
     cmd_summary},
    {"search", "WORDS...", 1, -1, OPT(IN) | OPT(ROWS), "search titles, summaries and articles",
     "Words as people type them: all must be there; \"a phrase\" in quotes, or, -not. Put them in single quotes for the shell.\n",
     "  gistmill search suspension bridge\n  gistmill search '\"suspension bridge\" -golden' --crawl 3\n", cmd_search},
    {"export", "ID", 1, 1, OPT(FORMAT) | OPT(OUTPUT), "write the stored pages of a crawl as JSON lines or Markdown", NULL,
     "  gistmill export 3 -o pages.jsonl\n  gistmill export 3 --format md | less\n", cmd_export},
    {"pause", "ID...", 1, -1, 0, "pause crawls: what is on its way is finished, nothing new is begun", NULL, "  gistmill pause 3\n",
     cmd_pause},
    {"resume", "ID...", 1, -1, 0, "go on with paused crawls", NULL, "  gistmill resume 3\n", cmd_resume},
    {"cancel", "ID...", 1, -1, 0, "end crawls; what is stored stays", NULL, "  gistmill cancel 3\n", cmd_cancel},
    {"retry", "ID", 1, 1, OPT(CODE), "try the failed pages of a crawl again", NULL,
     "  gistmill retry 3\n  gistmill retry 3 --code HTTP_5XX\n", cmd_retry},
    {"recrawl", "ID...", 1, -1, 0, "run ended crawls again: pages are asked whether they have changed", NULL,
     "  gistmill recrawl 3 && gistmill watch 3\n", cmd_recrawl},
    {"delete", "ID...", 1, -1, OPT(YES), "delete ended crawls with their pages", "Asks before, on a terminal; elsewhere it needs --yes.\n",
     "  gistmill delete 3\n  gistmill delete 3 4 --yes\n", cmd_delete},
    {"doctor", "", 0, 0, 0, "look at everything: gateway, database, broker, programs, model, disk; say what to do",
     "Exit status 1 if something is broken.\n", "  gistmill doctor\n", cmd_doctor},
    {"version", "", 0, 0, 0, "print the version", NULL, "  gistmill version\n", cmd_version},
    {"help", "[COMMAND]", 0, 1, 0, "this text, or the help of a command", NULL, "  gistmill help crawl\n", cmd_help},
    {.name = NULL},
};

int cmd_version(struct cli *cli)
{
    if (cli->json)
        printf("{\"version\":\"%s\"}\n", GM_VERSION);
    else
        printf("gistmill %s\n", GM_VERSION);
    return OUTCOME_OK;
}

int cmd_help(struct cli *cli)
{
    const char *name = cli->args->count ? operand(cli, 0) : NULL;
    const struct command *command = name ? args_find(commands, name) : NULL;
    if (name && !command) return complain(cli, OUTCOME_USAGE, "USAGE", "no such command: %.40s (see gistmill help)", name);
    if (command)
        args_help_command(command, stdout);
    else
        args_help(commands, stdout);
    return OUTCOME_OK;
}
