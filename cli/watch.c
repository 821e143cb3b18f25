/* Following a crawl; contract in watch.h. */
#include "cli/watch.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/api.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/sse.h"
#include "cli/text.h"

#define EVENT_MAX    (4u << 20) /* bytes; ours have a few kB */
#define LINE_MS      5000       /* between two lines where there is no terminal */
#define POLL_MS      1000
#define AGAIN_MOST   10000  /* ms between two tries, at most */
#define AGAIN_LEAST  250    /* and at least */
#define STREAM_AGAIN 10000  /* ms of asking before events are tried again */
#define LONG_ENOUGH  10000  /* ms that a connection must live to count as a good one */
#define CUTS_MOST    3      /* connections in a row that did not live so long; then it asks in between */
#define AWAY_MAX     300000 /* ms that a gateway may be away */

struct watch {
    struct cli *cli;
    const char *id;
    enum watch_how how;
    struct sse sse;
    struct progress progress;
    cJSON *crawl;        /* as last heard; NULL before */
    bool ended;          /* the crawl has */
    bool heard;          /* an event, on this connection */
    int64_t deadline_ms; /* 0: none */
    int64_t line_ms;     /* when the last line was printed */
    int64_t poll_until;  /* ask instead of listening until then */
    int64_t away_ms;     /* since when the gateway is away; 0: it is not */
    int failures;        /* in a row */
    char notice[300];    /* clean; shown instead of why the crawl waits */
    struct buf shown;    /* what stands on the terminal, to be drawn only if it changes */
    size_t lines;        /* lines of it */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* Once: a second Ctrl-C ends the program at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- showing ---- */

static void erase(struct watch *w)
{
    if (w->lines == 0) return;
    fputc('\r', stderr);
    for (size_t i = 1; i < w->lines; i++) fputs("\033[A", stderr);
    fputs("\033[J", stderr);
    w->lines = 0;
    buf_reset(&w->shown);
}

static void draw_terminal(struct watch *w)
{
    const struct look *look = &w->cli->err;
    size_t width = look_width(stderr) - 1; /* the last column stays free: some terminals go on below */
    const char *why = *w->notice ? w->notice : w->progress.why;
    struct buf text = BUF_INIT(16384);
    progress_bar(&text, &w->progress, width, look->unicode, look->colour);
    if (*why) {
        buf_addf(&text, "\n%s", style(look, STYLE_DIM));
        text_fit(&text, why, width, false, look->unicode);
        buf_add_str(&text, style(look, STYLE_NONE));
    }
    if (strcmp(buf_str(&text), buf_str(&w->shown)) != 0) {
        erase(w);
        fputs(buf_str(&text), stderr);
        buf_add(&w->shown, text.data, text.len);
        w->lines = *why ? 2 : 1;
    }
    buf_release(&text);
}

static void draw_line(struct watch *w)
{
    struct buf text = BUF_INIT(4096);
    int64_t now = clock_mono_ms();
    if (w->line_ms && now - w->line_ms < LINE_MS) return;
    w->line_ms = now;
    progress_line(&text, &w->progress);
    if (*w->notice) buf_addf(&text, " (%s)", w->notice);
    fprintf(stderr, "%s\n", buf_str(&text));
    buf_release(&text);
}

static void draw(struct watch *w)
{
    if (w->how == WATCH_WAIT || w->cli->json || !w->crawl) return;
    if (w->cli->err.tty)
        draw_terminal(w);
    else
        draw_line(w);
}

static bool over(const struct watch *w)
{
    return w->ended || interrupted || (w->deadline_ms && clock_mono_ms() >= w->deadline_ms);
}

static bool on_tick(void *context)
{
    struct watch *w = context;
    draw(w);
    return !over(w);
}

static void wait_ms(struct watch *w, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    struct timespec step = {.tv_nsec = 100000000};
    while (on_tick(w) && clock_mono_ms() < until) nanosleep(&step, NULL);
}

/* ---- listening ---- */

/* Takes the crawl. */
static void set_crawl(struct watch *w, cJSON *crawl)
{
    cJSON_Delete(w->crawl);
    w->crawl = crawl;
    progress_read(crawl, &w->progress);
    w->away_ms = 0;
    w->notice[0] = '\0';
}

static void show_page(struct watch *w, const cJSON *page)
{
    if (w->cli->json || w->how == WATCH_WAIT || !opt_set(w->cli, OPT_EACH)) return;
    struct buf words[2] = {BUF_INIT(16384), BUF_INIT(16384)}, line = BUF_INIT(32768);
    size_t width = w->cli->err.tty ? look_width(stderr) - 1 : SIZE_MAX / 2;
    const char *code = json_text(page, "code");
    buf_addf(&line, "%-9s ", text_line(&words[0], json_text(page, "state")));
    buf_addf(&line, "%-16s ", text_line(&words[0], strcmp(code, "OK") == 0 ? "" : code));
    buf_add_str(&line, text_line(&words[0], json_text(page, "url")));
    text_fit(&words[1], buf_str(&line), width, false, w->cli->err.unicode);
    erase(w);
    fprintf(stderr, "%s\n", buf_str(&words[1]));
    buf_release(&words[0]);
    buf_release(&words[1]);
    buf_release(&line);
}

static void print_event(const struct watch *w, const char *name, cJSON *data)
{
    if (!w->cli->json || w->how == WATCH_WAIT) return;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "event", name);
    if (*w->sse.id) cJSON_AddStringToObject(line, "id", w->sse.id);
    cJSON_AddItemReferenceToObject(line, "data", data);
    print_json(line);
    fflush(stdout);
    cJSON_Delete(line);
}

