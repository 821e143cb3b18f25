/* Command line use; contract in command.h. Its JSON is written and read with cJSON. */
#include "summarizer/command.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/engine.h"
#include "summarizer/gist.h"
#include "summarizer/settings.h"

#define LINE_BYTES (8u << 20) /* of a --batch file */

const char summarizer_command_help[] =
    "       summarizer --once [--title T] [--lang L] [--sentences N] < TEXT\n"
    "                             plain text, blank lines between blocks, to JSON: summary (a sentence a line), engine …\n"
    "       summarizer --batch FILE [--no-title] [--sentences N]\n"
    "                             FILE (- is standard input) holds one {\"id\":…,\"text\":…,\"title\":…,\"lang\":…,\"markdown\":…} a line; one\n"
    "                             {\"id\":…,\"summary\":…} a line comes out, and the time taken on standard error\n";

struct options {
    const char *file, *title, *lang;
    bool no_title;
};

/* One article on its way. */
struct item {
    struct run *run;
    cJSON *id; /* NULL with --once */
    char *text, *markdown, *title, *lang;
};

struct run {
    struct ev_loop *loop;
    struct engine *engine;
    int64_t under_way, done, failed;
};

static void item_free(struct item *item)
{
    cJSON_Delete(item->id);
    free(item->text);
    free(item->markdown);
    free(item->title);
    free(item->lang);
    free(item);
}

/* ---- out ---- */

static void add_text(cJSON *root, const char *name, const char *value)
{
    if (value && *value) cJSON_AddStringToObject(root, name, value);
}

static void print_summary(const struct item *item, const struct engine_summary *s)
{
    cJSON *root = cJSON_CreateObject();
    if (item->id) cJSON_AddItemToObject(root, "id", cJSON_Duplicate(item->id, true));
    cJSON_AddStringToObject(root, "summary", s->text);
    cJSON_AddStringToObject(root, "engine", s->engine);
    add_text(root, "model", s->model);
    add_text(root, "lang", s->lang);
    cJSON_AddStringToObject(root, "recipe", s->recipe);
    if (s->reason != CODE_OK) cJSON_AddStringToObject(root, "reason", code_name(s->reason));
    add_text(root, "detail", s->detail);
    if (s->tokens_in) cJSON_AddNumberToObject(root, "tokens_in", (double)s->tokens_in);
    if (s->tokens_out) cJSON_AddNumberToObject(root, "tokens_out", (double)s->tokens_out);
    char *text = cJSON_PrintUnformatted(root);
    if (!text) log_panic("out of memory");
    puts(text);
    free(text);
    cJSON_Delete(root);
}

static void on_summary(void *context, const struct engine_summary *summary)
{
    struct item *item = context;
    struct run *run = item->run;
    print_summary(item, summary);
    item_free(item);
    run->under_way--;
    run->done++;
    ev_break(run->loop, EVBREAK_ONE);
}

/* Takes the item. */
static void ask(struct run *run, struct item *item)
{
    struct engine_article article = {
        .title = item->title, .lang = item->lang, .text = item->text, .markdown = item->markdown, .length = strlen(item->text)};
    item->run = run;
    run->under_way++;
    engine_ask(run->engine, &article, on_summary, item);
}

/* Until fewer than `below` are under way. */
static void wait_for(struct run *run, int64_t below)
{
    while (run->under_way >= below) ev_run(run->loop, 0);
}

/* ---- in ---- */

/* n bytes as well-formed UTF-8 within LIMIT_TEXT; owned by the caller. */
static char *clean_text(const char *text, size_t n)
{
    struct buf out = BUF_INIT(3 * (size_t)LIMIT_TEXT);
    utf8_clean(&out, text, n < LIMIT_TEXT ? n : LIMIT_TEXT); /* a bad byte becomes three */
    if (out.len > LIMIT_TEXT) buf_truncate(&out, utf8_floor(out.data, LIMIT_TEXT));
    return buf_take(&out);
}

