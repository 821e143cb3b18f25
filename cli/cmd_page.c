/* One page: what became of it, its summary. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"

#define WIDTH_MOST 100 /* columns of prose */
#define HOLD_MOST  60  /* s that the gateway holds an answer */
#define TEXT_MAX   (4u << 20)

static size_t prose_width(const struct cli *cli)
{
    size_t width = cli->out.tty ? look_width(stdout) : WIDTH_MOST;
    return width < WIDTH_MOST ? width : WIDTH_MOST;
}

/* Text from a page, as lines. */
static void print_prose(const struct cli *cli, const char *text, size_t indent)
{
    struct buf clean = BUF_INIT(TEXT_MAX), lines = BUF_INIT(2 * TEXT_MAX);
    text_clean(&clean, text, strlen(text), true);
    text_wrap(&lines, buf_str(&clean), prose_width(cli), indent);
    fwrite(buf_str(&lines), 1, lines.len, stdout);
    buf_release(&clean);
    buf_release(&lines);
}

static void print_heading(const struct cli *cli, enum style s, const char *text)
{
    struct buf line = BUF_INIT(65536);
    print_styled(&cli->out, stdout, s, text_line(&line, text));
    putchar('\n');
    buf_release(&line);
}

/* The parts that are there, between dots. */
static void add_part(struct buf *out, const char *format, const char *value)
{
    struct buf clean = BUF_INIT(8192);
    if (*text_line(&clean, value)) {
        if (out->len) buf_add_str(out, " | ");
        const char *at = strstr(format, "%s");
        buf_add(out, format, (size_t)(at - format));
        buf_add_str(out, buf_str(&clean));
        buf_add_str(out, at + 2);
    }
    buf_release(&clean);
}

static void print_facts(const struct cli *cli, const cJSON *page)
{
    struct buf line = BUF_INIT(32768), number = BUF_INIT(80);
    add_part(&line, "%s", json_text(page, "state"));
    add_part(&line, "%s", json_text(page, "code"));
    if (json_int(page, "status")) buf_addf(&line, " | HTTP %lld", (long long)json_int(page, "status"));
    buf_addf(&line, " | depth %lld", (long long)json_int(page, "depth"));
    if (json_int(page, "bytes")) say_bytes(&number, json_real(page, "bytes", 0));
    add_part(&line, "%s", buf_str(&number));
    buf_reset(&number);
    if (json_int(page, "words")) say_count(&number, json_int(page, "words"));
    add_part(&line, "%s words", buf_str(&number));
    add_part(&line, "%s", json_text(page, "lang"));
    print_prose(cli, buf_str(&line), 0);
    buf_reset(&line);
    add_part(&line, "by %s", json_text(page, "byline"));
    add_part(&line, "%s", json_text(page, "published"));
    add_part(&line, "%s", json_text(page, "site"));
    add_part(&line, "found on %s", json_text(page, "parent"));
    print_prose(cli, buf_str(&line), 0);
    buf_reset(&line);
    add_part(&line, "why: %s", json_text(page, "detail"));
    add_part(&line, "waits: %s", json_text(page, "why"));
    add_part(&line, "now: %s", json_text(page, "now.stage"));
    buf_reset(&number);
    int64_t since = time_of(json_text(page, "now.since"));
    if (since >= 0) say_time(&number, since < clock_wall_ms() ? (double)(clock_wall_ms() - since) / 1000 : 0);
    add_part(&line, "for %s", buf_str(&number));
    print_prose(cli, buf_str(&line), 0);
    buf_release(&line);
    buf_release(&number);
}

