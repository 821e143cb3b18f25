/* The extractive engine by itself, for measuring: its summaries under any weights, and its cost.
 *
 *     summary write SENTENCES [NAME=VALUE …] < FILE   one {"id","summary","lang","opening"} a line; NAME: a weight of gist.h
 *     summary speed ROUNDS WORDS < FILE               all texts of that many words (longer ones are cut there) in one thread
 *     summary lengths ROUNDS < FILE                   one text of 8 KiB, of 16, and so on, made of the file's texts
 *
 * FILE holds a JSON object a line: id, text, perhaps title, lang, markdown. Time is the process's CPU time, the best round's.
 * bench/summary.py makes tables of what comes out of here. */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "summarizer/gist.h"
#include "summarizer/gist_lang.h"
#include "summarizer/gist_terms.h"
#include "summarizer/gist_text.h"

#define MISUSE 100

struct item {
    cJSON *root; /* owns the strings */
    struct gist_request request;
};

struct items {
    struct item *list;
    size_t count, cap;
};

static const char *field(const cJSON *root, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name));
}

static void items_read(struct items *items)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        cJSON *root = cJSON_ParseWithLength(line, (size_t)n);
        const char *text = field(root, "text");
        if (!text) {
            cJSON_Delete(root);
            continue;
        }
        items->list = mem_grow(items->list, &items->cap, items->count + 1, sizeof *items->list);
        items->list[items->count++] = (struct item){.root = root,
                                                    .request = {.text = text,
                                                                .length = strlen(text),
                                                                .markdown = field(root, "markdown"),
                                                                .title = field(root, "title"),
                                                                .lang = field(root, "lang"),
                                                                .sentences = GIST_SENTENCES}};
    }
    free(line);
}

static void items_release(struct items *items)
{
    for (size_t i = 0; i < items->count; i++) cJSON_Delete(items->list[i].root);
    free(items->list);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- summaries ---- */

#define WEIGHT(name)                                                                                                                       \
    {                                                                                                                                      \
#name, offsetof(struct gist_weights, name)                                                                                         \
    }
static const struct {
    const char *name;
    size_t at;
} weights[] = {WEIGHT(damping), WEIGHT(idf),   WEIGHT(stops), WEIGHT(norm),       WEIGHT(lead),        WEIGHT(fade),      WEIGHT(doubt),
               WEIGHT(trust),   WEIGHT(title), WEIGHT(early), WEIGHT(redundancy), WEIGHT(short_words), WEIGHT(long_words)};

/* "NAME=VALUE"; false if there is no such weight. */
static bool set_weight(struct gist_weights *w, const char *arg)
{
    size_t n = strcspn(arg, "=");
    char *end = NULL;
    for (size_t i = 0; arg[n] && i < sizeof weights / sizeof *weights; i++) {
        if (strlen(weights[i].name) != n || strncmp(weights[i].name, arg, n) != 0) continue;
        double value = strtod(arg + n + 1, &end);
        memcpy((char *)w + weights[i].at, &value, sizeof value);
    }
    return end && end != arg + n + 1 && !*end;
}

static void print_summary(const struct item *item, const struct gist_result *result)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "id", field(item->root, "id"));
    cJSON_AddStringToObject(out, "summary", result->summary.len ? result->summary.data : "");
    cJSON_AddStringToObject(out, "lang", result->lang);
    cJSON_AddBoolToObject(out, "opening", result->opening);
    char *text = cJSON_PrintUnformatted(out);
    puts(text);
    free(text);
    cJSON_Delete(out);
}

static int run_write(const struct items *items, int sentences, char **args, int count)
{
    struct gist_weights w = gist_weights_default;
    for (int i = 0; i < count; i++)
        if (!set_weight(&w, args[i])) return MISUSE;
    struct gist *gist = gist_new(&w);
    struct gist_result result;
    gist_result_init(&result);
    for (size_t i = 0; i < items->count; i++) {
        items->list[i].request.sentences = sentences;
        gist_summarise(gist, &items->list[i].request, &result);
        print_summary(&items->list[i], &result);
    }
    gist_result_release(&result);
    gist_free(&gist);
    return 0;
}

/* ---- speed ---- */

/* Where the text has had that many words; 0 if it has fewer. */
static size_t bytes_of_words(const char *s, int words)
{
    const char *p = s;
    for (int i = 0; i < words; i++) {
        p += strspn(p, " \t\n\r");
        if (!*p) return 0;
        p += strcspn(p, " \t\n\r");
    }
    return (size_t)(p - s);
}

