/* The commands of the parser; contract in parser_command.h. */
#include "parser/parser_command.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/mem.h"
#include "line/url.h"
#include "parser/extract/extract.h"
#include "parser/parser_stage.h"

struct options {
    const char *batch, *url, *content_type, *robots;
    bool once, explain, ignore_noindex, ignore_nofollow;
};

/* False: not a command line of ours, said on stderr. */
static bool options_read(struct options *o, int argc, char **argv)
{
    const struct {
        const char *name;
        const char **value;
        bool *flag;
    } known[] = {
        {"--once", NULL, &o->once},
        {"--batch", &o->batch, NULL},
        {"--url", &o->url, NULL},
        {"--content-type", &o->content_type, NULL},
        {"--robots", &o->robots, NULL},
        {"--explain", NULL, &o->explain},
        {"--ignore-noindex", NULL, &o->ignore_noindex},
        {"--ignore-nofollow", NULL, &o->ignore_nofollow},
    };
    for (int i = 0; i < argc; i++) {
        size_t k = 0, count = sizeof known / sizeof *known;
        while (k < count && strcmp(argv[i], known[k].name) != 0) k++;
        if (k == count) {
            fprintf(stderr, "parser: unknown argument %s\n", argv[i]);
            return false;
        }
        if (known[k].flag)
            *known[k].flag = true;
        else if (i + 1 < argc)
            *known[k].value = argv[++i];
        else {
            fprintf(stderr, "parser: %s needs a value\n", argv[i]);
            return false;
        }
    }
    return true;
}

static void add_text(cJSON *json, const char *key, const char *value)
{
    if (value) cJSON_AddStringToObject(json, key, value);
}

static cJSON *to_json(const struct record *r, enum code code, const struct extract_notes *notes)
{
    cJSON *json = cJSON_CreateObject(), *links = cJSON_CreateArray(), *dates = cJSON_CreateArray();
    cJSON_AddStringToObject(json, "code", code_name(code));
    if (notes->detail[0]) cJSON_AddStringToObject(json, "detail", notes->detail);
    const struct {
        const char *key, *value;
    } fields[] = {{"url", r->url},
                  {"title", r->title},
                  {"author", r->byline},
                  {"date", r->date},
                  {"lang", r->lang},
                  {"site", r->site},
                  {"excerpt", r->excerpt},
                  {"canonical", r->canonical},
                  {"encoding", notes->encoding},
                  {"next", r->next},
                  {"amp", r->amp},
                  {"hash", r->hash},
                  {"simhash", r->simhash}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) add_text(json, fields[i].key, fields[i].value);
    cJSON_AddNumberToObject(json, "words", (double)r->words);
    add_text(json, "text", r->text);
    add_text(json, "markdown", r->markdown);
    for (size_t i = 0; i < r->links.count; i++) cJSON_AddItemToArray(links, cJSON_CreateStringReference(r->links.items[i]));
    cJSON_AddItemToObject(json, "links", links);
    for (size_t i = 0; i < r->links.dates_count; i++) cJSON_AddItemToArray(dates, cJSON_CreateNumber((double)r->links.dates[i]));
    if (r->links.dates_count)
        cJSON_AddItemToObject(json, "link_dates", dates);
    else
        cJSON_Delete(dates);
    if (r->links_cut) cJSON_AddNumberToObject(json, "links_cut", (double)r->links_cut);
    return json;
}

static bool is_result(enum code code)
{
    return code == CODE_OK || code == CODE_NO_ARTICLE || code == CODE_NOINDEX;
}

static enum code print_page(const struct options *o, const char *name, const struct buf *body)
{
    struct buf explained = BUF_INIT(64u << 20);
    struct extract_notes notes = {.explain = o->explain ? &explained : NULL};
    struct record record = {.kind = RECORD_ARTICLE};
    struct url url = {.text = ""};
    if (o->url && url_parse(o->url, &url) == URL_OK) record.url = mem_strdup(url.text);
    struct extract_input in = {.bytes = buf_str(body),
                               .n = body->len,
                               .url = record.url,
                               .content_type = o->content_type ? o->content_type : "text/html",
                               .robots_tag = o->robots ? o->robots : "",
                               .agent = parser_settings.agent,
                               .now = clock_wall_ms(),
                               .ignore_noindex = o->ignore_noindex,
                               .ignore_nofollow = o->ignore_nofollow};
    enum code code = extract_page(&in, &record, &notes);
    if (o->explain) {
        fputs(buf_str(&explained), stdout);
    } else {
        cJSON *json = to_json(&record, code, &notes);
        if (name) cJSON_AddStringToObject(json, "file", name);
        char *text = cJSON_PrintUnformatted(json);
        puts(text ? text : "{}");
        free(text);
        cJSON_Delete(json);
    }
    buf_release(&explained);
    record_release(&record);
    return code;
}

static int run_once(const struct options *o)
{
    struct buf body = BUF_INIT(LIMIT_BODY + 1);
    char chunk[65536];
    size_t n;
    struct url url;
    if (o->url && url_parse(o->url, &url) != URL_OK) {
        fprintf(stderr, "parser: --url %s: %s\n", o->url, url_status_text(url_parse(o->url, &url)));
        return EXITCODE_MISUSE;
    }
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0 && body.len <= LIMIT_BODY) {
        size_t room = body.max - body.len;
        buf_add(&body, chunk, n < room ? n : room);
    }
    enum code code = print_page(o, NULL, &body);
    buf_release(&body);
    return is_result(code) ? EXITCODE_OK : EXITCODE_FAILED;
}

/* zlib reads files that are not compressed as they are. */
static bool read_file(const char *path, struct buf *body)
{
    gzFile file = gzopen(path, "rb");
    if (!file) return false;
    char chunk[65536];
    int n;
    while ((n = gzread(file, chunk, sizeof chunk)) > 0 && buf_add(body, chunk, (size_t)n)) continue;
    gzclose(file);
    return n >= 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int run_batch(const struct options *o)
{
    struct dirent **names;
    int count = scandir(o->batch, &names, is_visible, alphasort), failed = 0;
    struct buf body = BUF_INIT(2 * LIMIT_BODY);
    if (count < 0) {
        fprintf(stderr, "parser: cannot read the folder %s\n", o->batch);
        return EXITCODE_FAILED;
    }
    for (int i = 0; i < count; i++) {
        struct buf path = BUF_INIT(4096);
        buf_addf(&path, "%s/%s", o->batch, names[i]->d_name);
        buf_reset(&body);
        if (read_file(buf_str(&path), &body))
            print_page(o, names[i]->d_name, &body);
        else
            fprintf(stderr, "parser: cannot read %s\n", buf_str(&path)), failed++;
        buf_release(&path);
        free(names[i]);
    }
    free(names);
    buf_release(&body);
    return failed ? EXITCODE_FAILED : EXITCODE_OK;
}

int parser_command(int argc, char **argv)
{
    struct options o = {.batch = NULL};
    if (argc < 1 || (strcmp(argv[0], "--once") != 0 && strcmp(argv[0], "--batch") != 0)) return -1;
    if (!options_read(&o, argc, argv)) return EXITCODE_MISUSE;
    extract_init();
    return o.batch ? run_batch(&o) : run_once(&o);
}
