/* Lists: crawls and what works on them, pages of a crawl, what a search has found. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/text.h"

#define CRAWLS_SHOWN 20
#define PAGES_SHOWN  50
#define FOUND_SHOWN  10
#define PAGE_ROWS    500 /* rows of one request; the API gives 1000 at most */
#define WORDS_MAX    2000
#define FOUND_TEXT   65536 /* bytes of a snippet, cleaned */
#define FOUND_MARKS  64    /* marks in one that are shown */

/* ---- lists with a cursor ---- */

struct list {
    const char *path; /* with all of its query but limit and cursor */
    int64_t rows;     /* at most */
    void (*show)(struct cli *cli, const cJSON *item);
    const struct column *columns; /* of the head above the first one; NULL: none */
    size_t n;
};

/* Shows the items of one answer and takes its cursor; NULL at the end. */
static int list_step(struct cli *cli, const struct list *list, int64_t *left, char **cursor)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    buf_add_str(&path, list->path);
    api_query_number(&path, "limit", *left < PAGE_ROWS ? *left : PAGE_ROWS);
    api_query(&path, "cursor", *cursor);
    struct api_call call = {.path = buf_str(&path)};
    cJSON *answer = NULL;
    const cJSON *item, *data;
    int status = buf_failed(&path) ? complain(cli, OUTCOME_USAGE, "USAGE", "that is too long") : api_call(cli, &call, &answer);
    data = json_at(answer, "data");
    if (status == OUTCOME_OK && !cJSON_IsArray(data))
        status = complain(cli, OUTCOME_FAILED, "BAD_ANSWER", "the answer has no list: is %s a gateway of this version?", cli->url);
    const char *next = json_text(answer, "next");
    bool more = status == OUTCOME_OK && *next && data->child && !(*cursor && strcmp(*cursor, next) == 0);
    if (status == OUTCOME_OK) {
        cJSON_ArrayForEach(item, data)
        {
            if (*left == 0) break;
            if (*left == list->rows && list->columns && !cli->json) table_head(&cli->out, list->columns, list->n);
            (*left)--;
            if (cli->json)
                print_json(item);
            else
                list->show(cli, item);
        }
    }
    free(*cursor);
    *cursor = more ? mem_strdup(next) : NULL;
    cJSON_Delete(answer);
    buf_release(&path);
    return status;
}

/* Goes through a list. *shown_r: how many; *more_r: there are others. */
static int list_run(struct cli *cli, const struct list *list, int64_t *shown_r, bool *more_r)
{
    int64_t left = list->rows;
    char *cursor = NULL;
    int status;
    do {
        status = list_step(cli, list, &left, &cursor);
        if (fflush(stdout) != 0) break; /* whoever reads has gone */
    } while (status == OUTCOME_OK && cursor && left > 0);
    *shown_r = list->rows - left;
    *more_r = cursor;
    free(cursor);
    return status;
}

/* ---- pages ---- */

static const struct column page_columns[] = {{"page", 8, true}, {"stage", 10, false}, {"code", 18, false}, {"url", 0, false}};

static void show_page(struct cli *cli, const cJSON *page)
{
    char id[32];
    const char *state = json_text(page, "state"), *stage = json_text(page, "stage"), *code = json_text(page, "code");
    snprintf(id, sizeof id, "%lld", (long long)json_int(page, "id"));
    struct row row = {.cells = {id, *stage ? stage : state, strcmp(code, "OK") == 0 ? "" : code, json_text(page, "url")},
                      .style = table_style(state),
                      .styled = 1};
    table_row(&cli->out, page_columns, 4, &row);
}

int cmd_pages(struct cli *cli)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    int64_t shown;
    bool more;
    buf_add_str(&path, "/v1/crawl");
    api_segment(&path, operand(cli, 0));
    buf_add_str(&path, "/pages");
    api_query(&path, "state", opt_text(cli, OPT_STATE));
    api_query(&path, "code", opt_text(cli, OPT_CODE));
    api_query(&path, "q", opt_text(cli, OPT_QUERY));
    struct list list = {.path = buf_str(&path), .show = show_page, .columns = page_columns, .n = 4};
    list.rows = opt_set(cli, OPT_ALL) ? INT64_MAX : opt_number(cli, OPT_ROWS, PAGES_SHOWN);
    int status = list_run(cli, &list, &shown, &more);
    if (status == OUTCOME_OK && shown == 0 && !cli->json) say(cli, "no such pages");
    if (status == OUTCOME_OK && more) say(cli, "there are more: --all, or --limit");
    buf_release(&path);
    return status;
}

