/* Which links become pages; contract in scope.h. */
#include "writer/scope.h"

#include <ctype.h>
#include <libpsl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "line/url.h"
#include "writer/guard.h"
#include "writer/rules.h"

/* The host name without its port, and without the dot of a full name. */
static void bare_name(const char *host, char name_r[LIMIT_HOST])
{
    size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
    if (n > 1 && host[n - 1] == '.') n--;
    memcpy(name_r, host, n);
    name_r[n] = '\0';
}

/* Canonical hosts whose last label is a number are IPv4 addresses (WHATWG URL standard, "ends in a number checker"). */
static bool is_address(const char *name)
{
    const char *last = strrchr(name, '.');
    return *name == '[' || isdigit((unsigned char)(last ? last[1] : *name));
}

/* Registrable domain by the public suffix list; the name itself where there is none (addresses, localhost). */
static const char *domain_of(const char *name)
{
    static const psl_ctx_t *list;
    if (is_address(name)) return name; /* the list would take 127.0.0.1 for a name below 0.1 */
    if (!list) list = psl_builtin();
    const char *domain = list ? psl_registrable_domain(list, name) : NULL;
    return domain ? domain : name;
}

static bool is_below(const char *name, const char *top)
{
    size_t n = strlen(name), m = strlen(top);
    if (n == m) return strcmp(name, top) == 0;
    return n > m && name[n - m - 1] == '.' && strcmp(name + n - m, top) == 0;
}

static bool matches(enum scope scope, const char *host, const char *in_scope)
{
    char a[LIMIT_HOST], b[LIMIT_HOST];
    if (scope == SCOPE_HOST) return strcmp(host, in_scope) == 0;
    bare_name(host, a);
    bare_name(in_scope, b);
    if (scope == SCOPE_SUBDOMAINS) return is_below(a, b);
    return strcmp(domain_of(a), domain_of(b)) == 0;
}

bool scope_has(const struct crawl_row *crawl, const char *host)
{
    if (crawl->scope == SCOPE_ANY) return true;
    for (size_t i = 0; i < crawl->host_count; i++)
        if (matches(crawl->scope, host, crawl->hosts[i])) return true;
    return false;
}

struct offer scope_offer(const struct crawl_row *crawl, const struct url *url, bool found)
{
    char shape[GUARD_URL_LENGTH + LIMIT_HOST];
    bool calendar = found && rules_guard(crawl->rules) && guard_calendar(url->text, url->host, shape, sizeof shape);
    return (struct offer){.crawl_id = crawl->id,
                          .url = mem_strdup(url->text),
                          .host = mem_strdup(url->host),
                          .shape = calendar ? mem_strdup(shape) : NULL,
                          .https = url->https,
                          .hash = digest_of(url->text, strlen(url->text))};
}

/* The way on which a URL was found. */
struct way {
    enum found how;
    int64_t parent_id, depth, part, hops, date;
};

static void offer(struct tx *tx, const struct crawl_row *crawl, const struct way *way, const struct url *url, bool found)
{
    struct offer o = scope_offer(crawl, url, found);
    o.how = way->how;
    o.parent_id = way->parent_id;
    o.depth = way->depth;
    o.part = way->part;
    o.hops = way->hops;
    o.date = way->date;
    tx_offer(tx, &o);
}

void scope_offer_seed(struct tx *tx, const struct crawl_row *crawl, const struct url *url)
{
    offer(tx, crawl, &(struct way){.how = FOUND_SEED}, url, false);
}

static bool limit_reached(const struct crawl_row *crawl)
{
    return crawl->max_pages && crawl->kept + crawl->d_kept >= crawl->max_pages;
}

/* What holds for links and for what pages redirect to. */
static enum refusal check_place(const struct crawl_row *crawl, const struct url *url, char *why, size_t why_size)
{
    if (!crawl->rules) log_panic("crawl %lld: its rules were not loaded", (long long)crawl->id);
    if (!scope_has(crawl, url->host)) return REFUSED_SCOPE;
    return rules_check(crawl->rules, url->text, why, why_size);
}

enum refusal scope_check(const struct crawl_row *crawl, int64_t depth, const char *text, struct url *url_r, char *why, size_t why_size)
{
    if (why) *why = '\0';
    if (depth > crawl->max_depth) return REFUSED_DEPTH;
    enum url_status status = url_parse(text, url_r);
    if (status != URL_OK) {
        if (why) snprintf(why, why_size, "%s", url_status_text(status));
        return REFUSED_URL;
    }
    enum refusal refusal = check_place(crawl, url_r, why, why_size);
    if (refusal == REFUSED_NOT && limit_reached(crawl)) refusal = REFUSED_LIMIT;
    return refusal;
}

