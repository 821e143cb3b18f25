/* Fetching without a broker; contract in command.h. */
#include "fetcher/command.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "fetcher/fetcher_trouble.h"
#include "fetcher/http.h"
#include "fetcher/settings.h"

const char command_help[] = "       fetcher --once URL    headers and body on standard output, the verdict on standard error;\n"
                            "                             exit status 0 if a page came, else 1\n"
                            "       fetcher --batch FILE  fetches one URL a line (- is standard input), FETCH_CONCURRENCY at once;\n"
                            "                             a line each: status, bytes, ms, code, URL; then a summary. Exit status\n"
                            "                             0 if every URL gave a page, else 1. No delay between requests: for\n"
                            "                             measuring, not for other people's servers\n";

/* ---- once ---- */

struct once {
    struct url url;
    int status;
};

static void on_once(void *context, struct http_response *response)
{
    struct once *once = context;
    struct trouble t;
    fwrite(buf_str(&response->raw_head), 1, response->raw_head.len, stdout);
    fwrite(buf_str(&response->body), 1, response->body.len, stdout);
    fflush(stdout);
    fetcher_trouble(response, once->url.text, clock_wall_ms(), &t);
    once->status = t.code == CODE_OK ? EXITCODE_OK : EXITCODE_FAILED;
    fprintf(stderr, "%s %s status=%ld bytes=%" PRId64 " ms=%" PRId64, verdict_name(code_verdict(t.code)), code_name(t.code),
            response->head.status, response->bytes, response->ms);
    if (t.retry_after > 0) fprintf(stderr, " retry_after=%" PRId64, t.retry_after);
    if (t.code == CODE_REDIRECTED)
        fprintf(stderr, " location=%s", t.location.text);
    else if (t.code != CODE_OK)
        fprintf(stderr, ": %s%s%s", code_text(t.code), *t.detail ? ": " : "", t.detail);
    fputc('\n', stderr);
}

static int run_once(struct ev_loop *loop, const char *text)
{
    struct once once = {.status = EXITCODE_FAILED};
    enum url_status status = url_parse(text, &once.url);
    if (status != URL_OK) {
        fprintf(stderr, "reject BAD_URL: %s\n", url_status_text(status));
        return EXITCODE_FAILED;
    }
    struct http *http = settings_http(loop);
    struct http_request request = {.url = once.url.text, .body_max = (size_t)settings.max_bytes, .every_status = true, .keep_head = true};
    struct http_transfer *transfer = http_start(http, &request, on_once, &once);
    (void)transfer; /* ends by itself, within FETCH_TIMEOUT */
    ev_run(loop, 0);
    http_free(&http);
    return once.status;
}

/* ---- batch ---- */

struct batch {
    FILE *file;
    struct ev_loop *loop;
    struct http *http;
    char *line;
    size_t line_cap;
    int64_t active, urls, good, bytes;
    struct item *spare;
};

struct item {
    struct batch *batch;
    struct item *next;
    struct url url;
};

static void print_line(struct batch *b, const struct http_response *response, enum code code, const char *url)
{
    b->urls++;
    b->good += code == CODE_OK;
    b->bytes += response ? response->bytes : 0;
    printf("%ld %" PRId64 " %" PRId64 " %s %s\n", response ? response->head.status : 0, response ? response->bytes : 0,
           response ? response->ms : 0, code_name(code), url);
}

static void fill(struct batch *b);

static void on_item(void *context, struct http_response *response)
{
    struct item *item = context;
    struct batch *b = item->batch;
    struct trouble trouble;
    fetcher_trouble(response, item->url.text, clock_wall_ms(), &trouble);
    print_line(b, response, trouble.code, item->url.text);
    item->next = b->spare;
    b->spare = item;
    b->active--;
    fill(b);
}

/* The next line of the file that is not empty, without its end; NULL at the end of the file. */
static const char *next_line(struct batch *b)
{
    ssize_t n;
    while ((n = getline(&b->line, &b->line_cap, b->file)) >= 0) {
        while (n > 0 && strchr(" \t\r\n", b->line[n - 1])) b->line[--n] = '\0';
        if (n > 0) return b->line;
    }
    return NULL;
}

static void fill(struct batch *b)
{
    const char *line;
    while (b->active < settings.concurrency && (line = next_line(b))) {
        struct item *item = b->spare;
        if (item)
            b->spare = item->next;
        else
            item = mem_zalloc(sizeof *item);
        item->batch = b;
        if (url_parse(line, &item->url) != URL_OK) {
            print_line(b, NULL, CODE_BAD_URL, line);
            item->next = b->spare;
            b->spare = item;
            continue;
        }
        struct http_request request = {.url = item->url.text, .body_max = (size_t)settings.max_bytes};
        http_start(b->http, &request, on_item, item);
        b->active++;
    }
    if (b->active == 0) ev_break(b->loop, EVBREAK_ALL);
}

static void print_summary(const struct batch *b, int64_t ms)
{
    struct http_stats s;
    http_stats(b->http, &s);
    double seconds = ms > 0 ? (double)ms / 1000 : 0.001;
    printf("urls=%" PRId64 " ok=%" PRId64 " failed=%" PRId64 " bytes=%" PRId64 " connections=%" PRIu64 " seconds=%.3f per_second=%.1f\n",
           b->urls, b->good, b->urls - b->good, b->bytes, s.connections, seconds, (double)b->urls / seconds);
}

static int run_batch(struct ev_loop *loop, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;
    struct batch b = {.file = is_stdin ? stdin : fopen(name, "re"), .loop = loop};
    if (!b.file) {
        fprintf(stderr, "fetcher: %s: %s\n", name, strerror(errno));
        return EXITCODE_MISUSE;
    }
    b.http = settings_http(loop);
    int64_t begun = clock_mono_ms();
    fill(&b);
    if (b.active > 0) ev_run(loop, 0);
    print_summary(&b, clock_mono_ms() - begun);
    http_free(&b.http);
    while (b.spare) {
        struct item *item = b.spare;
        b.spare = item->next;
        free(item);
    }
    free(b.line);
    if (!is_stdin) fclose(b.file);
    return b.good == b.urls ? EXITCODE_OK : EXITCODE_FAILED;
}

int command_run(int argc, char **argv)
{
    if (argc != 2) return -1;
    bool once = strcmp(argv[0], "--once") == 0;
    if (!once && strcmp(argv[0], "--batch") != 0) return -1;
    signal(SIGPIPE, SIG_IGN);
    struct ev_loop *loop = ev_loop_new(0);
    if (!loop) log_fatal(EXITCODE_FAILED, "no event loop");
    int status = once ? run_once(loop, argv[1]) : run_batch(loop, argv[1]);
    ev_loop_destroy(loop);
    return status;
}
