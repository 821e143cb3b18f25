/* What a page leads to; contract in found.h. */
#include "writer/found.h"

#include <ctype.h>
#include <string.h>

#include "line/limits.h"
#include "line/url.h"
#include "writer/tx.h"

/* Marks: what has none is not kept as a line of its own, or is a link. */
static const struct found_kind kinds[FOUND_COUNT] = {
    [FOUND_SEED] = {"seed", "", true, false},        [FOUND_REDIRECT] = {"redirect", "", true, false},
    [FOUND_LINK] = {"link", "", false, false},       [FOUND_ENTRY] = {"feed", "-", false, false},
    [FOUND_MAPPED] = {"sitemap", "~", false, false}, [FOUND_NEXT] = {"next", "=", true, false},
    [FOUND_FEED] = {"feed", "+", true, true},        [FOUND_SITEMAP] = {"sitemap", "*", true, true},
};

const struct found_kind *found_kind(enum found how)
{
    return &kinds[how];
}

static void cut_end(char *text, size_t *len, const char *end)
{
    size_t n = strlen(end);
    while (*len >= n && memcmp(text + *len - n, end, n) == 0) *len -= n;
}

/* What the parts of one list have in common. */
static size_t shape(const char *url, char shape_r[LIMIT_URL + 1])
{
    size_t n = 0, origin = (size_t)(url_path(url) - url);
    for (size_t i = 0; url[i] && url[i] != '?' && n < LIMIT_URL; i++)
        if (i < origin || !isdigit((unsigned char)url[i])) shape_r[n++] = url[i];
    cut_end(shape_r, &n, "/");
    cut_end(shape_r, &n, "/page");
    cut_end(shape_r, &n, "/");
    return n;
}

static bool same_list(const char *a, const char *b)
{
    char x[LIMIT_URL + 1], y[LIMIT_URL + 1];
    size_t n = shape(a, x);
    return shape(b, y) == n && memcmp(x, y, n) == 0;
}

static void each_feed(const char *lines, found_fn *each, void *context)
{
    char url[LIMIT_URL + 1];
    for (const char *p = lines; *p;) {
        size_t n = strcspn(p, "\n");
        if (n > 0 && n < sizeof url) {
            memcpy(url, p, n);
            url[n] = '\0';
            each(context, FOUND_FEED, url, 0);
        }
        p += n + (p[n] == '\n');
    }
}

void found_each(const struct crawl_row *crawl, const char *page_url, const struct record *record, found_fn *each, void *context)
{
    static const enum found links[] = {
        [LIST_NONE] = FOUND_LINK, [LIST_FEED] = FOUND_ENTRY, [LIST_SITEMAP] = FOUND_MAPPED, [LIST_SITEMAPS] = FOUND_SITEMAP};
    enum found how = links[record->list];
    if (found_unwanted(crawl, record)) return;
    if (crawl->is_inbox && kinds[how].stays) how = FOUND_LINK;
    if (record->next) {
        bool is_part = !crawl->is_inbox && (record->list == LIST_FEED || same_list(page_url, record->next));
        each(context, is_part ? FOUND_NEXT : FOUND_LINK, record->next, 0);
    }
    if (record->feeds && crawl->feeds) each_feed(record->feeds, each, context);
    for (size_t i = 0; i < record->links.count; i++)
        each(context, how, record->links.items[i], i < record->links.dates_count ? record->links.dates[i] : 0);
}

enum found found_marked(char **text)
{
    for (enum found how = FOUND_LINK + 1; how < FOUND_COUNT; how++) {
        if (**text != *kinds[how].mark) continue;
        ++*text;
        return how;
    }
    return FOUND_LINK;
}

bool found_unwanted(const struct crawl_row *crawl, const struct record *record)
{
    return crawl->sitemap == SITEMAP_ONLY && record->list != LIST_SITEMAP && record->list != LIST_SITEMAPS;
}