/* ---- search ---- */

/* Bytes of clean text that are no blanks: wrapping moves only these. */
static size_t solid(const char *s, size_t n)
{
    struct buf clean = BUF_INIT(FOUND_TEXT);
    size_t count = 0;
    text_clean(&clean, s, n, false);
    for (size_t i = 0; i < clean.len; i++) count += clean.data[i] != ' ';
    buf_release(&clean);
    return count;
}

/* What was found stands between U+0002 and U+0003: bold on a terminal. Such characters of the page itself cannot do more than that. */
static void print_snippet(const struct cli *cli, const char *snippet, size_t width)
{
    struct buf clean = BUF_INIT(FOUND_TEXT), lines = BUF_INIT(2 * FOUND_TEXT);
    size_t marks[FOUND_MARKS], count = 0, seen = 0, next = 0;
    for (const char *p = snippet; (p = strpbrk(p, "\x02\x03")) && count < FOUND_MARKS; p++)
        marks[count++] = solid(snippet, (size_t)(p - snippet));
    text_clean(&clean, snippet, strlen(snippet), false);
    text_wrap(&lines, buf_str(&clean), width, 4);
    for (size_t i = 0; i < lines.len; i++) {
        bool blank = lines.data[i] == ' ' || lines.data[i] == '\n';
        /* A mark begins before the next word, and ends with its own. */
        for (; next < count && marks[next] <= seen && (next % 2 || !blank); next++)
            fputs(style(&cli->out, next % 2 ? STYLE_NONE : STYLE_BOLD), stdout);
        seen += !blank;
        putchar(lines.data[i]);
    }
    if (next % 2) fputs(style(&cli->out, STYLE_NONE), stdout);
    buf_release(&clean);
    buf_release(&lines);
}

static void show_found(struct cli *cli, const cJSON *found)
{
    struct buf title = BUF_INIT(65536), url = BUF_INIT(65536);
    size_t width = cli->out.tty ? look_width(stdout) : 100;
    text_line(&title, json_text(found, "title"));
    text_line(&url, json_text(found, "url"));
    print_styled(&cli->out, stdout, STYLE_BOLD, title.len ? buf_str(&title) : buf_str(&url));
    printf("\n  ");
    print_styled(&cli->out, stdout, STYLE_DIM, buf_str(&url));
    printf("  (page %lld)\n", (long long)json_int(found, "page"));
    print_snippet(cli, json_text(found, "snippet"), width);
    putchar('\n');
    buf_release(&title);
    buf_release(&url);
}

int cmd_search(struct cli *cli)
{
    struct buf path = BUF_INIT(API_PATH_MAX), words = BUF_INIT(WORDS_MAX);
    int64_t shown;
    bool more;
    for (size_t i = 0; i < cli->args->count; i++) buf_addf(&words, "%s%s", i ? " " : "", operand(cli, i));
    buf_add_str(&path, "/v1/search");
    api_query(&path, "q", buf_str(&words));
    api_query(&path, "crawl", opt_text(cli, OPT_IN));
    struct list list = {.path = buf_str(&path), .rows = opt_number(cli, OPT_ROWS, FOUND_SHOWN), .show = show_found};
    int status = buf_failed(&words) ? complain(cli, OUTCOME_USAGE, "USAGE", "more than %d bytes of words", WORDS_MAX)
                                    : list_run(cli, &list, &shown, &more);
    if (status == OUTCOME_OK && shown == 0 && !cli->json) say(cli, "nothing found");
    if (status == OUTCOME_OK && more) say(cli, "there is more: --limit");
    buf_release(&path);
    buf_release(&words);
    return status;
}

/* ---- crawls ---- */

static const struct column crawl_columns[] = {{"crawl", 6, true},  {"state", 10, false}, {"pages", 13, true},
                                              {"failed", 7, true}, {"when", 13, false},  {"seed", 0, false}};

