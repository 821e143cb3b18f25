/* Asks the URL and robots.txt code from outside: one question a line on stdin, one answer a line on stdout.
 *
 *     href BASE REFERENCE              the standard's serialisation
 *     canonical BASE REFERENCE         the canonical form, credentials kept
 *     page BASE REFERENCE              the canonical form a page is known by
 *     robots FILE AGENT URL            "true" or "false"; URL may also be a path
 *     delay FILE AGENT                 Crawl-delay in ms, -1 for none
 *     sitemaps FILE AGENT              all, blank between them
 *
 * Operands are hexadecimal, "-" is the empty string and "." no base. A URL that is none gives "!" and the reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "line/url.h"
#include "writer/robots.h"

enum { OPERANDS = 3 };

struct question {
    char *verb;
    char *operands[OPERANDS]; /* decoded in place, NUL added; NULL for "." */
    size_t lens[OPERANDS];
};

static void decode(char *hex, char **text_r, size_t *len_r)
{
    size_t n = 0;
    *text_r = NULL;
    *len_r = 0;
    if (!hex || strcmp(hex, ".") == 0) return;
    for (char *p = hex; p[0] && p[0] != '-' && p[1]; p += 2) {
        char pair[3] = {p[0], p[1], '\0'};
        hex[n++] = (char)strtoul(pair, NULL, 16);
    }
    hex[n] = '\0';
    *text_r = hex;
    *len_r = n;
}

static void answer_url(const struct question *q)
{
    const char *base = q->operands[0];
    static struct url url;
    struct buf href = BUF_INIT(1u << 20);
    enum url_status status;
    if (strcmp(q->verb, "href") == 0) {
        status = url_href(base, q->operands[1], q->lens[1], &href);
    } else {
        unsigned flags = strcmp(q->verb, "canonical") == 0 ? URL_CREDENTIALS : 0;
        status = url_canonical(base, q->operands[1], q->lens[1], flags, &url);
        if (status == URL_OK) buf_add_str(&href, url.text);
    }
    if (status == URL_OK)
        puts(buf_str(&href));
    else
        printf("! %s\n", url_status_text(status));
    buf_release(&href);
}

static void answer_robots(const struct question *q)
{
    struct robots *robots = robots_parse(q->operands[0], q->lens[0], q->operands[1]);
    if (strcmp(q->verb, "robots") == 0) {
        struct buf href = BUF_INIT(1u << 20);
        const char *path = q->operands[2];
        if (path[0] != '/' && url_href(NULL, path, q->lens[2], &href) == URL_OK) {
            char *hash = strchr(href.data, '#');
            if (hash) *hash = '\0';
            path = url_path(href.data);
        }
        puts(robots_allows(robots, path) ? "true" : "false");
        buf_release(&href);
    } else if (strcmp(q->verb, "delay") == 0) {
        printf("%lld\n", (long long)robots_delay_ms(robots));
    } else {
        for (size_t i = 0; robots_sitemap(robots, i); i++) printf("%s%s", i ? " " : "", robots_sitemap(robots, i));
        puts("");
    }
    robots_free(robots);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        char *rest;
        struct question q = {.verb = strtok_r(line, " \n", &rest)};
        for (int i = 0; i < OPERANDS; i++) decode(strtok_r(NULL, " \n", &rest), &q.operands[i], &q.lens[i]);
        if (!q.verb || !q.operands[1]) continue;
        bool url = strcmp(q.verb, "href") == 0 || strcmp(q.verb, "canonical") == 0 || strcmp(q.verb, "page") == 0;
        if (url)
            answer_url(&q);
        else if (q.operands[0] && (q.operands[2] || strcmp(q.verb, "robots") != 0))
            answer_robots(&q);
        fflush(stdout);
    }
    free(line);
    return 0;
}
