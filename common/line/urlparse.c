/* Basic URL parser; contract in urlparse.h.
 *
 * The standard describes a state machine over code points. This is the same language read piece by piece (scheme,
 * authority, path, query, fragment), each appended to one text in its serialised form. Names in quotes are the
 * standard's, review draft of August 2026. */
#include "line/urlparse.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

#include "base/mem.h"
#include "line/urlhost.h"

#define REFERENCE_MAX (64u << 10)

/* "Percent-encoded bytes": which set a byte belongs to; beyond ASCII every byte is in all of them. */
enum { FRAGMENT = 1, QUERY = 2, PATH = 4, USERINFO = 8, REMOVED = 16, HIGH = 32 };
#define ALL (FRAGMENT | QUERY | PATH | USERINFO)

static const uint8_t byte_sets[256] = {
    [0x00 ... 0x08] = ALL,
    ['\t'] = ALL | REMOVED,
    ['\n'] = ALL | REMOVED,
    [0x0b ... 0x0c] = ALL,
    ['\r'] = ALL | REMOVED,
    [0x0e ... 0x20] = ALL,
    [0x7f] = ALL,
    [0x80 ... 0xff] = ALL | HIGH,
    ['"'] = ALL,
    ['<'] = ALL,
    ['>'] = ALL,
    ['`'] = FRAGMENT | PATH | USERINFO,
    ['#'] = QUERY | PATH | USERINFO,
    ['\''] = QUERY, /* QUERY is the special-query set */
    ['?'] = PATH | USERINFO,
    ['^'] = PATH | USERINFO,
    ['{'] = PATH | USERINFO,
    ['}'] = PATH | USERINFO,
    ['/'] = USERINFO,
    [':'] = USERINFO,
    [';'] = USERINFO,
    ['='] = USERINFO,
    ['@'] = USERINFO,
    ['['] = USERINFO,
    ['\\'] = USERINFO,
    [']'] = USERINFO,
    ['|'] = USERINFO,
};

struct span {
    const char *p, *end;
};

static void put(struct urlparse *u, const char *s, size_t n)
{
    memcpy(u->text + u->len, s, n);
    u->len += n;
}

static void put_char(struct urlparse *u, char c)
{
    u->text[u->len++] = c;
}

static void put_percent(struct urlparse *u, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    put_char(u, '%');
    put_char(u, digits[byte >> 4]);
    put_char(u, digits[byte & 15]);
}

/* "UTF-8 percent-encode"; an ill-formed sequence stands for U+FFFD, as a page's decoder would have made it. */
static void put_encoded(struct urlparse *u, struct span in, uint8_t set)
{
    const uint8_t *s = (const uint8_t *)in.p;
    size_t i = 0, n = (size_t)(in.end - in.p);
    while (i < n) {
        uint8_t c = s[i];
        if (!(byte_sets[c] & set)) {
            put_char(u, (char)c);
            i++;
        } else if (c < 0x80) {
            put_percent(u, c);
            i++;
        } else {
            UChar32 code;
            size_t j = i;
            U8_NEXT(s, i, n, code);
            if (code < 0)
                put(u, "%EF%BF%BD", 9);
            else
                while (j < i) put_percent(u, s[j++]);
        }
    }
}

static bool is_alpha(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* strncasecmp would ask the locale. */
bool urlparse_word(const char *s, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        char c = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] | 0x20) : s[i];
        if (c != word[i] || c == '\0') return false;
    }
    return word[n] == '\0';
}

static bool is_slash(char c, bool special)
{
    return c == '/' || (special && c == '\\');
}

/* 1 for a "single-dot URL path segment", 2 for a "double-dot" one, else 0. */
static int dots(struct span s)
{
    int count = 0;
    while (s.p < s.end) {
        if (*s.p == '.')
            s.p++;
        else if (s.end - s.p >= 3 && s.p[0] == '%' && s.p[1] == '2' && (s.p[2] | 0x20) == 'e')
            s.p += 3;
        else
            return 0;
        if (++count > 2) return 0;
    }
    return count;
}

