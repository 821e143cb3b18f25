/* What a person can do to crawls. */
#include <cjson/cJSON.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"

struct act {
    const char *method, *verb; /* verb: last segment of the path, NULL: none */
    bool purge;
    bool again;       /* a repeat does no harm */
    const char *told; /* what is said of the crawl afterwards */
};

static void act_path(struct buf *path, const struct cli *cli, const struct act *act, const char *id)
{
    buf_add_str(path, "/v1/crawl");
    api_segment(path, id);
    if (act->verb) api_segment(path, act->verb);
    if (act->purge) api_query(path, "purge", "true");
    if (opt_set(cli, OPT_CODE)) api_query(path, "code", opt_text(cli, OPT_CODE));
}

static void tell(const struct cli *cli, const struct act *act, const char *id, const cJSON *answer)
{
    struct buf words = BUF_INIT(8192), seed = BUF_INIT(8192);
    const cJSON *retried = json_at(answer, "retried");
    if (retried) {
        say_count(&words, json_int(answer, "retried"));
        printf("crawl %s: %s %s tried again\n", id, buf_str(&words), json_int(answer, "retried") == 1 ? "page is" : "pages are");
    } else {
        const char *state = text_line(&words, json_text(answer, "data.state"));
        text_line(&seed, json_text(answer, "data.seed"));
        printf("crawl %s %s%s%s\n", id, act->told && *act->told ? act->told : state, seed.len ? ": " : "", buf_str(&seed));
        if (*state && act->told && strcmp(state, act->told) != 0 && cli->out.tty) say(cli, "its state is %s", state);
    }
    buf_release(&words);
    buf_release(&seed);
}

static int act_on(struct cli *cli, const struct act *act, const char *id)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    act_path(&path, cli, act, id);
    struct api_call call = {.method = act->method, .path = buf_str(&path), .again = act->again};
    cJSON *answer;
    int status = api_call(cli, &call, &answer);
    if (status == OUTCOME_OK && cli->json) print_json(answer);
    if (status == OUTCOME_OK && !cli->json) tell(cli, act, id, answer);
    cJSON_Delete(answer);
    buf_release(&path);
    return status;
}

/* All of them, whatever happens to one; the first failure is the exit status. */
static int act_on_all(struct cli *cli, const struct act *act)
{
    int status = OUTCOME_OK;
    for (size_t i = 0; i < cli->args->count && status != OUTCOME_AWAY; i++) {
        int one = act_on(cli, act, operand(cli, i));
        if (status == OUTCOME_OK) status = one;
    }
    return status;
}

int cmd_pause(struct cli *cli)
{
    return act_on_all(cli, &(struct act){.method = "POST", .verb = "pause", .again = true, .told = "paused"});
}

int cmd_resume(struct cli *cli)
{
    return act_on_all(cli, &(struct act){.method = "POST", .verb = "resume", .again = true, .told = "resumed"});
}

int cmd_cancel(struct cli *cli)
{
    return act_on_all(cli, &(struct act){.method = "POST", .verb = "cancel", .again = true, .told = "cancelled"});
}

int cmd_retry(struct cli *cli)
{
    return act_on_all(cli, &(struct act){.method = "POST", .verb = "retry-failed", .again = true});
}

int cmd_recrawl(struct cli *cli)
{
    return act_on_all(cli, &(struct act){.method = "POST", .verb = "recrawl", .told = "runs again"});
}

static bool sure(const struct cli *cli)
{
    char answer[16];
    fprintf(stderr, "gistmill: delete %zu crawl%s with all pages? [y/N] ", cli->args->count, cli->args->count == 1 ? "" : "s");
    return fgets(answer, sizeof answer, stdin) && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

int cmd_delete(struct cli *cli)
{
    if (!opt_set(cli, OPT_YES)) {
        if (!isatty(STDIN_FILENO)) return complain(cli, OUTCOME_USAGE, "USAGE", "delete needs --yes where nobody can be asked");
        if (!sure(cli)) return complain(cli, OUTCOME_FAILED, "FAILED", "nothing was deleted");
    }
    return act_on_all(cli, &(struct act){.method = "DELETE", .purge = true, .told = "deleted"});
}