static bool is_crawl(const cJSON *json)
{
    return cJSON_IsObject(json) && *json_text(json, "state") && cJSON_IsObject(json_at(json, "counts"));
}

static void on_event(void *context, const struct sse_event *event)
{
    static const char *const crawls[] = {"start", "progress", "done"};
    struct watch *w = context;
    cJSON *json = cJSON_ParseWithLength(event->data, event->n);
    size_t i = 0;
    if (w->ended || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return;
    }
    while (i < 3 && strcmp(event->name, crawls[i]) != 0) i++;
    if (i == 3) {
        if (strcmp(event->name, "page") == 0) {
            w->heard = true;
            print_event(w, "page", json);
            show_page(w, json);
        }
        cJSON_Delete(json);
    } else if (is_crawl(json)) {
        print_event(w, event->name, json);
        set_crawl(w, json);
        w->heard = true;
        w->ended = i == 2;
    } else {
        cJSON_Delete(json);
    }
}

static bool on_bytes(void *context, const char *bytes, size_t n)
{
    struct watch *w = context;
    sse_feed(&w->sse, bytes, n);
    return !over(w);
}

static void listen_once(struct watch *w)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    struct http_reply reply;
    struct http_request request = {
        .accept = "text/event-stream", .last_event_id = w->sse.id, .on_bytes = on_bytes, .on_tick = on_tick, .context = w};
    int64_t begun = clock_mono_ms();
    buf_add_str(&path, "/v1/crawl");
    api_segment(&path, w->id);
    buf_add_str(&path, "/events");
    sse_restart(&w->sse);
    w->heard = false;
    api_try(w->cli, buf_str(&path), &request, &reply);
    bool events = reply.status == 200 && strncmp(reply.type, "text/event-stream", 17) == 0;
    http_reply_release(&reply);
    buf_release(&path);
    if (over(w)) return;
    /* Cut off in the middle: again at once, if it had gone well for a while. Anything else: asking will tell what is the matter. */
    if (clock_mono_ms() - begun >= LONG_ENOUGH) w->failures = 0;
    w->failures++;
    if (events) wait_ms(w, w->failures > 5 ? AGAIN_MOST : AGAIN_LEAST << w->failures);
    if (!events || !w->heard)
        w->poll_until = clock_mono_ms() + STREAM_AGAIN;
    else if (w->failures >= CUTS_MOST)
        w->poll_until = clock_mono_ms() + POLL_MS; /* once, should `done` never come */
}

/* ---- asking ---- */

/* Asks once. OUTCOME_OK, or OUTCOME_AWAY with words; anything else was said. */
static int ask(struct watch *w, struct buf *words, int64_t *retry_ms_r)
{
    struct buf path = BUF_INIT(API_PATH_MAX);
    struct http_request request = {.on_tick = w->crawl ? on_tick : NULL, .context = w};
    struct http_reply reply;
    buf_add_str(&path, "/v1/crawl");
    api_segment(&path, w->id);
    api_try(w->cli, buf_str(&path), &request, &reply);
    buf_release(&path);
    *retry_ms_r = reply.retry_after_ms;
    enum outcome outcome = api_judge(w->cli, &reply, words);
    cJSON *json = outcome == OUTCOME_OK ? api_parse(&reply) : NULL;
    cJSON *data = cJSON_DetachItemFromObjectCaseSensitive(json, "data");
    cJSON_Delete(json);
    http_reply_release(&reply);
    if (outcome == OUTCOME_OK && is_crawl(data)) {
        set_crawl(w, data);
        w->ended = progress_ended(&w->progress);
        return OUTCOME_OK;
    }
    cJSON_Delete(data);
    if (outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_REFUSED || outcome == OUTCOME_USAGE) {
        erase(w);
        return complain(w->cli, outcome, "BAD_ANSWER", "%s", buf_str(words));
    }
    if (outcome == OUTCOME_OK) buf_add_str(words, "the answer is no crawl: is this a gateway?");
    return OUTCOME_AWAY;
}