static void show_crawl(struct cli *cli, const cJSON *crawl)
{
    struct progress p;
    struct buf pages = BUF_INIT(80), failed = BUF_INIT(40), when = BUF_INIT(80);
    progress_read(crawl, &p);
    say_count(&pages, progress_through(&p));
    if (!progress_ended(&p)) buf_add_char(&pages, '/');
    if (!progress_ended(&p)) say_count(&pages, p.admitted);
    if (p.error > 0) say_count(&failed, p.error);
    if (progress_ended(&p)) {
        say_ago(&when, json_text(crawl, "finishedAt"), clock_wall_ms());
    } else if (p.eta >= 0) {
        say_time(&when, p.eta);
        buf_add_str(&when, " left");
    }
    struct row row = {.cells = {p.number, p.state, buf_str(&pages), buf_str(&failed), buf_str(&when), p.seed},
                      .style = table_style(p.state),
                      .styled = 1};
    table_row(&cli->out, crawl_columns, 6, &row);
    buf_release(&pages);
    buf_release(&failed);
    buf_release(&when);
}

static const struct column program_columns[] = {{"program", 10, false}, {"host", 16, false}, {"state", 9, false},
                                                {"in hand", 7, true},   {"seen", 11, false}, {"waits for", 0, false}};

static void show_program(struct cli *cli, const cJSON *process)
{
    struct buf seen = BUF_INIT(80), held = BUF_INIT(40);
    say_ago(&seen, json_text(process, "seenAt"), clock_wall_ms());
    say_count(&held, json_int(process, "inHand"));
    const char *state = json_text(process, "state");
    struct row row = {.cells = {json_text(process, "program"), json_text(process, "host"), state, buf_str(&held), buf_str(&seen),
                                json_text(process, "why")},
                      .style = table_style(state),
                      .styled = 2};
    table_row(&cli->out, program_columns, 6, &row);
    buf_release(&seen);
    buf_release(&held);
}

static void show_queues(const cJSON *queues)
{
    struct buf text = BUF_INIT(4096), name = BUF_INIT(200);
    const cJSON *queue;
    cJSON_ArrayForEach(queue, queues)
    {
        int64_t ready = json_int(queue, "ready");
        if (ready <= 0) continue;
        buf_addf(&text, "%s%s ", text.len ? ", " : "", text_line(&name, json_text(queue, "name")));
        say_count(&text, ready);
    }
    printf("queues: %s\n", text.len ? buf_str(&text) : "empty");
    buf_release(&text);
    buf_release(&name);
}

static int status_all(struct cli *cli)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    buf_add_str(&path, "/v1/crawl");
    api_query_number(&path, "limit", opt_number(cli, OPT_ROWS, CRAWLS_SHOWN));
    api_query(&path, "state", opt_text(cli, OPT_STATE));
    struct api_call call = {.path = buf_str(&path)}, status_call = {.path = "/v1/status"};
    cJSON *crawls = NULL, *system = NULL;
    int status = api_data(cli, &call, true, &crawls);
    if (status == OUTCOME_OK) status = api_data(cli, &status_call, false, &system);
    const cJSON *item;
    if (status == OUTCOME_OK && cli->json) {
        cJSON *both = cJSON_CreateObject();
        cJSON_AddItemReferenceToObject(both, "crawls", crawls);
        cJSON_AddItemReferenceToObject(both, "status", system);
        print_json(both);
        cJSON_Delete(both);
    } else if (status == OUTCOME_OK) {
        table_head(&cli->out, crawl_columns, 6);
        cJSON_ArrayForEach(item, crawls) show_crawl(cli, item);
        putchar('\n');
        table_head(&cli->out, program_columns, 6);
        cJSON_ArrayForEach(item, json_at(system, "processes")) show_program(cli, item);
        putchar('\n');
        show_queues(json_at(system, "queues"));
    }
    cJSON_Delete(crawls);
    cJSON_Delete(system);
    buf_release(&path);
    return status;
}

/* ---- one crawl ---- */

static void print_fact(const struct cli *cli, const char *name, const char *value)
{
    struct buf clean = BUF_INIT(8192), label = BUF_INIT(80);
    if (!*text_line(&clean, value)) return;
    buf_addf(&label, "%-10s ", name);
    print_styled(&cli->out, stdout, STYLE_DIM, buf_str(&label));
    printf("%s\n", buf_str(&clean));
    buf_release(&clean);
    buf_release(&label);
}

