/* Reading seeds; contract in seed.h. */
#include "writer/seed.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"
#include "writer/conf.h"
#include "writer/rules.h"

static void bad(struct seed *s, const char *reason)
{
    s->kind = SEED_BAD;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
}

static void bad_field(struct seed *s, const char *field, const char *what)
{
    char text[sizeof s->reason];
    snprintf(text, sizeof text, "%.40s: %.350s", field, what);
    bad(s, text);
    snprintf(s->field, sizeof s->field, "%.40s", field);
}

static bool whole_number(const cJSON *item, double min, double max, int64_t *value_r)
{
    if (!cJSON_IsNumber(item) || floor(item->valuedouble) != item->valuedouble) return false;
    if (item->valuedouble < min || item->valuedouble > max) return false;
    *value_r = (int64_t)item->valuedouble;
    return true;
}

static bool known_scope(const char *s)
{
    static const char *const scopes[] = {"host", "subdomains", "domain", "any"};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (s && strcmp(s, scopes[i]) == 0) return true;
    return false;
}

/* The first URL of a text that may have ranges. NULL, or what is wrong with it. */
static const char *first_url(const char *text, struct range *range_r, struct url *url_r, struct range_error *fault_r)
{
    char first[2 * LIMIT_URL];
    if (!range_parse(text, strlen(text), range_r, fault_r)) return fault_r->text;
    if (!range_write(range_r, 0, first, sizeof first)) return url_status_text(URL_TOO_LONG);
    enum url_status status = url_parse(first, url_r);
    return status == URL_OK ? NULL : url_status_text(status);
}

static void read_url(struct seed *s, const cJSON *item)
{
    const char *text = cJSON_GetStringValue(item);
    struct range_error fault;
    if (s->url || !text) {
        bad_field(s, "url", text ? "not together with urls" : "must be a string");
        return;
    }
    s->text = mem_strdup(text);
    s->url = mem_zalloc(sizeof *s->url);
    const char *wrong = first_url(s->text, &s->range, s->url, &fault);
    if (wrong) bad_field(s, "url", wrong);
}

/* All or nothing: who sends a list wants to know which of it is no URL. */
static void read_urls(struct seed *s, const cJSON *list)
{
    const cJSON *item;
    struct range_error fault;
    struct range range;
    struct url url;
    struct buf text;
    int64_t place = 0, total = 0;
    if (s->url || !cJSON_IsArray(list) || !list->child) {
        bad_field(s, "urls", s->url ? "not together with url" : "must be a list of URLs, not empty");
        return;
    }
    s->is_list = true;
    s->url = mem_zalloc(sizeof *s->url);
    buf_init(&text, LIMIT_SEED);
    cJSON_ArrayForEach(item, list)
    {
        const char *one = cJSON_GetStringValue(item), *wrong = one ? first_url(one, &range, &url, &fault) : "must be a string";
        if (!wrong && (strchr(one, '\n') || (total += range.total) > LIMIT_RANGE))
            wrong = strchr(one, '\n') ? "holds a line's end" : "more than 10000 URLs";
        if (wrong) {
            char words[160];
            snprintf(words, sizeof words, "number %lld: %s", (long long)place + 1, wrong);
            bad_field(s, "urls", words);
            break;
        }
        if (place++ == 0) *s->url = url;
        buf_add_str(&text, one);
        buf_add_char(&text, '\n');
    }
    s->text = buf_take(&text);
}

static void read_depth(struct seed *s, const cJSON *item)
{
    if (!whole_number(item, 0, LIMIT_DEPTH, &s->depth)) bad_field(s, "depth", "must be a whole number from 0 to 1000");
}

static void read_limit(struct seed *s, const cJSON *item)
{
    if (!whole_number(item, 1, 1e9, &s->limit)) bad_field(s, "limit", "must be a whole number from 1 to 1000000000");
}

static void read_priority(struct seed *s, const cJSON *item)
{
    if (!whole_number(item, -100, 100, &s->priority)) bad_field(s, "priority", "must be a whole number from -100 to 100");
}