/* What no engine of this kind can do without: language, sentences, stems. */
struct base {
    struct gist_langs *langs;
    struct gist_text text;
    struct gist_terms *terms;
    uint32_t *ids;
    size_t cap;
};

static void break_and_stem(struct base *b, const struct gist_request *request)
{
    struct gist_lang *lang = gist_langs_find(b->langs, request->lang);
    if (!*lang->code) lang = gist_langs_guess(b->langs, request->text, request->length);
    gist_text_split(&b->text, lang, request->text, request->length, request->markdown);
    gist_terms_reset(b->terms, b->langs, lang);
    for (size_t i = 0; i < b->text.count; i++) {
        const struct gist_sentence *s = &b->text.items[i];
        size_t count = 0;
        gist_terms_add(b->terms, b->text.clean.data + s->start, s->end - s->start, &b->ids, &count, &b->cap);
    }
}

static double time_base(struct base *b, const struct items *items)
{
    double start = now();
    for (size_t i = 0; i < items->count; i++) break_and_stem(b, &items->list[i].request);
    return now() - start;
}

static double time_full(struct gist *gist, struct gist_result *result, const struct items *items)
{
    double start = now();
    for (size_t i = 0; i < items->count; i++) gist_summarise(gist, &items->list[i].request, result);
    return now() - start;
}

/* The best of `rounds`, in seconds for all items, both ways in turn. */
static void measure(const struct items *items, int rounds, double *full_r, double *base_r)
{
    struct base b = {.langs = gist_langs_new(), .terms = gist_terms_new()};
    struct gist *gist = gist_new(NULL);
    struct gist_result result;
    gist_text_init(&b.text);
    gist_result_init(&result);
    for (int i = 0; i < rounds; i++) {
        double full = time_full(gist, &result, items), base = time_base(&b, items);
        if (i == 0 || full < *full_r) *full_r = full;
        if (i == 0 || base < *base_r) *base_r = base;
    }
    gist_result_release(&result);
    gist_free(&gist);
    gist_text_release(&b.text);
    gist_terms_free(&b.terms);
    gist_langs_free(&b.langs);
    free(b.ids);
}

static int run_speed(struct items *items, int rounds, int words)
{
    double full = 0, base = 0;
    size_t count = 0, bytes = 0;
    for (size_t i = 0; i < items->count; i++) {
        size_t n = bytes_of_words(items->list[i].request.text, words);
        items->list[i].request.length = n;
        count += n > 0;
        bytes += n;
    }
    measure(items, rounds, &full, &base);
    if (!count) return 1;
    printf("articles=%zu words=%d bytes=%zu full_ms=%.4f base_ms=%.4f\n", count, words, bytes / count, full * 1e3 / (double)count,
           base * 1e3 / (double)count);
    return 0;
}

static int run_lengths(const struct items *items, int rounds)
{
    struct buf text = BUF_INIT(LIMIT_TEXT);
    for (size_t i = 0; i < items->count; i++)
        if (!buf_add_str(&text, items->list[i].request.text) || !buf_add_str(&text, "\n\n")) break;
    for (size_t n = 8u << 10; n <= text.len; n *= 2) {
        struct item item = {.request = {.text = text.data, .length = utf8_floor(text.data, n), .lang = "en", .sentences = GIST_SENTENCES}};
        struct items one = {.list = &item, .count = 1};
        double full = 0, base = 0;
        measure(&one, rounds, &full, &base);
        printf("bytes=%zu full_ms=%.3f base_ms=%.3f\n", n, full * 1e3, base * 1e3);
    }
    buf_release(&text);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    int number = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0, rc = MISUSE;
    struct items items = {.list = NULL};
    if (number > 0) items_read(&items);
    if (number > 0 && number <= GIST_SENTENCES_MAX && strcmp(what, "write") == 0) rc = run_write(&items, number, argv + 3, argc - 3);
    if (number > 0 && argc == 4 && strcmp(what, "speed") == 0) rc = run_speed(&items, number, (int)strtol(argv[3], NULL, 10));
    if (number > 0 && argc == 3 && strcmp(what, "lengths") == 0) rc = run_lengths(&items, number);
    if (rc == MISUSE) fprintf(stderr, "usage: summary write SENTENCES [NAME=VALUE …] | speed ROUNDS WORDS | lengths ROUNDS   < FILE\n");
    items_release(&items);
    return rc;
}
