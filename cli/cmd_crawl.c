/* Starting crawls, following them. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/watch.h"

#define BATCH_URLS  1000         /* URLs of one request */
#define BATCH_BYTES (256u << 10) /* of them; a URL more may be in it. The gateway takes 1 MB */
#define URL_LINE    8192         /* bytes of a line of a list; URLs have 2,048 at most */
#define KEY_HEX     33

/* A key of our own makes it safe to send a request again when its answer was lost. */
static void random_key(char key_r[KEY_HEX])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) abort();
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(key_r + 2 * i, 3, "%02x", bytes[i]);
}

/* Sends what is to be started. *answer_r is the caller's to delete. */
static int start(struct cli *cli, const char *path, const cJSON *body, cJSON **answer_r)
{
    char key[KEY_HEX];
    random_key(key);
    struct api_call call = {.method = "POST", .path = path, .body = body, .idempotency_key = key};
    if (opt_set(cli, OPT_KEY_ONCE)) call.idempotency_key = opt_text(cli, OPT_KEY_ONCE);
    return api_call(cli, &call, answer_r);
}

/* An option as the field of a seed it is. */
static void add_field(cJSON *seed, const struct option_row *row, const struct option_value *value)
{
    switch (row->kind) {
    case OPTION_FLAG: cJSON_AddBoolToObject(seed, row->field, row->max != 0); break;
    case OPTION_NUMBER: cJSON_AddNumberToObject(seed, row->field, (double)value->number); break;
    case OPTION_LIST: cJSON_AddItemToObject(seed, row->field, cJSON_CreateStringArray(value->items, (int)value->count)); break;
    default: cJSON_AddStringToObject(seed, row->field, value->text); break;
    }
}

static cJSON *make_seed(const struct cli *cli, const char *url)
{
    cJSON *seed = cJSON_CreateObject();
    cJSON_AddStringToObject(seed, "url", url);
    for (enum option_id id = 0; id < OPT_COUNT; id++)
        if (option_rows[id].field && opt_set(cli, id)) add_field(seed, &option_rows[id], &cli->args->options[id]);
    return seed;
}

static int crawl_one(struct cli *cli, const char *url)
{
    struct buf id = BUF_INIT(200);
    cJSON *seed = make_seed(cli, url), *answer;
    int status = start(cli, "/v1/crawl", seed, &answer);
    cJSON_Delete(seed);
    if (status != OUTCOME_OK) return status;
    text_line(&id, json_text(answer, "id"));
    if (id.len == 0) {
        status = complain(cli, OUTCOME_FAILED, "BAD_ANSWER", "the answer has no id: is %s a gateway of this version?", cli->url);
    } else if (opt_set(cli, OPT_WATCH)) {
        if (!cli->json) say(cli, "crawl %s of %s", buf_str(&id), url);
        status = watch_crawl(cli, buf_str(&id), WATCH_SHOW);
    } else if (cli->json) {
        print_json(answer);
    } else {
        printf("%s\n", buf_str(&id));
        if (cli->err.tty) say(cli, "watch it: gistmill watch %s", buf_str(&id));
    }
    cJSON_Delete(answer);
    buf_release(&id);
    return status;
}

int cmd_crawl(struct cli *cli)
{
    int status = OUTCOME_OK;
    if (opt_set(cli, OPT_KEY_ONCE) && cli->args->count > 1)
        return complain(cli, OUTCOME_USAGE, "USAGE", "--idempotency-key is for one URL: each is a crawl of its own");
    for (size_t i = 0; i < cli->args->count && (status == OUTCOME_OK || status == OUTCOME_FAILED); i++) {
        int one = crawl_one(cli, operand(cli, i));
        if (status == OUTCOME_OK || one != OUTCOME_OK) status = one;
    }
    return status;
}

/* ---- the inbox ---- */

struct batch {
    struct cli *cli;
    cJSON *urls; /* NULL: none */
    size_t count, bytes;
    int64_t sent;
};

