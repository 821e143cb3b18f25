/* Which links become pages; contract in scope.h. */
#include "writer/scope.h"

#include <libpsl.h>
#include <string.h>

#include "base/mem.h"
#include "line/url.h"

/* The host name without its port. */
static void bare_name(const char *host, char name_r[LIMIT_HOST])
{
    size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
    memcpy(name_r, host, n);
    name_r[n] = '\0';
}

/* Registrable domain by the public suffix list; the name itself where there is none (addresses, localhost). */
static const char *domain_of(const char *name)
{
    static const psl_ctx_t *list;
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

static void offer(struct tx *tx, const struct crawl_row *crawl, int64_t parent_id, int64_t depth, int64_t hops, const struct url *url)
{
    struct offer o = {.crawl_id = crawl->id,
                      .parent_id = parent_id,
                      .depth = depth,
                      .hops = hops,
                      .url = mem_strdup(url->text),
                      .host = mem_strdup(url->host),
                      .https = url->https,
                      .hash = digest_of(url->text, strlen(url->text))};
    tx_offer(tx, &o);
}

static bool limit_reached(const struct crawl_row *crawl)
{
    return crawl->max_pages && crawl->kept + crawl->d_kept >= crawl->max_pages;
}

void scope_offer_link(struct tx *tx, struct crawl_row *crawl, int64_t parent_id, int64_t depth, const char *text)
{
    struct url url;
    if (!crawl->running) return;
    if (depth > crawl->max_depth)
        tx_refuse(crawl, REFUSED_DEPTH, 1, text);
    else if (url_parse(text, &url) != URL_OK)
        tx_refuse(crawl, REFUSED_URL, 1, text);
    else if (!scope_has(crawl, url.host))
        tx_refuse(crawl, REFUSED_SCOPE, 1, url.text);
    else if (limit_reached(crawl))
        tx_refuse(crawl, REFUSED_LIMIT, 1, url.text);
    else
        offer(tx, crawl, parent_id, depth, 0, &url);
}

void scope_offer_links(struct tx *tx, struct crawl_row *crawl, const struct page_row *page, const struct record_links *links)
{
    if (!crawl->running || links->count == 0) return;
    if (page->depth >= crawl->max_depth) {
        tx_refuse(crawl, REFUSED_DEPTH, (int64_t)links->count, links->items[0]);
        return;
    }
    for (size_t i = 0; i < links->count; i++) scope_offer_link(tx, crawl, page->id, page->depth + 1, links->items[i]);
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
    if (page->depth == 0) join_scope(crawl, url.host);
    if (!scope_has(crawl, url.host)) {
        tx_refuse(crawl, REFUSED_SCOPE, 1, url.text);
        return false;
    }
    page->redirects = true;
    page->redirect_hash = digest_of(url.text, strlen(url.text));
    offer(tx, crawl, page->id, page->depth, page->hops + 1, &url);
    return true;
}