/* "shorten a URL's path" */
static void shorten(struct urlparse *u)
{
    while (u->len > u->path && u->text[--u->len] != '/') continue;
}

/* "path state": appends to what is there. Returns what follows the path. */
static struct span put_path(struct urlparse *u, struct span in)
{
    const char *end = in.p;
    while (end < in.end && *end != '?' && *end != '#') end++;
    for (;;) {
        struct span segment = {in.p, in.p};
        while (segment.end < end && !is_slash(*segment.end, true)) segment.end++;
        bool last = segment.end == end;
        int kind = segment.p < segment.end ? dots(segment) : 0;
        if (kind == 2) shorten(u);
        if (kind == 0) {
            put_char(u, '/');
            put_encoded(u, segment, PATH);
        } else if (last) {
            put_char(u, '/');
        }
        if (last) break;
        in.p = segment.end + 1;
    }
    return (struct span){end, in.end};
}

/* "query state" and "fragment state": in is empty or begins with '?' or '#'. */
static void put_tail(struct urlparse *u, struct span in)
{
    if (in.p < in.end && *in.p == '?') {
        const char *hash = memchr(in.p, '#', (size_t)(in.end - in.p));
        struct span query = {in.p + 1, hash ? hash : in.end};
        u->query = u->len;
        put_char(u, '?');
        put_encoded(u, query, QUERY);
        in.p = query.end;
    }
    if (in.p < in.end) {
        u->fragment = u->len;
        put_char(u, '#');
        put_encoded(u, (struct span){in.p + 1, in.end}, FRAGMENT);
    }
}

/* "port state": digits or nothing. -1 if it is no port, else the port; default_port if it is empty. */
static int port_parse(struct span in, int default_port)
{
    int port = 0;
    if (in.p == in.end) return default_port;
    for (; in.p < in.end; in.p++) {
        if (!is_digit(*in.p)) return -1;
        port = port * 10 + (*in.p - '0');
        if (port > 65535) return -1;
    }
    return port;
}

static void put_credentials(struct urlparse *u, struct span in)
{
    struct span user = in, password = {in.end, in.end};
    const char *colon = memchr(in.p, ':', (size_t)(in.end - in.p));
    if (colon) {
        user.end = colon;
        password.p = colon + 1;
    }
    if (user.p == user.end && password.p == password.end) return;
    put_encoded(u, user, USERINFO);
    if (password.p < password.end) {
        put_char(u, ':');
        put_encoded(u, password, USERINFO);
    }
    put_char(u, '@');
}

/* Cuts an authority in two at the colon that is not within brackets. False if there is none; then host is all. */
static bool split_port(struct span in, struct span *host_r, struct span *port_r)
{
    bool brackets = false;
    *host_r = in;
    *port_r = (struct span){in.end, in.end};
    for (const char *p = in.p; p < in.end; p++) {
        if (*p == '[')
            brackets = true;
        else if (*p == ']')
            brackets = false;
        else if (*p == ':' && !brackets) {
            host_r->end = p;
            port_r->p = p + 1;
            return true;
        }
    }
    return false;
}

/* "authority state" to "port state" of a special scheme. *in is moved behind the authority. */
static enum url_status put_authority(struct urlparse *u, struct span *in, int default_port)
{
    struct span all = {in->p, in->p}, host, port;
    while (all.end < in->end && !is_slash(*all.end, true) && *all.end != '?' && *all.end != '#') all.end++;
    in->p = all.end;
    u->user = u->len;
    const char *at = memrchr(all.p, '@', (size_t)(all.end - all.p));
    if (at) {
        put_credentials(u, (struct span){all.p, at});
        all.p = at + 1;
    }
    u->host = u->len;
    split_port(all, &host, &port);
    size_t len = 0;
    enum urlhost_status status = urlhost_parse(host.p, (size_t)(host.end - host.p), u->text + u->len, &len);
    if (status != URLHOST_OK) return status == URLHOST_TOO_LONG ? URL_TOO_LONG : URL_INVALID;
    u->len += len;
    int number = port_parse(port, default_port);
    if (number < 0) return URL_INVALID;
    if (number != default_port) {
        char digits[8];
        put(u, digits, (size_t)snprintf(digits, sizeof digits, ":%d", number));
    }
    return URL_OK;
}