/* The stages with the time that each took: a page's way in one line. */
static void print_stages(const struct cli *cli, const cJSON *times)
{
    static const char *const names[] = {"registered", "scheduled", "taken", "fetched", "parsed", "calculated", "stored", "ended"};
    struct buf line = BUF_INIT(4096);
    int64_t before = -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t at = time_of(json_text(times, names[i]));
        if (at < 0 || (i == 7 && json_at(times, "stored") && before == at)) continue;
        if (before < 0) {
            time_t s = (time_t)(at / 1000);
            struct tm tm;
            char clock[40];
            strftime(clock, sizeof clock, "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
            buf_addf(&line, "%s %s", names[i], clock);
        } else {
            buf_addf(&line, ", %s +", names[i]);
            say_time(&line, at > before ? (double)(at - before) / 1000 : 0);
        }
        before = at;
    }
    print_prose(cli, buf_str(&line), 0);
    buf_release(&line);
}

static void print_attempts(const struct cli *cli, const cJSON *attempts)
{
    const cJSON *attempt;
    struct buf line = BUF_INIT(16384), clean = BUF_INIT(8192);
    if (cJSON_GetArraySize(attempts) < 2) return; /* one is what the facts tell */
    printf("\n");
    print_heading(cli, STYLE_BOLD, "Attempts");
    cJSON_ArrayForEach(attempt, attempts)
    {
        buf_reset(&line);
        buf_addf(&line, "  %s", text_line(&clean, json_text(attempt, "code")));
        if (json_int(attempt, "status")) buf_addf(&line, ", HTTP %lld", (long long)json_int(attempt, "status"));
        buf_add_str(&line, ", ");
        say_ago(&line, json_text(attempt, "at"), clock_wall_ms());
        if (*json_text(attempt, "detail")) buf_addf(&line, ": %s", text_line(&clean, json_text(attempt, "detail")));
        printf("%s\n", buf_str(&line));
    }
    buf_release(&line);
    buf_release(&clean);
}

static void print_page(const struct cli *cli, const cJSON *page)
{
    const char *title = json_text(page, "title"), *summary = json_text(page, "summary"), *article = json_text(page, "article");
    if (*title) print_heading(cli, STYLE_BOLD, title);
    print_heading(cli, STYLE_DIM, json_text(page, "url"));
    print_facts(cli, page);
    print_stages(cli, json_at(page, "times"));
    print_attempts(cli, json_at(page, "attemptsLog"));
    if (*summary) {
        printf("\n");
        print_heading(cli, STYLE_BOLD, "Summary");
        print_prose(cli, summary, 2);
    }
    if (*article && opt_set(cli, OPT_ARTICLE)) {
        printf("\n");
        print_heading(cli, STYLE_BOLD, "Article");
        print_prose(cli, article, 2);
    }
}

static int print_markdown(const struct cli *cli, const cJSON *page)
{
    const char *markdown = json_text(page, "markdown");
    struct buf clean = BUF_INIT(TEXT_MAX);
    if (!*markdown) return complain(cli, OUTCOME_UNKNOWN, "UNKNOWN", "the page has no article");
    text_clean(&clean, markdown, strlen(markdown), true);
    printf("%s\n", buf_str(&clean));
    buf_release(&clean);
    return OUTCOME_OK;
}

static bool is_number(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n < 20 && strspn(text, "0123456789") == n;
}

int cmd_show(struct cli *cli)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    buf_add_str(&path, "/v1/page");
    if (is_number(operand(cli, 0)))
        api_segment(&path, operand(cli, 0));
    else
        api_query(&path, "url", operand(cli, 0));
    api_query(&path, "crawl", opt_text(cli, OPT_IN));
    struct api_call call = {.path = buf_str(&path)};
    cJSON *page = NULL;
    int status = buf_failed(&path) ? complain(cli, OUTCOME_USAGE, "USAGE", "the URL is too long") : api_data(cli, &call, false, &page);
    if (status == OUTCOME_OK && cli->json)
        print_json(page);
    else if (status == OUTCOME_OK && opt_set(cli, OPT_MARKDOWN))
        status = print_markdown(cli, page);
    else if (status == OUTCOME_OK)
        print_page(cli, page);
    cJSON_Delete(page);
    buf_release(&path);
    return status;
}