static void read_scope(struct seed *s, const cJSON *item)
{
    const char *scope = cJSON_GetStringValue(item);
    if (known_scope(scope))
        snprintf(s->scope, sizeof s->scope, "%s", scope);
    else
        bad_field(s, "scope", "must be host, subdomains, domain or any");
}

static void read_switch(struct seed *s, const cJSON *item, bool *value_r)
{
    if (!cJSON_IsBool(item)) bad_field(s, item->string, "must be true or false");
    *value_r = cJSON_IsTrue(item);
}

static void read_ignore_noindex(struct seed *s, const cJSON *item)
{
    read_switch(s, item, &s->ignore_noindex);
}

static void read_ignore_nofollow(struct seed *s, const cJSON *item)
{
    read_switch(s, item, &s->ignore_nofollow);
}

static void read_sitemap(struct seed *s, const cJSON *item)
{
    const char *sitemap = cJSON_GetStringValue(item);
    if (sitemap && (strcmp(sitemap, "skip") == 0 || strcmp(sitemap, "include") == 0 || strcmp(sitemap, "only") == 0))
        snprintf(s->sitemap, sizeof s->sitemap, "%s", sitemap);
    else
        bad_field(s, "sitemap", "must be skip, include or only");
}

static void read_feeds(struct seed *s, const cJSON *item)
{
    read_switch(s, item, &s->feeds);
}

/* All that a seed may say. */
static const struct {
    const char *name;
    void (*read)(struct seed *s, const cJSON *item); /* NULL: a rule, read with the others by rules_new */
    bool is_crawl;                                   /* makes the message a crawl */
} members[] = {
    {"url", read_url, false},
    {"urls", read_urls, true},
    {"depth", read_depth, true},
    {"limit", read_limit, true},
    {"scope", read_scope, true},
    {"priority", read_priority, false},
    {"prefix", NULL, true},
    {"include", NULL, true},
    {"exclude", NULL, true},
    {"match", NULL, true},
    {"preset", NULL, true},
    {"per_host", NULL, true},
    {"guards", NULL, true},
    {"ignoreNoindex", read_ignore_noindex, true},
    {"ignoreNofollow", read_ignore_nofollow, true},
    {"sitemap", read_sitemap, true},
    {"feeds", read_feeds, true},
};

#define MEMBERS (sizeof members / sizeof *members)

static void unknown_member(struct seed *s, const char *name)
{
    char clean[41], known[sizeof s->reason];
    size_t n = 0;
    int len = snprintf(known, sizeof known, "unknown field; known are");
    for (size_t i = 0; i < MEMBERS && (size_t)len < sizeof known; i++)
        len += snprintf(known + len, sizeof known - (size_t)len, "%s %s", i ? "," : "", members[i].name);
    for (const char *p = name; *p && n < sizeof clean - 1; p++) clean[n++] = isprint((unsigned char)*p) ? *p : '?';
    clean[n] = '\0';
    bad_field(s, clean, known);
}

static void read_rules(struct seed *s, const cJSON *object)
{
    struct rules_error fault;
    struct rules *rules = rules_new(object, &fault);
    if (!rules) {
        bad(s, fault.text);
        snprintf(s->field, sizeof s->field, "%.*s", (int)strcspn(fault.text, ":["), fault.text);
        return;
    }
    s->rules = rules_text(rules);
    rules_free(&rules);
}

static void read_members(struct seed *s, const cJSON *object)
{
    bool seen[MEMBERS] = {false}, is_crawl = false;
    s->kind = SEED_URLS;
    for (const cJSON *item = object->child; item && s->kind != SEED_BAD; item = item->next) {
        size_t i = 0;
        while (i < MEMBERS && strcmp(item->string, members[i].name) != 0) i++;
        if (i == MEMBERS) {
            unknown_member(s, item->string);
        } else if (seen[i]) {
            bad_field(s, members[i].name, "there twice");
        } else {
            seen[i] = true;
            is_crawl = is_crawl || members[i].is_crawl;
            if (members[i].read) members[i].read(s, item);
        }
    }
    if (s->kind != SEED_BAD && !s->url) bad_field(s, "url", "missing");
    if (s->kind != SEED_BAD) read_rules(s, object);
    if (s->kind != SEED_BAD && is_crawl) s->kind = SEED_CRAWL;
}