/* Ends a URL after its authority. */
static void put_rest(struct urlparse *u, struct span in)
{
    if (in.p < in.end && is_slash(*in.p, true)) in.p++; /* "path start state" */
    u->path = u->len;
    put_tail(u, put_path(u, in));
}

static void skip_slashes(struct span *in)
{
    while (in->p < in->end && is_slash(*in->p, true)) in->p++;
}

/* "special authority ignore slashes state" on: in is what follows the scheme and its colon. */
static enum url_status parse_absolute(struct urlparse *u, bool https, struct span in)
{
    u->https = https;
    put(u, https ? "https://" : "http://", https ? 8 : 7);
    skip_slashes(&in);
    enum url_status status = put_authority(u, &in, https ? 443 : 80);
    if (status == URL_OK) put_rest(u, in);
    return status;
}

/* "relative state" */
static enum url_status parse_relative(struct urlparse *u, const struct urlparse *base, struct span in)
{
    bool slash = in.p < in.end && is_slash(*in.p, true);
    if (slash && in.end - in.p > 1 && is_slash(in.p[1], true)) return parse_absolute(u, base->https, in);

    u->https = base->https;
    u->user = base->user;
    u->host = base->host;
    u->path = base->path;
    if (slash) {
        put(u, base->text, base->path);
        in.p++;
        put_tail(u, put_path(u, in));
        return URL_OK;
    }
    size_t path_end = base->query ? base->query : base->fragment ? base->fragment : base->len;
    if (in.p == in.end || *in.p == '#') {
        put(u, base->text, base->fragment ? base->fragment : base->len);
        u->query = base->query;
        put_tail(u, in);
        return URL_OK;
    }
    put(u, base->text, path_end);
    if (*in.p != '?') {
        shorten(u);
        in = put_path(u, in);
    }
    put_tail(u, in);
    return URL_OK;
}

/* URL_SCHEME if a URL with another scheme is valid, else URL_INVALID: only an authority can spoil it. */
static enum url_status judge_other(struct urlparse *scratch, struct span scheme, struct span in)
{
    static const char *const special_schemes[] = {"ftp", "ws", "wss"};
    size_t n = (size_t)(scheme.end - scheme.p);
    enum url_status status = URL_OK;
    for (size_t i = 0; i < sizeof special_schemes / sizeof *special_schemes; i++) {
        if (!urlparse_word(scheme.p, n, special_schemes[i])) continue;
        skip_slashes(&in);
        status = put_authority(scratch, &in, 0);
        return status == URL_OK ? URL_SCHEME : status;
    }
    bool file = urlparse_word(scheme.p, n, "file");
    if (in.end - in.p < 2 || !is_slash(in.p[0], file) || !is_slash(in.p[1], file)) return URL_SCHEME;
    struct span all = {in.p + 2, in.p + 2}, host, port;
    while (all.end < in.end && !is_slash(*all.end, file) && *all.end != '?' && *all.end != '#') all.end++;
    size_t len = (size_t)(all.end - all.p);
    if (file) { /* "file host state": a drive letter is no host */
        bool drive = len == 2 && is_alpha(all.p[0]) && (all.p[1] == ':' || all.p[1] == '|');
        if (len == 0 || drive || urlhost_parse(all.p, len, scratch->text, &len) == URLHOST_OK) return URL_SCHEME;
        return URL_INVALID;
    }
    const char *at = memrchr(all.p, '@', len);
    if (at) all.p = at + 1;
    bool colon = split_port(all, &host, &port);
    if (host.p == host.end) return at || colon ? URL_INVALID : URL_SCHEME;
    bool valid = urlhost_opaque_valid(host.p, (size_t)(host.end - host.p)) && port_parse(port, 0) >= 0;
    return valid ? URL_SCHEME : URL_INVALID;
}