/* ---- summary ---- */

static bool is_under_way(const cJSON *answer)
{
    const char *state = json_text(answer, "state");
    return strcmp(state, "pending") == 0 || strcmp(state, "running") == 0;
}

/* Tells what an answer says. */
static int tell_summary(const struct cli *cli, const cJSON *answer, const char *url)
{
    const char *state = json_text(answer, "state");
    if (strcmp(state, "ready") == 0) {
        if (cli->json) print_json(answer);
        if (!cli->json && *json_text(answer, "title")) print_heading(cli, STYLE_BOLD, json_text(answer, "title"));
        if (!cli->json) print_prose(cli, json_text(answer, "summary"), 0);
        return OUTCOME_OK;
    }
    if (!is_under_way(answer) && strcmp(state, "failed") != 0 && strcmp(state, "unknown") != 0)
        return complain(cli, OUTCOME_FAILED, "BAD_ANSWER", "the answer has no state: is %s a gateway of this version?", cli->url);
    if (cli->json) print_json(answer);
    if (strcmp(state, "failed") == 0) {
        say(cli, "it failed: %s %s", json_text(answer, "code"), json_text(answer, "detail"));
        return OUTCOME_FAILED;
    }
    if (strcmp(state, "unknown") == 0) {
        say(cli, "nobody has asked for this page. Have it made: gistmill summary --wait '%s'", url);
        return OUTCOME_UNKNOWN;
    }
    const char *stage = json_text(answer, "now.stage"), *why = json_text(answer, "why");
    if (!*stage) stage = json_text(answer, "stage");
    say(cli, "not there yet%s%s%s%s", *stage ? ": " : "", stage, *why ? "; " : "", why);
    return OUTCOME_TIMEOUT;
}

/* Asks for it and waits. The gateway holds an answer for a minute at most. */
static int wait_summary(struct cli *cli, const char *url, cJSON **answer_r)
{
    int64_t until = clock_mono_ms() + opt_number(cli, OPT_WAIT, 0);
    bool force = opt_set(cli, OPT_FORCE);
    for (;;) {
        int64_t left = until - clock_mono_ms(), hold = left < 0 ? 0 : (left + 999) / 1000;
        if (hold > HOLD_MOST) hold = HOLD_MOST;
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "url", url);
        cJSON_AddNumberToObject(body, "wait", (double)hold);
        cJSON_AddBoolToObject(body, "force", force);
        struct api_call call = {
            .method = "POST", .path = "/v1/summary", .body = body, .hold_ms = hold * 1000, .again = !force, .with_state = true};
        int64_t asked = clock_mono_ms();
        int status = api_call(cli, &call, answer_r);
        cJSON_Delete(body);
        if (status != OUTCOME_OK || !is_under_way(*answer_r) || clock_mono_ms() >= until) return status;
        cJSON_Delete(*answer_r);
        force = false;                                                                                /* once is enough */
        if (clock_mono_ms() - asked < 500) nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL); /* it does not hold */
    }
}

int cmd_summary(struct cli *cli)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    const char *url = operand(cli, 0);
    cJSON *answer = NULL;
    int status;
    if (opt_set(cli, OPT_FORCE) && !opt_set(cli, OPT_WAIT)) return complain(cli, OUTCOME_USAGE, "USAGE", "--force needs --wait");
    buf_add_str(&path, "/v1/summary");
    api_query(&path, "url", url);
    struct api_call call = {.path = buf_str(&path), .with_state = true};
    if (buf_failed(&path))
        status = complain(cli, OUTCOME_USAGE, "USAGE", "the URL is too long");
    else
        status = opt_set(cli, OPT_WAIT) ? wait_summary(cli, url, &answer) : api_call(cli, &call, &answer);
    if (status == OUTCOME_OK) status = tell_summary(cli, answer, url);
    cJSON_Delete(answer);
    buf_release(&path);
    return status;
}
