/* Rules of a crawl; contract in rules.h. */
#include "writer/rules.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "line/limits.h"
#include "line/url.h"
#include "writer/guard.h"
#include "writer/mask.h"
#include "writer/wiki.h"

struct masks {
    struct mask *items[LIMIT_MASKS];
    size_t count;
};

struct rules {
    char *prefix; /* NULL: any path */
    struct masks include, exclude;
    bool full_url; /* masks look at the whole URL, else at what follows the host */
    bool wiki, no_guards;
    int64_t per_host;
    size_t size; /* bytes of the masks, compiled */
    int64_t spent_ns;
    uint64_t budget; /* the one spent_ns belongs to */
};

/* ---- reading ---- */

static bool bad(struct rules_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool bad(struct rules_error *e, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    return false;
}

/* In the form in which paths are compared, as in any URL of the crawl. */
static bool read_prefix(struct rules *r, const cJSON *item, struct rules_error *e)
{
    const char *text = cJSON_GetStringValue(item);
    struct url url;
    if (!text || *text != '/') return bad(e, "prefix: must be a path that begins with /");
    if (url_resolve("http://x/", text, strlen(text), &url) != URL_OK || strcmp(url.host, "x") != 0)
        return bad(e, "prefix: not a path of a URL");
    if (strchr(text, '#')) return bad(e, "prefix: a page's address has no #");
    free(r->prefix);
    r->prefix = mem_strdup(url_path(url.text));
    return true;
}

static bool read_masks(struct rules *r, struct masks *masks, const cJSON *item, struct rules_error *e)
{
    const char *name = item->string;
    struct mask_error fault;
    const cJSON *one;
    if (!cJSON_IsArray(item)) return bad(e, "%s: must be a list of regular expressions", name);
    if (cJSON_GetArraySize(item) > LIMIT_MASKS) return bad(e, "%s: at most %d masks", name, LIMIT_MASKS);
    cJSON_ArrayForEach(one, item)
    {
        if (!cJSON_IsString(one)) return bad(e, "%s[%zu]: must be a string", name, masks->count);
        struct mask *mask = mask_new(one->valuestring, &fault);
        if (!mask) return bad(e, "%s[%zu]: at offset %zu: %s", name, masks->count, fault.at, fault.text);
        masks->items[masks->count++] = mask;
        r->size += mask_size(mask);
        if (r->size > LIMIT_MASK_BYTES)
            return bad(e, "%s[%zu]: the masks are too complex, together more than %u bytes compiled", name, masks->count - 1,
                       LIMIT_MASK_BYTES);
    }
    return true;
}

static bool read_include(struct rules *r, const cJSON *item, struct rules_error *e)
{
    return read_masks(r, &r->include, item, e);
}

static bool read_exclude(struct rules *r, const cJSON *item, struct rules_error *e)
{
    return read_masks(r, &r->exclude, item, e);
}

static bool read_match(struct rules *r, const cJSON *item, struct rules_error *e)
{
    const char *text = cJSON_GetStringValue(item);
    if (!text || (strcmp(text, "path") != 0 && strcmp(text, "url") != 0)) return bad(e, "match: must be path or url");
    r->full_url = strcmp(text, "url") == 0;
    return true;
}

static bool read_preset(struct rules *r, const cJSON *item, struct rules_error *e)
{
    const char *text = cJSON_GetStringValue(item);
    if (!text || strcmp(text, "wiki") != 0) return bad(e, "preset: there is one, wiki");
    r->wiki = true;
    return true;
}

static bool read_per_host(struct rules *r, const cJSON *item, struct rules_error *e)
{
    double n = cJSON_IsNumber(item) ? item->valuedouble : 0;
    if (!(n >= 1 && n <= 1e9 && floor(n) == n)) return bad(e, "per_host: must be a whole number from 1 to 1000000000");
    r->per_host = (int64_t)n;
    return true;
}

static bool read_guards(struct rules *r, const cJSON *item, struct rules_error *e)
{
    if (!cJSON_IsBool(item)) return bad(e, "guards: must be true or false");
    r->no_guards = cJSON_IsFalse(item);
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct rules *r, const cJSON *item, struct rules_error *e);
} members[] = {
    {"prefix", read_prefix}, {"include", read_include},   {"exclude", read_exclude}, {"match", read_match},
    {"preset", read_preset}, {"per_host", read_per_host}, {"guards", read_guards},
};

#define MEMBERS (sizeof members / sizeof *members)

struct rules *rules_new(const cJSON *object, struct rules_error *error_r)
{
    struct rules *r = mem_zalloc(sizeof *r);
    for (size_t i = 0; i < MEMBERS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, members[i].name);
        if (item && !members[i].read(r, item, error_r)) {
            rules_free(&r);
            return NULL;
        }
    }
    return r;
}

