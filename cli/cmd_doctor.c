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
#define FREE_LEAST 5.0    /* % of the disk */
#define ADVICE_MAX 1000

enum finding { FINE, DOUBTFUL, BROKEN };

struct doctor {
    struct cli *cli;
    cJSON *list; /* for --json */
    int broken, doubtful;
};

static const struct {
    const char *name, *shown;
    enum style style;
} findings[] = {{"ok", "ok", STYLE_GOOD}, {"warning", "!!", STYLE_WARN}, {"broken", "XX", STYLE_BAD}};

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

static void look_at_program(struct doctor *d, const cJSON *processes, const char *program, int64_t last)
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
    if (alive == 0)
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
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) look_at_program(d, processes, programs[i], last);
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
    if (n == 0)
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

static void look_at_model(struct doctor *d, const cJSON *system)
{
    const cJSON *model = json_at(system, "model");
    const char *circuit = json_text(model, "circuit"), *engine = json_text(model, "engine"), *name = json_text(model, "model");
    if (*circuit && strcmp(circuit, "closed") != 0 && strcmp(circuit, "ok") != 0)
        find(d, DOUBTFUL, "model", "see the summarizer's log; pages go on with extractive summaries", "it fails: %s", circuit);
    else if (!*engine)
        find(d, FINE, "model", NULL, "no summary was made yet");
    else
        find(d, FINE, "model", NULL, "the last summary is by %s%s%s", engine, *name ? ", " : "", name);
}

static void look_at_disk(struct doctor *d, const cJSON *system)
{
    struct buf text = BUF_INIT(200);
    double used = json_real(system, "disk.databaseBytes", -1), left = json_real(system, "disk.freeBytes", -1),
           total = json_real(system, "disk.totalBytes", -1);
    if (used >= 0) {
        buf_add_str(&text, "the database has ");
        say_bytes(&text, used);
    }
    if (left >= 0) {
        buf_add_str(&text, text.len ? ", free are " : "free are ");
        say_bytes(&text, left);
    }
    if (left >= 0 && total > 0 && left / total * 100 < FREE_LEAST)
        find(d, BROKEN, "disk", "make room, or delete old crawls: gistmill delete ID", "%s", buf_str(&text));
    else
        find(d, FINE, "disk", NULL, "%s", text.len ? buf_str(&text) : "nothing is known of it");
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
