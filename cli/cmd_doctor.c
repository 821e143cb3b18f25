/* Looks at everything that the gateway knows of, and says what to do. */
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"

#define SEEN_MS    30000  /* programs report every few seconds; silence longer than that: it is gone */
#define SKEW_MS    120000 /* no program seen for so long: the one that writes it down is gone, or clocks differ */
#define BACKLOG    5000   /* messages in one queue: more than the line's window, so somebody's list */
#define SPENT_MOST 0.95   /* of a day's budget: one more call may be too much for the rest */
#define ADVICE_MAX 1000
/* Room on the disk: PostgreSQL's log alone may grow by max_wal_size within minutes, and stops it when there is none. */
#define FREE_BROKEN       1e9  /* bytes, */
#define FREE_BROKEN_SHARE 0.02 /* and share of the disk */
#define FREE_LOW_SHARE    0.10

enum finding { FINE, UNKNOWN, DOUBTFUL, BROKEN };

struct doctor {
    struct cli *cli;
    cJSON *list; /* for --json */
    int broken, doubtful;
};

static const struct {
    const char *name, *shown;
    enum style style;
} findings[] = {{"ok", "ok", STYLE_GOOD}, {"unknown", "??", STYLE_DIM}, {"warning", "!!", STYLE_WARN}, {"broken", "XX", STYLE_BAD}};

/* One line, and what to do about it; advice may be NULL. */
__attribute__((format(printf, 5, 6))) static void find(struct doctor *d, enum finding finding, const char *what, const char *advice,
                                                       const char *format, ...)
{
    struct buf raw = BUF_INIT(ADVICE_MAX), clean = BUF_INIT(4 * ADVICE_MAX);
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&raw, format, ap);
    va_end(ap);
    const char *words = text_line(&clean, buf_str(&raw));
    d->broken += finding == BROKEN;
    d->doubtful += finding == DOUBTFUL;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "check", what);
    cJSON_AddStringToObject(item, "finding", findings[finding].name);
    cJSON_AddStringToObject(item, "detail", words);
    if (advice) cJSON_AddStringToObject(item, "advice", advice);
    cJSON_AddItemToArray(d->list, item);
    if (!d->cli->json) {
        print_styled(&d->cli->out, stdout, findings[finding].style, findings[finding].shown);
        printf("  %-10s %s\n", what, words);
        if (advice) printf("                -> %s\n", advice);
    }
    buf_release(&raw);
    buf_release(&clean);
}

/* When anybody was last seen; -1: nobody ever. */
static int64_t last_seen(const cJSON *processes)
{
    const cJSON *one;
    int64_t last = -1;
    cJSON_ArrayForEach(one, processes)
    {
        int64_t at = time_of(json_text(one, "seenAt"));
        if (at > last) last = at;
    }
    return last;
}

/* silent: why programs cannot be heard, "" for nothing. */
static void look_at_program(struct doctor *d, const cJSON *processes, const char *program, int64_t last, const char *silent)
{
    const cJSON *one, *waits = NULL;
    int alive = 0, waiting = 0;
    bool other = false;
    cJSON_ArrayForEach(one, processes)
    {
        if (strcmp(json_text(one, "program"), program) != 0 || strcmp(json_text(one, "state"), "gone") == 0 ||
            time_of(json_text(one, "seenAt")) < last - SEEN_MS)
            continue;
        alive++;
        other = other || (*json_text(one, "version") && strcmp(json_text(one, "version"), GM_VERSION) != 0);
        if (!*json_text(one, "why")) continue;
        waiting++;
        waits = one;
    }
    if (alive == 0 && *silent)
        find(d, DOUBTFUL, program, "see the broker", "not heard of while the broker takes no messages");
    else if (alive == 0)
        find(d, BROKEN, program, "start it: docker compose up -d, or the program itself with AMQP_URL set", "none is running");
    else if (waiting == alive)
        find(d, DOUBTFUL, program, "it goes on by itself once that is there again", "%d running, and waiting: %s", alive,
             json_text(waits, "why"));
    else if (other)
        find(d, DOUBTFUL, program, "bring all to one version", "%d running, of another version than " GM_VERSION, alive);
    else
        find(d, FINE, program, NULL, "%d running", alive);
}

static void look_at_programs(struct doctor *d, const cJSON *system)
{
    static const char *const programs[] = {"writer", "fetcher", "parser", "summarizer"};
    const cJSON *processes = json_at(system, "processes");
    const char *silent = json_text(system, "broker.alarm");
    int64_t last = last_seen(processes);
    if (last < 0) {
        find(d, BROKEN, "programs", "start them: docker compose up -d, or make demo", "no program has ever reported");
        return;
    }
    if (clock_wall_ms() - last > SKEW_MS) {
        struct buf ago = BUF_INIT(80);
        say_time(&ago, (double)(clock_wall_ms() - last) / 1000);
        find(d, BROKEN, "programs", "start a writer, and see its log; or set the clocks of the two machines",
             "nobody was seen for %s: no writer is leading, or the broker is away", buf_str(&ago));
        buf_release(&ago);
        return;
    }
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) look_at_program(d, processes, programs[i], last, silent);
}