/* Where pages that are scheduled may be (docs/API.md). */
static bool is_stage(const char *name)
{
    static const char *const stages[] = {"queued", "fetching", "parsing", "awaiting", "summarizing", "storing"};
    size_t i = 0;
    while (i < sizeof stages / sizeof *stages && strcmp(stages[i], name) != 0) i++;
    return i < sizeof stages / sizeof *stages;
}

/* The numbers of an object that are not 0, in words: "12 added, 3 gone"; stages: those of stages, else the others. */
static void say_members(struct buf *out, const cJSON *object, bool stages)
{
    const cJSON *item;
    struct buf name = BUF_INIT(200);
    cJSON_ArrayForEach(item, object)
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= 1) || is_stage(item->string) != stages) continue;
        if (out->len) buf_add_str(out, ", ");
        say_count(out, json_int(object, item->string));
        buf_addf(out, " %s", text_line(&name, item->string));
    }
    buf_release(&name);
}

static void say_when(struct buf *out, const cJSON *crawl, const struct progress *p)
{
    static const char *const names[][2] = {
        {"createdAt", "asked for"}, {"startedAt", "begun"}, {"pausedAt", "paused"}, {"finishedAt", "ended"}};
    struct buf ago = BUF_INIT(80);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_reset(&ago);
        say_ago(&ago, json_text(crawl, names[i][0]), clock_wall_ms());
        if (ago.len) buf_addf(out, "%s%s %s", out->len ? ", " : "", names[i][1], buf_str(&ago));
    }
    if (progress_ended(p) && p->took_ms >= 0) {
        buf_add_str(out, ", took ");
        say_time(out, (double)p->took_ms / 1000);
    }
    buf_release(&ago);
}

static void say_bounds(struct buf *out, const cJSON *crawl)
{
    buf_addf(out, "depth %lld, limit ", (long long)json_int(crawl, "depth"));
    say_count(out, json_int(crawl, "limit"));
    buf_addf(out, ", scope %s, run %lld", json_text(crawl, "scope"), (long long)json_int(crawl, "run"));
    if (json_int(crawl, "priority")) buf_addf(out, ", priority %lld", (long long)json_real(crawl, "priority", 0));
}

static int status_one(struct cli *cli)
{
    struct buf text = BUF_INIT(16384);
    struct progress p;
    buf_add_str(&text, "/v1/crawl");
    api_segment(&text, operand(cli, 0));
    struct api_call call = {.path = buf_str(&text)};
    cJSON *crawl;
    int status = api_data(cli, &call, false, &crawl);
    if (status == OUTCOME_OK && cli->json) print_json(crawl);
    if (status == OUTCOME_OK && !cli->json) {
        static const struct {
            const char *name, *member;
            bool stages;
        } facts[] = {{"counts", "counts", false}, {"under way", "counts", true}, {"news", "news", false}, {"tokens", "tokens", false}};
        progress_read(crawl, &p);
        buf_reset(&text);
        progress_bar(&text, &p, cli->out.tty ? look_width(stdout) - 1 : 100, cli->out.unicode, cli->out.colour);
        printf("%s\n", buf_str(&text));
        print_fact(cli, "waits for", p.why);
        print_fact(cli, "failed", p.fault);
        print_fact(cli, "seed", p.seed);
        print_fact(cli, "crawl", p.number);
        print_fact(cli, "id", p.id);
        buf_reset(&text);
        say_bounds(&text, crawl);
        print_fact(cli, "bounds", buf_str(&text));
        buf_reset(&text);
        say_when(&text, crawl, &p);
        print_fact(cli, "times", buf_str(&text));
        for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
            buf_reset(&text);
            say_members(&text, json_at(crawl, facts[i].member), facts[i].stages);
            print_fact(cli, facts[i].name, buf_str(&text));
        }
    }
    cJSON_Delete(crawl);
    buf_release(&text);
    return status;
}

int cmd_status(struct cli *cli)
{
    return cli->args->count ? status_one(cli) : status_all(cli);
}