static int send_batch(struct batch *b)
{
    if (!b->urls) return OUTCOME_OK;
    cJSON *body = cJSON_CreateObject(), *answer;
    cJSON_AddItemToObject(body, "urls", b->urls);
    if (opt_set(b->cli, OPT_EXPRESS)) cJSON_AddTrueToObject(body, "express");
    int status = start(b->cli, "/v1/inbox", body, &answer);
    if (status == OUTCOME_OK && b->cli->json) print_json(answer);
    if (status == OUTCOME_OK) b->sent += (int64_t)b->count;
    cJSON_Delete(answer);
    cJSON_Delete(body);
    b->urls = NULL;
    b->count = b->bytes = 0;
    return status;
}

static int add_url(struct batch *b, const char *url)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return complain(b->cli, OUTCOME_USAGE, "USAGE", "no http or https URL: %.200s", url);
    if (!b->urls) b->urls = cJSON_CreateArray();
    cJSON_AddItemToArray(b->urls, cJSON_CreateString(url));
    b->bytes += strlen(url);
    return ++b->count < BATCH_URLS && b->bytes < BATCH_BYTES ? OUTCOME_OK : send_batch(b);
}

/* The URL of a line, NULL if it is empty or a comment. */
static char *trim(char *line)
{
    if (strncmp(line, "\xef\xbb\xbf", 3) == 0) line += 3;
    line += strspn(line, " \t\r\n");
    size_t n = strlen(line);
    while (n > 0 && strchr(" \t\r\n", line[n - 1])) line[--n] = '\0';
    return n == 0 || *line == '#' ? NULL : line;
}

static int add_file(struct batch *b, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(name, "re");
    char line[URL_LINE];
    int status = OUTCOME_OK;
    if (!file) return complain(b->cli, OUTCOME_USAGE, "USAGE", "%s: %s", name, strerror(errno));
    for (int64_t number = 1; status == OUTCOME_OK && fgets(line, sizeof line, file); number++) {
        if (!strchr(line, '\n') && !feof(file)) {
            status = complain(b->cli, OUTCOME_USAGE, "USAGE", "%s: line %lld is too long to be a URL", name, (long long)number);
            break;
        }
        const char *url = trim(line);
        if (url) status = add_url(b, url);
        if (status == OUTCOME_USAGE) say(b->cli, "it stands in line %lld of %s, or before", (long long)number, name);
    }
    if (ferror(file)) status = complain(b->cli, OUTCOME_FAILED, "FAILED", "%s: %s", name, strerror(errno));
    if (!is_stdin) fclose(file);
    return status;
}

int cmd_add(struct cli *cli)
{
    struct batch batch = {.cli = cli};
    int status = OUTCOME_OK;
    if (cli->args->count == 0 && !opt_set(cli, OPT_FILE))
        return complain(cli, OUTCOME_USAGE, "USAGE", "usage: gistmill add URL... or gistmill add -f FILE");
    if (opt_set(cli, OPT_KEY_ONCE) && (opt_set(cli, OPT_FILE) || cli->args->count > 1))
        return complain(cli, OUTCOME_USAGE, "USAGE", "--idempotency-key is for one URL: lists go in several requests");
    for (size_t i = 0; i < cli->args->count && status == OUTCOME_OK; i++) status = add_url(&batch, operand(cli, i));
    if (status == OUTCOME_OK && opt_set(cli, OPT_FILE)) status = add_file(&batch, opt_text(cli, OPT_FILE));
    if (status == OUTCOME_OK) status = send_batch(&batch);
    cJSON_Delete(batch.urls);
    if (status == OUTCOME_OK && !cli->json)
        printf("%lld URL%s added\n", (long long)batch.sent, batch.sent == 1 ? "" : "s");
    else if (status != OUTCOME_OK && batch.sent > 0)
        say(cli, "%lld URLs before that were added; to add them again does no harm", (long long)batch.sent);
    return status;
}

/* ---- following ---- */

int cmd_watch(struct cli *cli)
{
    return watch_crawl(cli, operand(cli, 0), WATCH_SHOW);
}

int cmd_wait(struct cli *cli)
{
    return watch_crawl(cli, operand(cli, 0), WATCH_WAIT);
}