static void offer_link(struct tx *tx, struct crawl_row *crawl, const struct way *way, const char *text)
{
    struct url url;
    if (!crawl->running) return;
    enum refusal refusal = scope_check(crawl, way->depth, text, &url, NULL, 0);
    if (refusal == REFUSED_NOT)
        offer(tx, crawl, way, &url, true);
    else
        tx_refuse(crawl, refusal, 1, refusal == REFUSED_DEPTH || refusal == REFUSED_URL ? text : url.text);
}

static void offer_list(struct tx *tx, struct crawl_row *crawl, const struct way *way, const char *text)
{
    struct url url;
    if (!crawl->running) return;
    if (way->depth > crawl->max_depth)
        tx_refuse(crawl, REFUSED_DEPTH, 1, text);
    else if (url_parse(text, &url) != URL_OK)
        tx_refuse(crawl, REFUSED_URL, 1, text);
    else if (!scope_has(crawl, url.host))
        tx_refuse(crawl, REFUSED_SCOPE, 1, url.text);
    else if (limit_reached(crawl))
        tx_refuse(crawl, REFUSED_LIMIT, 1, url.text);
    else
        offer(tx, crawl, way, &url, false);
}

void scope_offer_list(struct tx *tx, struct crawl_row *crawl, const char *url)
{
    offer_list(tx, crawl, &(struct way){.how = FOUND_SITEMAP, .part = 1}, url);
}

void scope_offer_one(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, enum found how, const char *url, int64_t date)
{
    const struct found_kind *kind = found_kind(how);
    struct way way = {.how = how, .parent_id = page->id, .depth = page->depth, .part = page->part + 1, .date = date};
    if (!kind->stays || way.part > LIMIT_PARTS) way.depth++, way.part = 0;
    if (kind->is_list)
        offer_list(tx, crawl, &way, url);
    else
        offer_link(tx, crawl, &way, url);
}

void scope_offer_again(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const char *target)
{
    const struct way way = {.how = FOUND_REDIRECT, .parent_id = page->id, .depth = page->depth, .part = page->part};
    offer_link(tx, crawl, &way, target);
}

struct finder {
    struct tx *tx;
    struct crawl_row *crawl;
    const struct page_row *page;
};

static void on_found(void *context, enum found how, const char *url, int64_t date)
{
    struct finder *f = context;
    scope_offer_one(f->tx, f->crawl, f->page, how, url, date);
}

void scope_offer_found(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const struct record *record)
{
    struct finder f = {tx, crawl, page};
    if (!crawl->running) return;
    if (found_unwanted(crawl, record)) {
        if (record->links.count) tx_refuse(crawl, REFUSED_SITEMAP, (int64_t)record->links.count, record->links.items[0]);
        return;
    }
    found_each(crawl, page->url, record, on_found, &f);
}

static void join_scope(struct crawl_row *crawl, const char *host)
{
    if (scope_has(crawl, host)) return;
    crawl->hosts = mem_grow(crawl->hosts, &crawl->host_cap, crawl->host_count + 1, sizeof *crawl->hosts);
    crawl->hosts[crawl->host_count++] = mem_strdup(host);
    crawl->new_hosts++;
}

bool scope_offer_target(struct tx *tx, struct crawl_row *crawl, struct page_row *page, const char *location)
{
    struct url url;
    if (url_parse(location, &url) != URL_OK) {
        tx_refuse(crawl, REFUSED_URL, 1, location);
        return false;
    }
    if (!crawl->running) return false;
    /* Where a seed leads was asked for, as the seed was; not so where parts of it lead, as deep as they are. */
    bool asked_for = page->depth == 0 && page->part == 0;
    if (asked_for) join_scope(crawl, url.host);
    enum refusal refusal = asked_for ? REFUSED_NOT : check_place(crawl, &url, NULL, 0);
    if (refusal != REFUSED_NOT) {
        tx_refuse(crawl, refusal, 1, url.text);
        return false;
    }
    page->redirects = true;
    page->redirect_hash = digest_of(url.text, strlen(url.text));
    const struct way way = {.how = FOUND_REDIRECT, .parent_id = page->id, .depth = page->depth, .part = page->part, .hops = page->hops + 1};
    offer(tx, crawl, &way, &url, !asked_for);
    return true;
}