/* Programs wait for the broker by law; and queues that nobody takes from are seen only through it. */
static void look_at_broker(struct doctor *d, const cJSON *system)
{
    const cJSON *queues = json_at(system, "queues"), *queue;
    int64_t dead = 0, long_ones = 0, n = 0;
    const char *longest = "", *lonely = "";
    cJSON_ArrayForEach(queue, queues)
    {
        const char *name = json_text(queue, "name");
        int64_t ready = json_int(queue, "ready");
        n++;
        if (strcmp(name, "dead") == 0) dead = ready;
        if (ready > BACKLOG && ++long_ones) longest = name;
        if (ready > 0 && json_at(queue, "consumers") && json_int(queue, "consumers") == 0) lonely = name;
    }
    const char *alarm = json_text(system, "broker.alarm");
    if (strstr(alarm, "memory") && !strstr(alarm, "disk"))
        find(d, DOUBTFUL, "broker", "it goes on once messages are taken; else give it more memory (vm_memory_high_watermark)",
             "it takes no messages: %s; all wait, nothing is lost", alarm);
    else if (*alarm)
        find(d, BROKEN, "broker", "make room on the broker's disk, more than its disk_free_limit",
             "it takes no messages: %s; all wait, nothing is lost", alarm);
    else if (n == 0)
        find(d, BROKEN, "broker", "see whether RabbitMQ runs and AMQP_URL is right: the writer's log says what it misses",
             "no queue was ever seen");
    else if (*lonely)
        find(d, DOUBTFUL, "broker", "start the program that takes from it", "nobody takes from the queue %s", lonely);
    else if (dead > 0)
        find(d, DOUBTFUL, "broker", "start a writer: it puts them into the table bad_record, with the reason",
             "%lld messages are in the queue dead", (long long)dead);
    else if (long_ones)
        find(d, FINE, "broker", NULL, "%lld queues; %s is long, which is in order while a list is read", (long long)n, longest);
    else
        find(d, FINE, "broker", NULL, "%lld queues", (long long)n);
}

static void look_at_database(struct doctor *d, const cJSON *system)
{
    const char *state = json_text(system, "database");
    if (strcmp(state, "ok") == 0)
        find(d, FINE, "database", NULL, "the gateway reaches it");
    else
        find(d, BROKEN, "database", "see whether PostgreSQL runs and DATABASE_URL is right", "%s",
             *state ? state : "nothing is known of it");
}