void rules_free(struct rules **rules)
{
    struct rules *r = *rules;
    if (!r) return;
    for (size_t i = 0; i < r->include.count; i++) mask_free(&r->include.items[i]);
    for (size_t i = 0; i < r->exclude.count; i++) mask_free(&r->exclude.items[i]);
    free(r->prefix);
    free(r);
    *rules = NULL;
}

static void write_masks(cJSON *object, const char *name, const struct masks *masks)
{
    if (masks->count == 0) return;
    cJSON *list = cJSON_AddArrayToObject(object, name);
    for (size_t i = 0; i < masks->count; i++) cJSON_AddItemToArray(list, cJSON_CreateString(mask_pattern(masks->items[i])));
}

char *rules_text(const struct rules *r)
{
    cJSON *object = cJSON_CreateObject();
    if (r->prefix) cJSON_AddStringToObject(object, "prefix", r->prefix);
    write_masks(object, "include", &r->include);
    write_masks(object, "exclude", &r->exclude);
    if (r->full_url) cJSON_AddStringToObject(object, "match", "url");
    if (r->wiki) cJSON_AddStringToObject(object, "preset", "wiki");
    if (r->per_host) cJSON_AddNumberToObject(object, "per_host", (double)r->per_host);
    if (r->no_guards) cJSON_AddFalseToObject(object, "guards");
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

/* ---- asking ---- */

static struct {
    uint64_t number;
    int64_t spent_ns;
} budget;

void rules_budget_begin(void)
{
    budget.number++;
    budget.spent_ns = 0;
}

/* CPU time: a machine that stood still must not cost a crawl its links. */
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool spent(struct rules *r)
{
    if (r->budget != budget.number) r->spent_ns = 0;
    r->budget = budget.number;
    return r->spent_ns >= (budget.spent_ns < MASK_TOTAL_NS ? MASK_BUDGET_NS : MASK_LEAST_NS);
}

static enum mask_result search(const struct masks *masks, const char *subject, size_t *which_r)
{
    size_t n = strlen(subject);
    for (size_t i = 0; i < masks->count; i++) {
        enum mask_result result = mask_search(masks->items[i], subject, n);
        *which_r = i;
        if (result != MASK_NO) return result;
    }
    return MASK_NO;
}

static enum refusal ask_masks(struct rules *r, const char *subject, char *why, size_t why_size)
{
    size_t i = 0;
    enum mask_result out = search(&r->exclude, subject, &i);
    if (out != MASK_NO) {
        snprintf(why, why_size, "exclude[%zu]: %s", i, mask_pattern(r->exclude.items[i]));
        return out == MASK_YES ? REFUSED_EXCLUDE : REFUSED_MASK_LIMIT;
    }
    if (r->include.count == 0) return REFUSED_NOT;
    enum mask_result in = search(&r->include, subject, &i);
    if (in == MASK_LIMIT) snprintf(why, why_size, "include[%zu]: %s", i, mask_pattern(r->include.items[i]));
    return in == MASK_YES ? REFUSED_NOT : in == MASK_NO ? REFUSED_INCLUDE : REFUSED_MASK_LIMIT;
}

static enum refusal check_masks(struct rules *r, const char *canonical, char *why, size_t why_size)
{
    if (r->include.count + r->exclude.count == 0) return REFUSED_NOT;
    if (spent(r)) {
        snprintf(why, why_size, "the masks have had their share of time");
        return REFUSED_MASK_LIMIT;
    }
    int64_t before = cpu_ns();
    enum refusal refusal = ask_masks(r, r->full_url ? canonical : url_path(canonical), why, why_size);
    int64_t used = cpu_ns() - before;
    r->spent_ns += used;
    budget.spent_ns += used;
    return refusal;
}

enum refusal rules_check(struct rules *r, const char *canonical, char *why, size_t why_size)
{
    char unheard[1];
    if (!why) why = unheard, why_size = sizeof unheard;
    *why = '\0';
    if (r->prefix && strncmp(url_path(canonical), r->prefix, strlen(r->prefix)) != 0) return REFUSED_PREFIX;
    enum refusal refusal = r->no_guards ? REFUSED_NOT : guard_check(canonical, why, why_size);
    if (refusal == REFUSED_NOT && r->wiki && wiki_leaves_out(canonical, why, why_size)) refusal = REFUSED_PRESET;
    return refusal == REFUSED_NOT ? check_masks(r, canonical, why, why_size) : refusal;
}

bool rules_guard(const struct rules *r)
{
    return !r->no_guards;
}

int64_t rules_per_host(const struct rules *r)
{
    return r->per_host;
}

size_t rules_size(const struct rules *r)
{
    return sizeof *r + r->size;
}