/* "scheme state": the end of the scheme (its colon), or NULL if the reference has none. */
static const char *scheme_end(struct span in)
{
    const char *p = in.p;
    if (p == in.end || !is_alpha(*p)) return NULL;
    while (p < in.end && (is_alpha(*p) || is_digit(*p) || *p == '+' || *p == '-' || *p == '.')) p++;
    return p < in.end && *p == ':' ? p : NULL;
}

/* Reads a reference that is trimmed and without tabs and line ends. cut: its end was cut off for being too long. */
static enum url_status parse_clean(struct urlparse *u, const struct urlparse *base, struct span in, bool cut)
{
    const char *colon = scheme_end(in);
    if (!colon) {
        if (!base) return URL_INVALID;
        return cut ? URL_TOO_LONG : parse_relative(u, base, in);
    }
    struct span scheme = {in.p, colon};
    size_t n = (size_t)(colon - in.p);
    in.p = colon + 1;
    bool https = urlparse_word(scheme.p, n, "https");
    if (!https && !urlparse_word(scheme.p, n, "http")) return judge_other(u, scheme, in);
    if (cut) return URL_TOO_LONG;
    bool slashes = in.end - in.p >= 2 && in.p[0] == '/' && in.p[1] == '/';
    if (!slashes && base && base->https == https) return parse_relative(u, base, in);
    return parse_absolute(u, https, in);
}

static void urlparse_init(struct urlparse *u, const struct urlparse *base, struct span in, bool high)
{
    /* The longest growth of a byte is 3, if it is ill-formed 9. */
    size_t need = (size_t)(in.end - in.p) * (high ? 9 : 3) + (base ? base->len : 0) + URLHOST_MAX + 64;
    u->heap = need > sizeof u->stack ? mem_alloc(need) : NULL;
    u->text = u->heap ? u->heap : u->stack;
    u->len = u->user = u->host = u->path = u->query = u->fragment = 0;
    u->https = false;
}

/* "basic URL parser". u must be released, whatever the result. */
static enum url_status parse(struct urlparse *u, const struct urlparse *base, const char *s, size_t n)
{
    struct span in = {s, s + n};
    while (in.p < in.end && (unsigned char)*in.p <= 0x20) in.p++;
    while (in.p < in.end && (unsigned char)in.end[-1] <= 0x20) in.end--;
    bool cut = (size_t)(in.end - in.p) > REFERENCE_MAX;
    if (cut) in.end = in.p + REFERENCE_MAX;

    uint8_t seen = 0;
    for (const char *p = in.p; p < in.end; p++) seen |= byte_sets[(unsigned char)*p];
    urlparse_init(u, base, in, seen & HIGH);
    if (!(seen & REMOVED)) return parse_clean(u, base, in, cut);

    char *clean = mem_alloc((size_t)(in.end - in.p));
    struct span out = {clean, clean};
    for (const char *p = in.p; p < in.end; p++)
        if (!(byte_sets[(unsigned char)*p] & REMOVED)) clean[out.end++ - clean] = *p;
    enum url_status status = parse_clean(u, base, out, cut);
    free(clean);
    return status;
}

enum url_status urlparse_run(struct urlparse *u, const char *base, const char *s, size_t n)
{
    if (!base) return parse(u, NULL, s, n);
    struct urlparse b;
    enum url_status status = parse(&b, NULL, base, strlen(base));
    if (status == URL_OK) {
        status = parse(u, &b, s, n);
    } else {
        u->heap = NULL;
        status = URL_INVALID;
    }
    urlparse_release(&b);
    return status;
}

void urlparse_release(struct urlparse *u)
{
    free(u->heap);
}