/* What to do about a model that does not answer, by a word of what it said. */
static const char *model_advice(const char *fault)
{
    static const struct {
        const char *word, *advice;
    } rows[] = {{"401", "OPENAI_API_KEY is missing or wrong; set it for the summarizer and start it again"},
                {"403", "the key in OPENAI_API_KEY may not use this model; set another one, or another SUMMARY_MODEL"},
                {"402", "the account of OPENAI_API_KEY is used up: pay, or set SUMMARY_ENGINE=extractive"},
                {"404", "there is no such model or path: see SUMMARY_MODEL and OPENAI_BASE_URL"},
                {"429", "it wants fewer requests: set SUMMARY_RPM and SUMMARY_TPM to what its provider allows"},
                {"too many requests", "it wants fewer requests: set SUMMARY_RPM and SUMMARY_TPM to what its provider allows"},
                {"no connection", "see whether it runs, and whether the summarizer reaches it at OPENAI_BASE_URL"},
                {"no answer in time", "see whether it is overloaded; a slow model wants a longer SUMMARY_TIMEOUT (writer and summarizer)"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(fault, rows[i].word)) return rows[i].advice;
    return "see the summarizer's log, and the state of the model's provider; articles wait, and it is tried again by itself";
}

/* ", 900 of 1,000 tokens today": what is spent, of what is allowed. True if that is nearly all. */
static bool say_spent(struct buf *out, const cJSON *model)
{
    double tokens = json_real(model, "budget.tokens", 0), most = json_real(model, "budget.tokensLimit", 0);
    double cost = json_real(model, "budget.costUsd", 0), cost_most = json_real(model, "budget.costUsdLimit", 0);
    if (tokens > 0 || most > 0) {
        buf_add_str(out, "; today ");
        say_count(out, (int64_t)tokens);
        if (most > 0) buf_add_str(out, " of ");
        if (most > 0) say_count(out, (int64_t)most);
        buf_add_str(out, " tokens");
    }
    if (cost_most > 0)
        buf_addf(out, ", cost %.2f of %.2f", cost, cost_most);
    else if (cost > 0)
        buf_addf(out, ", cost %.2f", cost);
    return (most > 0 && tokens >= SPENT_MOST * most) || (cost_most > 0 && cost >= SPENT_MOST * cost_most);
}

static void look_at_circuit(struct doctor *d, const cJSON *model)
{
    const char *fault = json_text(model, "fault");
    struct buf text = BUF_INIT(ADVICE_MAX);
    int64_t since = time_of(json_text(model, "since")), probe = time_of(json_text(model, "nextProbe"));
    buf_addf(&text, "it fails, the circuit is %s", json_text(model, "circuit"));
    if (since >= 0) {
        buf_add_str(&text, ", for ");
        say_time(&text, (double)(clock_wall_ms() - since) / 1000);
    }
    if (*fault) buf_addf(&text, ": %s", fault);
    if (probe > clock_wall_ms()) {
        buf_add_str(&text, "; asked again in ");
        say_time(&text, (double)(probe - clock_wall_ms()) / 1000);
    }
    find(d, DOUBTFUL, "model", model_advice(fault), "%s", buf_str(&text));
    buf_release(&text);
}

static void look_at_model(struct doctor *d, const cJSON *system)
{
    const cJSON *model = json_at(system, "model");
    const char *circuit = json_text(model, "circuit"), *engine = json_text(model, "engine"), *name = json_text(model, "model");
    struct buf text = BUF_INIT(ADVICE_MAX);
    if (*circuit && strcmp(circuit, "closed") != 0) {
        look_at_circuit(d, model);
    } else if (*circuit) {
        buf_addf(&text, "%s answers", *name ? name : "it");
        bool spent = say_spent(&text, model);
        find(d, spent ? DOUBTFUL : FINE, "model",
             spent ? "the day's budget is used up: raise BUDGET_DAY_TOKENS or BUDGET_DAY_MONEY, or wait for midnight (UTC)" : NULL, "%s",
             buf_str(&text));
    } else if (strcmp(engine, "extractive") == 0) {
        find(d, FINE, "model", NULL, "none is configured: summaries are by the built-in engine");
    } else if (!*engine) {
        find(d, FINE, "model", NULL, "no summary was made yet");
    } else {
        find(d, FINE, "model", NULL, "the last summary is by %s%s%s", engine, *name ? ", " : "", name);
    }
    buf_release(&text);
}

static void look_at_disk(struct doctor *d, const cJSON *system)
{
    struct buf text = BUF_INIT(ADVICE_MAX);
    const char *fault = json_text(system, "disk.fault"), *path = json_text(system, "disk.path");
    double used = json_real(system, "disk.databaseBytes", -1), left = json_real(system, "disk.freeBytes", -1),
           total = json_real(system, "disk.totalBytes", -1);
    if (used >= 0) {
        buf_add_str(&text, "the database has ");
        say_bytes(&text, used);
    }
    if (left >= 0) {
        buf_add_str(&text, text.len ? ", free are " : "free are ");
        say_bytes(&text, left);
        if (total > 0) buf_add_str(&text, " of ");
        if (total > 0) say_bytes(&text, total);
    } else {
        buf_addf(&text, "%show much room is left is not known", text.len ? "; " : "");
        if (*fault) buf_addf(&text, ": %s: %s", path, fault);
    }
    static const char room[] =
        "a full disk stops PostgreSQL: give it more room, or delete old crawls (gistmill delete ID), whose room is used again";
    if (left >= 0 && (left < FREE_BROKEN || left < FREE_BROKEN_SHARE * total))
        find(d, BROKEN, "disk", room, "%s", buf_str(&text));
    else if (left >= 0 && left < FREE_LOW_SHARE * total)
        find(d, DOUBTFUL, "disk", room, "%s", buf_str(&text));
    else
        find(d, left >= 0 ? FINE : UNKNOWN, "disk",
             left >= 0 ? NULL : "set GATEWAY_DISK_PATH to a path on the disk that holds the database, seen by the gateway", "%s",
             buf_str(&text));
    buf_release(&text);
}

static void finish(struct doctor *d)
{
    if (d->cli->json) {
        cJSON *answer = cJSON_CreateObject();
        cJSON_AddBoolToObject(answer, "success", d->broken == 0);
        cJSON_AddItemReferenceToObject(answer, "checks", d->list);
        print_json(answer);
        cJSON_Delete(answer);
    } else if (d->broken) {
        printf("\n%d broken\n", d->broken);
    } else {
        printf("\nall is well%s\n", d->doubtful ? ", more or less" : "");
    }
}

int cmd_doctor(struct cli *cli)
{
    struct doctor d = {.cli = cli, .list = cJSON_CreateArray()};
    struct api_call call = {.path = "/v1/status"};
    cJSON *system;
    int status = api_data(cli, &call, false, &system);
    if (status == OUTCOME_AWAY) {
        say(cli, "start it: docker compose up -d, or the program gateway");
        say(cli, "or set GISTMILL_URL to where it is");
        say(cli, "if it says that the database is away: start PostgreSQL");
    }
    if (status == OUTCOME_OK) {
        const char *version = json_text(system, "version");
        bool same = !*version || strcmp(version, GM_VERSION) == 0;
        find(&d, same ? FINE : DOUBTFUL, "gateway", same ? NULL : "use the gistmill of the gateway's version", "%s, version %s", cli->url,
             *version ? version : "unknown");
        look_at_database(&d, system);
        look_at_broker(&d, system);
        look_at_programs(&d, system);
        look_at_model(&d, system);
        look_at_disk(&d, system);
        finish(&d);
        status = d.broken ? OUTCOME_FAILED : OUTCOME_OK;
    }
    cJSON_Delete(system);
    cJSON_Delete(d.list);
    return status;
}
