/* What a page leads to; contract in found.h. */
#include "writer/found.h"

#include <ctype.h>
#include <string.h>

#include "line/limits.h"
#include "line/url.h"
#include "writer/tx.h"

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

static void each_line(const char *lines, void (*each)(void *context, enum found how, const char *url), void *context)
{
    char url[LIMIT_URL + 1];
    for (const char *p = lines; *p;) {
        size_t n = strcspn(p, "\n");
        if (n > 0 && n < sizeof url) {
            memcpy(url, p, n);
            url[n] = '\0';
            each(context, FOUND_LIST, url);
        }
        p += n + (p[n] == '\n');
    }
}

void found_each(const struct crawl_row *crawl, const char *page_url, const struct record *record,
                void (*each)(void *context, enum found how, const char *url), void *context)
{
    enum found how = record->list == LIST_SITEMAPS ? FOUND_LIST : FOUND_LINK;
    if (found_unwanted(crawl, record)) return;
    if (crawl->is_inbox) how = FOUND_LINK;
    if (record->next) {
        bool is_part = !crawl->is_inbox && (record->list == LIST_FEED || same_list(page_url, record->next));
        each(context, is_part ? FOUND_PART : FOUND_LINK, record->next);
    }
    if (record->feeds && crawl->feeds) each_line(record->feeds, each, context);
    for (size_t i = 0; i < record->links.count; i++) each(context, how, record->links.items[i]);
}

static const char *const marks[] = {[FOUND_LINK] = "", [FOUND_PART] = "=", [FOUND_LIST] = "+"};

const char *found_mark(enum found how)
{
    return marks[how];
}

enum found found_marked(char **text)
{
    enum found how = **text == *marks[FOUND_PART] ? FOUND_PART : **text == *marks[FOUND_LIST] ? FOUND_LIST : FOUND_LINK;
    *text += strlen(marks[how]);
    return how;
}

bool found_unwanted(const struct crawl_row *crawl, const struct record *record)
{
    return crawl->sitemap == SITEMAP_ONLY && record->list != LIST_SITEMAP && record->list != LIST_SITEMAPS;
}
