/* URL parser. Input: a base and a reference, parted by the first line end. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "line/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool held, const char *what, const char *a, const char *b)
{
    if (held) return;
    fprintf(stderr, "%s: %s | %s\n", what, a, b);
    abort();
}

/* What every result must be: printable ASCII, the same when read again, with the host its text has. */
static void check(const struct url *url)
{
    struct url again;
    char start[sizeof url->host + 16];
    for (const char *p = url->text; *p; p++) demand(*p > 0x20 && *p < 0x7f, "not printable", url->text, "");
    demand(url_parse(url->text, &again) == URL_OK, "not a URL again", url->text, "");
    demand(strcmp(again.text, url->text) == 0, "not stable", url->text, again.text);
    demand(strcmp(again.host, url->host) == 0, "another host", url->host, again.host);
    demand(url_resolve(url->text, "", 0, &again) == URL_OK && strcmp(again.text, url->text) == 0, "not its own base", url->text,
           again.text);
    snprintf(start, sizeof start, "%s://%s/", url->https ? "https" : "http", url->host);
    demand(strncmp(url->text, start, strlen(start)) == 0, "host is not in the text", url->text, start);
    demand(*url_path(url->text) == '/', "no path", url->text, "");
    url_robots(url, &again);
    demand(url_parse(again.text, &again) == URL_OK, "robots.txt is no URL", again.text, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t head = end ? (size_t)(end - data) : 0;
    const char *reference = (const char *)data + (end ? head + 1 : 0);
    size_t n = size - (end ? head + 1 : 0);
    char *base = strndup((const char *)data, head);
    struct url url;
    struct buf href = BUF_INIT(4u << 20), again = BUF_INIT(4u << 20);
    if (url_resolve(end ? base : NULL, reference, n, &url) == URL_OK) check(&url);
    if (url_href(end ? base : NULL, reference, n, &href) == URL_OK && href.len < (16u << 10)) {
        demand(url_href(NULL, href.data, href.len, &again) == URL_OK, "no URL again", href.data, "");
        demand(strcmp(href.data, again.data) == 0, "not stable", href.data, again.data);
    }
    buf_release(&href);
    buf_release(&again);
    free(base);
    return 0;
}