static int once(struct run *run, const struct options *options)
{
    struct buf in = BUF_INIT(LIMIT_TEXT);
    char chunk[16384];
    size_t n;
    bool cut = false;
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0) {
        size_t room = in.max - in.len;
        buf_add(&in, chunk, n < room ? n : room);
        cut |= n > room;
    }
    if (cut) log_warn("only the first %u bytes are read", LIMIT_TEXT);
    struct item *item = mem_zalloc(sizeof *item);
    item->text = clean_text(buf_str(&in), in.len);
    item->title = options->title ? clean_text(options->title, strlen(options->title)) : NULL;
    item->lang = mem_strdup(options->lang);
    buf_release(&in);
    ask(run, item);
    wait_for(run, 1);
    return EXITCODE_OK;
}

static char *take_field(const cJSON *root, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name));
    return value ? clean_text(value, strlen(value)) : NULL;
}

/* False if the line is no article. */
static bool take_line(struct run *run, const char *line, size_t n, const struct options *options)
{
    struct item *item = mem_zalloc(sizeof *item);
    cJSON *root = cJSON_ParseWithLength(line, n);
    item->id = cJSON_DetachItemFromObjectCaseSensitive(root, "id");
    item->text = take_field(root, "text");
    item->markdown = take_field(root, "markdown");
    item->title = options->no_title ? NULL : take_field(root, "title");
    item->lang = take_field(root, "lang");
    cJSON_Delete(root);
    if (!item->text) {
        item_free(item);
        return false;
    }
    ask(run, item);
    return true;
}

static int batch(struct run *run, const struct options *options)
{
    FILE *in = strcmp(options->file, "-") == 0 ? stdin : fopen(options->file, "re");
    char *line = NULL;
    size_t cap = 0, number = 0;
    ssize_t n;
    if (!in) {
        log_error("%s: %s", options->file, strerror(errno));
        return EXITCODE_FAILED;
    }
    int64_t start = clock_mono_us();
    while ((n = getline(&line, &cap, in)) > 0) {
        number++;
        if (strspn(line, " \t\r\n") == (size_t)n) continue;
        if ((size_t)n > LINE_BYTES || !take_line(run, line, (size_t)n, options)) {
            log_error("line %zu holds no article: {\"id\":…,\"text\":…} is wanted", number);
            run->failed++;
        }
        wait_for(run, summarizer_settings.prefetch);
    }
    wait_for(run, 1);
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    fprintf(stderr, "%" PRId64 " articles in %.3f s, %.0f a second\n", run->done, seconds, seconds > 0 ? (double)run->done / seconds : 0);
    if (in != stdin) fclose(in);
    free(line);
    return run->failed ? EXITCODE_FAILED : EXITCODE_OK;
}

/* ---- arguments ---- */

/* False if they make no sense. */
static bool parse(int argc, char **argv, bool is_batch, struct options *options_r)
{
    int at = is_batch ? 2 : 1;
    *options_r = (struct options){.file = is_batch ? argv[1] : NULL};
    while (at < argc) {
        const char *name = argv[at++], *value = argv[at];
        if (is_batch && strcmp(name, "--no-title") == 0) {
            options_r->no_title = true;
            continue;
        }
        if (!value) return false;
        at++;
        if (strcmp(name, "--sentences") == 0) {
            char *end;
            long n = strtol(value, &end, 10);
            if (*end || n < 1 || n > GIST_SENTENCES_MAX) return false;
            summarizer_settings.sentences = n;
        } else if (!is_batch && strcmp(name, "--title") == 0) {
            options_r->title = value;
        } else if (!is_batch && strcmp(name, "--lang") == 0) {
            options_r->lang = value;
        } else {
            return false;
        }
    }
    return true;
}

int summarizer_command(int argc, char **argv)
{
    struct options options;
    bool is_batch = argc > 1 && strcmp(argv[0], "--batch") == 0;
    if (!is_batch && strcmp(argv[0], "--once") != 0) return -1;
    if (!parse(argc, argv, is_batch, &options)) return -1;
    struct run run = {.loop = ev_default_loop(0)};
    run.engine = engine_new(run.loop);
    int rc = is_batch ? batch(&run, &options) : once(&run, &options);
    engine_free(&run.engine);
    ev_loop_destroy(run.loop);
    if (fflush(stdout) != 0) return EXITCODE_FAILED;
    return rc;
}
