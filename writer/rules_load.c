/* Rules by crawl; contract in rules_load.h. */
#include "writer/rules_load.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/limits.h"
#include "writer/rules.h"
#include "writer/writer.h"

struct cached {
    int64_t crawl;
    struct rules *rules;
};

struct rules_cache {
    struct cached *items; /* by crawl */
    size_t count, cap;
    size_t size;
};

struct rules_cache *rules_cache_new(void)
{
    return mem_zalloc(sizeof(struct rules_cache));
}

static void forget(struct rules_cache *c)
{
    for (size_t i = 0; i < c->count; i++) rules_free(&c->items[i].rules);
    c->count = c->size = 0;
}

void rules_cache_free(struct rules_cache **cache)
{
    if (!*cache) return;
    forget(*cache);
    free((*cache)->items);
    free(*cache);
    *cache = NULL;
}

/* Where the crawl is, or belongs. */
static size_t place_of(const struct rules_cache *c, int64_t crawl)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c->items[mid].crawl < crawl)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct rules *find(const struct rules_cache *c, int64_t crawl)
{
    size_t i = place_of(c, crawl);
    return i < c->count && c->items[i].crawl == crawl ? c->items[i].rules : NULL;
}

static void keep(struct rules_cache *c, int64_t crawl, struct rules *rules)
{
    size_t i = place_of(c, crawl);
    c->items = mem_grow(c->items, &c->cap, c->count + 1, sizeof *c->items);
    for (size_t k = c->count++; k > i; k--) c->items[k] = c->items[k - 1];
    c->items[i] = (struct cached){.crawl = crawl, .rules = rules};
    c->size += rules_size(rules);
}

/* What was read when the crawl was made can be read now, unless another version of PCRE2 thinks otherwise. Then no link is
 * admitted: too few pages can be made good, pages that nobody wanted cannot. */
static struct rules *read_rules(int64_t crawl, const char *text)
{
    struct rules_error error;
    cJSON *json = cJSON_Parse(text);
    struct rules *rules = rules_new(json, &error);
    cJSON_Delete(json);
    if (rules) return rules;
    log_error("crawl %lld: its rules cannot be read, so it gets no links: %s", (long long)crawl, error.text);
    json = cJSON_Parse("{\"exclude\":[\"^\"]}");
    rules = rules_new(json, &error);
    cJSON_Delete(json);
    if (!rules) log_panic("rules: %s", error.text);
    return rules;
}

static enum pg_status load_missing(struct tx *tx, struct rules_cache *c)
{
    static const struct pg_stmt stmt = {"load_rules", "SELECT id, rules FROM crawl WHERE id = ANY($1)"};
    struct pg_array ids;
    struct pg_result *r = NULL;
    enum pg_status st = PG_OK;
    pg_array_init(&ids, PG_INT8);
    for (size_t i = 0; i < tx->crawl_count; i++)
        if (!find(c, tx->crawls[i].id)) pg_array_int(&ids, tx->crawls[i].id);
    if (ids.count > 0) {
        pg_params_reset(&tx->params);
        pg_add_array(&tx->params, &ids);
        st = tx_run(tx, &stmt, &r);
    }
    for (int i = 0; st == PG_OK && i < pg_rows(r); i++) keep(c, pg_int(r, i, 0), read_rules(pg_int(r, i, 0), pg_text(r, i, 1)));
    pg_result_free(r);
    pg_array_release(&ids);
    return st;
}

enum pg_status rules_load(struct tx *tx)
{
    struct rules_cache *c = tx->writer->rules;
    if (c->size > RULES_KEPT) forget(c);
    rules_budget_begin();
    enum pg_status st = load_missing(tx, c);
    for (size_t i = 0; i < tx->crawl_count && st == PG_OK; i++) tx->crawls[i].rules = find(c, tx->crawls[i].id);
    return st;
}