static int ask_once(struct watch *w)
{
    struct buf words = BUF_INIT(4096), clean = BUF_INIT(4096);
    int64_t retry_ms, now;
    bool was_away = w->away_ms != 0;
    int status = ask(w, &words, &retry_ms);
    if (status == OUTCOME_OK) {
        w->failures = 0;
        if (was_away) w->poll_until = 0;
        if (w->how == WATCH_SHOW && w->ended) print_event(w, "done", w->crawl);
        if (w->poll_until != INT64_MAX)
            wait_ms(w, POLL_MS);
        else if (!w->ended)
            draw(w);
        if (w->poll_until == INT64_MAX) w->poll_until = 0;
    } else if (status == OUTCOME_AWAY && !over(w)) {
        now = clock_mono_ms();
        if (!w->away_ms) w->away_ms = now;
        int64_t wait = w->failures > 4 ? AGAIN_MOST : POLL_MS << w->failures;
        w->failures++;
        if (retry_ms > wait) wait = retry_ms < AGAIN_MOST ? retry_ms : AGAIN_MOST;
        snprintf(w->notice, sizeof w->notice, "%.200s; trying again in %.0f s", text_line(&clean, buf_str(&words)), (double)wait / 1000);
        w->poll_until = now + wait + STREAM_AGAIN;
        if (w->crawl && now - w->away_ms < AWAY_MAX) {
            wait_ms(w, wait);
            status = OUTCOME_OK;
        } else {
            erase(w);
            complain(w->cli, OUTCOME_AWAY, "UNREACHABLE", "%s", buf_str(&words));
        }
    }
    buf_release(&words);
    buf_release(&clean);
    return status;
}

/* ---- the end ---- */

/* What people type to name this crawl: its number is shorter. */
static const char *short_name(const struct watch *w)
{
    return strcmp(w->progress.number, "0") != 0 ? w->progress.number : w->id;
}

static int report(struct watch *w)
{
    struct buf text = BUF_INIT(4096);
    const struct progress *p = &w->progress;
    bool failed = progress_failed(p, opt_set(w->cli, OPT_STRICT));
    progress_report(&text, p);
    if (w->cli->json && w->how == WATCH_WAIT) print_json(w->crawl);
    if (!w->cli->json) {
        print_styled(&w->cli->out, stdout, failed ? STYLE_BAD : STYLE_GOOD, buf_str(&text));
        putchar('\n');
        if (p->error > 0) say(w->cli, "why %lld failed: gistmill pages %s --state error", (long long)p->error, short_name(w));
    }
    buf_release(&text);
    return failed ? OUTCOME_FAILED : OUTCOME_OK;
}

static int leave(struct watch *w)
{
    const char *name = short_name(w);
    draw(w);
    if (w->lines) fputc('\n', stderr);
    if (interrupted) {
        say(w->cli, "the crawl goes on: gistmill watch %s (or gistmill cancel %s)", name, name);
        return OUTCOME_INTERRUPTED;
    }
    return complain(w->cli, OUTCOME_TIMEOUT, "TIMEOUT", "the time is up; the crawl goes on: gistmill watch %s", name);
}

int watch_crawl(struct cli *cli, const char *id, enum watch_how how)
{
    struct watch w = {.cli = cli, .id = id, .how = how};
    int status = OUTCOME_OK;
    if (opt_set(cli, OPT_TIMEOUT)) w.deadline_ms = clock_mono_ms() + opt_number(cli, OPT_TIMEOUT, 0) + 1;
    sse_init(&w.sse, EVENT_MAX, on_event, &w);
    buf_init(&w.shown, 16384);
    catch_signals();
    w.poll_until = INT64_MAX; /* ask first: it tells at once if there is no such crawl */
    while (status == OUTCOME_OK && !over(&w)) {
        if (clock_mono_ms() < w.poll_until)
            status = ask_once(&w);
        else
            listen_once(&w);
    }
    if (status == OUTCOME_OK && w.ended) {
        if (cli->err.tty) draw(&w);
        if (w.lines) fputc('\n', stderr);
        fflush(stderr);
        status = report(&w);
    } else if (status == OUTCOME_OK) {
        status = leave(&w);
    }
    cJSON_Delete(w.crawl);
    buf_release(&w.shown);
    sse_release(&w.sse);
    return status;
}