static void parse_json(const char *body, size_t n, struct seed *s)
{
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(body, n, &end, false);
    while (json && end < body + n && isspace((unsigned char)*end)) end++;
    if (!json)
        bad(s, "begins like JSON, but is none");
    else if (end < body + n)
        bad(s, "more than one JSON value; every crawl is a message of its own");
    else if (!cJSON_IsObject(json))
        bad(s, "JSON, but no object such as {\"url\": \"https://example.org/\", \"depth\": 2}");
    else
        read_members(s, json);
    cJSON_Delete(json);
}

void seed_parse(const char *body, size_t n, struct seed *s)
{
    *s = (struct seed){
        .kind = SEED_URLS, .depth = writer_conf.default_depth, .limit = writer_conf.default_limit, .scope = "host", .sitemap = "skip"};
    size_t start = 0;
    if (n >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) start = 3;
    while (start < n && isspace((unsigned char)body[start])) start++;
    if (start == n)
        bad(s, "empty message");
    else if (!utf8_valid(body, n))
        bad(s, "not UTF-8 text");
    else if (strstr(body, "\\u0000"))
        bad(s, "holds U+0000");
    else if (body[start] == '{' || body[start] == '[' || body[start] == '"')
        parse_json(body + start, n - start, s);
}

bool seed_is_text(const char *body, size_t n)
{
    struct seed seed;
    seed_parse(body, n, &seed);
    bool is_text = seed.kind == SEED_URLS && !seed.url;
    seed_release(&seed);
    return is_text;
}

void seed_release(struct seed *s)
{
    free(s->url);
    free(s->text);
    free(s->rules);
    s->url = NULL;
    s->text = s->rules = NULL;
}

bool seed_next_line(const char **rest, size_t *rest_len, const char **line_r, size_t *line_len_r)
{
    while (*rest_len > 0) {
        const char *line = *rest, *end = memchr(line, '\n', *rest_len);
        size_t n = end ? (size_t)(end - line) : *rest_len;
        *rest += end ? n + 1 : n;
        *rest_len -= end ? n + 1 : n;
        if (n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) line += 3, n -= 3;
        while (n > 0 && isspace((unsigned char)*line)) line++, n--;
        while (n > 0 && isspace((unsigned char)line[n - 1])) n--;
        if (n == 0) continue;
        *line_r = line;
        *line_len_r = n;
        return true;
    }
    return false;
}

size_t seed_rows(const char *body, size_t n)
{
    size_t rows = 0, len;
    struct range range;
    struct range_error fault;
    for (const char *line; seed_next_line(&body, &n, &line, &len);)
        rows += memchr(line, '[', len) && range_parse(line, len, &range, &fault) ? (size_t)range.total : 1;
    return rows < LIMIT_RANGE ? rows : LIMIT_RANGE;
}

struct digest seed_request(const struct seed *s)
{
    struct buf text;
    bool plain = strcmp(s->rules, "{}") == 0;
    buf_init(&text, LIMIT_SEED + LIMIT_URL + 200);
    buf_addf(&text, "%s\n%lld\n%lld\n%s", s->is_list || s->range.total > 1 ? s->text : s->url->text, (long long)s->depth,
             (long long)s->limit, s->scope);
    if (s->ignore_noindex) buf_add_str(&text, "\nignoreNoindex");
    if (s->ignore_nofollow) buf_add_str(&text, "\nignoreNofollow");
    if (s->priority) buf_addf(&text, "\npriority %lld", (long long)s->priority);
    if (strcmp(s->sitemap, "skip") != 0) buf_addf(&text, "\nsitemap %s", s->sitemap);
    if (s->feeds) buf_add_str(&text, "\nfeeds");
    if (!plain) buf_addf(&text, "\n%s", s->rules);
    struct digest d = digest_of(buf_str(&text), text.len);
    buf_release(&text);
    return d;
}
