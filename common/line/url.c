/* The canonical form and what is made of it; contract in url.h. */
#include "line/url.h"

#include <stdio.h>
#include <string.h>

#include "line/urlhost.h"
#include "line/urlparse.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static int hex_value(char c)
{
    if (is_digit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 section 2.3 */
static bool is_unreserved(int c)
{
    return c < 0x80 && (is_alpha((char)c) || is_digit((char)c) || c == '-' || c == '.' || c == '_' || c == '~');
}

/* RFC 3986 sections 6.2.2.1 and 6.2.2.2, in place: returns the new length. A character is left encoded where decoded it
 * could complete a '%' that stands alone ("%%41B" is not "%AB"). */
static size_t normalise_escapes(char *s, size_t n)
{
    size_t w = 0;
    int after_lone = 0;
    if (!memchr(s, '%', n)) return n;
    for (size_t i = 0; i < n; i++) {
        int high = -1, low = -1;
        if (s[i] == '%' && n - i > 2) {
            high = hex_value(s[i + 1]);
            low = hex_value(s[i + 2]);
        }
        if (high < 0 || low < 0) {
            if (s[i] == '%')
                after_lone = 2;
            else
                after_lone = after_lone > 0 && hex_value(s[i]) >= 0 ? after_lone - 1 : 0;
            s[w++] = s[i];
            continue;
        }
        int c = high << 4 | low;
        if (after_lone == 0 && is_unreserved(c)) {
            s[w++] = (char)c;
        } else {
            s[w++] = '%';
            s[w++] = "0123456789ABCDEF"[high];
            s[w++] = "0123456789ABCDEF"[low];
            after_lone = 0;
        }
        i += 2;
    }
    return w;
}

/* Parameters that say how a reader came to a page and never which page it is: of Google Analytics and Ads (utm_*, gclid,
 * dclid, gbraid, wbraid), Facebook, Microsoft, Yandex, Twitter, Instagram, Mailchimp, HubSpot and Marketo. */
static bool is_tracking(const char *parameter, size_t n)
{
    static const char *const names[] = {"gclid",  "dclid",  "gbraid", "wbraid", "fbclid", "msclkid", "yclid",
                                        "twclid", "igshid", "mc_cid", "mc_eid", "_hsenc", "_hsmi",   "mkt_tok"};
    const char *equals = memchr(parameter, '=', n);
    if (equals) n = (size_t)(equals - parameter);
    if (n >= 4 && urlparse_word(parameter, 4, "utm_")) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (urlparse_word(parameter, n, names[i])) return true;
    return false;
}

/* Takes tracking parameters out of a query (without its '?') in place. False if that emptied it. */
static bool remove_tracking(char *s, size_t *len)
{
    size_t n = *len, w = 0;
    bool removed = false, first = true;
    for (size_t start = 0; start <= n;) {
        const char *amp = memchr(s + start, '&', n - start);
        size_t end = amp ? (size_t)(amp - s) : n;
        if (is_tracking(s + start, end - start)) {
            removed = true;
        } else {
            if (!first) s[w++] = '&';
            first = false;
            memmove(s + w, s + start, end - start);
            w += end - start;
        }
        start = end + 1;
    }
    *len = w;
    return w > 0 || !removed;
}

/* Brings a parsed URL into the canonical form, in place. */
static void canonicalise(struct urlparse *u, bool credentials)
{
    size_t end = u->fragment ? u->fragment : u->len;
    size_t path_end = u->query ? u->query : end;
    u->fragment = 0;
    u->len = u->path + normalise_escapes(u->text + u->path, path_end - u->path);
    if (u->query) {
        char *query = u->text + u->query + 1;
        size_t n = normalise_escapes(query, end - u->query - 1);
        bool keep = remove_tracking(query, &n);
        memmove(u->text + u->len + 1, query, n);
        u->text[u->len] = '?';
        u->query = keep ? u->len : 0;
        if (keep) u->len += 1 + n;
    }
    if (!credentials && u->host > u->user) {
        size_t cut = u->host - u->user;
        memmove(u->text + u->user, u->text + u->host, u->len - u->host);
        u->len -= cut;
        u->host -= cut;
        u->path -= cut;
    }
}

enum url_status url_canonical(const char *base, const char *reference, size_t n, unsigned flags, struct url *url_r)
{
    struct urlparse u;
    enum url_status status = urlparse_run(&u, base, reference, n);
    if (status == URL_OK) {
        canonicalise(&u, flags & URL_CREDENTIALS);
        size_t host = u.path - u.host;
        if (u.len > LIMIT_URL || host >= LIMIT_HOST) {
            status = URL_TOO_LONG;
        } else {
            memcpy(url_r->text, u.text, u.len);
            url_r->text[u.len] = '\0';
            memcpy(url_r->host, u.text + u.host, host);
            url_r->host[host] = '\0';
            url_r->https = u.https;
        }
    }
    urlparse_release(&u);
    return status;
}

enum url_status url_resolve(const char *base, const char *reference, size_t n, struct url *url_r)
{
    return url_canonical(base, reference, n, 0, url_r);
}

enum url_status url_parse(const char *text, struct url *url_r)
{
    return url_canonical(NULL, text, strlen(text), 0, url_r);
}

enum url_status url_href(const char *base, const char *reference, size_t n, struct buf *out)
{
    struct urlparse u;
    enum url_status status = urlparse_run(&u, base, reference, n);
    if (status == URL_OK && !buf_add(out, u.text, u.len)) status = URL_TOO_LONG;
    urlparse_release(&u);
    return status;
}

const char *url_status_text(enum url_status status)
{
    switch (status) {
    case URL_OK: return "a valid address";
    case URL_INVALID: return "not a valid address";
    case URL_SCHEME: return "neither http nor https";
    case URL_TOO_LONG: return "longer than the limit";
    }
    return "unknown";
}

void url_robots(const struct url *url, struct url *robots_r)
{
    if (robots_r != url) *robots_r = *url;
    snprintf(robots_r->text, sizeof robots_r->text, "%s://%s/robots.txt", robots_r->https ? "https" : "http", robots_r->host);
}

const char *url_path(const char *canonical)
{
    const char *authority = strstr(canonical, "://");
    const char *path = authority ? strchr(authority + 3, '/') : NULL;
    return path ? path : "/";
}

void url_init(void)
{
    urlhost_init();
}
