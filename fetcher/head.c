/* The head of an HTTP response; contract in head.h. */
#include "fetcher/head.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/utf8.h"

#define YEAR_S (366 * 86400)

void head_reset(struct head *head)
{
    head->status = 0;
    head->complete = head->location_dropped = false;
    head->length = -1;
    head->content_type[0] = head->etag[0] = head->last_modified[0] = head->robots_tag[0] = '\0';
    head->location[0] = head->retry_after[0] = head->coding[0] = '\0';
    head->codings = head->transfer_codings = 0;
}

/* Copies with what records and logs must not meet replaced. False if it did not fit: then it was cut. */
static bool keep(char *to, size_t size, const char *from, size_t n)
{
    bool fits = n < size, utf8 = utf8_valid(from, n);
    if (!fits) n = utf8 ? utf8_floor(from, size - 1) : size - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)from[i];
        to[i] = c < ' ' || c == 0x7f ? ' ' : c >= 0x80 && !utf8 ? '?' : (char)c;
    }
    to[n] = '\0';
    return fits;
}

static void set_length(struct head *head, const char *value, size_t n)
{
    int64_t length = 0;
    if (n == 0 || n > 18) return;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)value[i])) return;
        length = length * 10 + (value[i] - '0');
    }
    head->length = length;
}

static void set_content_type(struct head *head, const char *value, size_t n)
{
    keep(head->content_type, sizeof head->content_type, value, n);
}

static void set_etag(struct head *head, const char *value, size_t n)
{
    if (!keep(head->etag, sizeof head->etag, value, n)) head->etag[0] = '\0';
}

static void set_last_modified(struct head *head, const char *value, size_t n)
{
    if (!keep(head->last_modified, sizeof head->last_modified, value, n)) head->last_modified[0] = '\0';
}

static void add_robots_tag(struct head *head, const char *value, size_t n)
{
    size_t len = strlen(head->robots_tag), room = sizeof head->robots_tag - len;
    if (len > 0 && room > 1) {
        head->robots_tag[len++] = '\n';
        head->robots_tag[len] = '\0';
        room--;
    }
    keep(head->robots_tag + len, room, value, n);
}

/* Kept byte by byte: what is no UTF-8 in it is for the URL parser to judge. */
static void set_location(struct head *head, const char *value, size_t n)
{
    head->location_dropped = n >= sizeof head->location || memchr(value, '\0', n);
    if (head->location_dropped) n = 0;
    memcpy(head->location, value, n);
    head->location[n] = '\0';
}

static void set_retry_after(struct head *head, const char *value, size_t n)
{
    keep(head->retry_after, sizeof head->retry_after, value, n);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "gzip, br": everything but what changes nothing, and the chunks of HTTP/1.1. "none" and "utf-8" are no codings, but servers send them;
 * browsers take such a body as it is. */
static unsigned count_codings(const char *value, size_t n, char *last_r, size_t size)
{
    unsigned count = 0;
    static const char *const plain[] = {"", "identity", "chunked", "none", "utf-8"};
    for (size_t at = 0; at < n;) {
        size_t end = at, len;
        while (end < n && value[end] != ',') end++;
        while (at < end && blank(value[at])) at++;
        for (len = end - at; len > 0 && blank(value[at + len - 1]); len--) continue;
        bool packs = true;
        for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
            if (strlen(plain[i]) == len && strncasecmp(plain[i], value + at, len) == 0) packs = false;
        if (packs) keep(last_r, size, value + at, len);
        count += packs;
        at = end + 1;
    }
    return count;
}

static void add_codings(struct head *head, const char *value, size_t n)
{
    head->codings += count_codings(value, n, head->coding, sizeof head->coding);
}

static void add_transfer_codings(struct head *head, const char *value, size_t n)
{
    char unheard[sizeof head->coding];
    head->transfer_codings += count_codings(value, n, unheard, sizeof unheard);
}

static const struct {
    const char *name;
    void (*set)(struct head *head, const char *value, size_t n);
} fields[] = {
    {"content-length", set_length},       {"content-type", set_content_type}, {"etag", set_etag},
    {"last-modified", set_last_modified}, {"x-robots-tag", add_robots_tag},   {"location", set_location},
    {"retry-after", set_retry_after},     {"content-encoding", add_codings},  {"transfer-encoding", add_transfer_codings},
};

/* "HTTP/1.1 200 OK", "HTTP/2 200". The library has checked its form. */
static void status_line(struct head *head, const char *line, size_t n)
{
    size_t i = 0;
    unsigned codings = head->transfer_codings;
    head_reset(head);
    head->transfer_codings = codings;
    while (i < n && line[i] != ' ') i++;
    while (i < n && line[i] == ' ') i++;
    for (int digits = 0; i < n && digits < 3 && isdigit((unsigned char)line[i]); i++, digits++)
        head->status = head->status * 10 + (line[i] - '0');
}

void head_line(struct head *head, const char *line, size_t n)
{
    while (n > 0 && blank(line[n - 1])) n--;
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0 && (!head->complete || head->status < 200)) {
        status_line(head, line, n);
        return;
    }
    if (head->complete) return;
    if (n == 0) {
        head->complete = true;
        return;
    }
    const char *colon = memchr(line, ':', n);
    if (!colon) return;
    size_t name = (size_t)(colon - line), at = name + 1;
    while (at < n && blank(line[at])) at++;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strlen(fields[i].name) == name && strncasecmp(fields[i].name, line, name) == 0) fields[i].set(head, line + at, n - at);
}

/* IMF-fixdate, RFC 850 and asctime, RFC 9110 section 5.6.7. */
static bool parse_date(const char *value, int64_t *seconds_r)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *end = strptime(value, forms[i], &tm);
        if (!end || *end) continue;
        *seconds_r = timegm(&tm);
        return true;
    }
    return false;
}

bool head_retry_after(const char *value, int64_t now_ms, int64_t *seconds_r)
{
    size_t n = strlen(value);
    int64_t seconds = 0;
    if (n > 0 && strspn(value, "0123456789") == n) {
        if (n > 10 || sscanf(value, "%" SCNd64, &seconds) != 1) seconds = YEAR_S;
    } else if (parse_date(value, &seconds)) {
        int64_t wait_ms = seconds * 1000 - now_ms;
        seconds = (wait_ms + 999) / 1000;
    } else {
        return false;
    }
    *seconds_r = seconds < 0 ? 0 : seconds > YEAR_S ? YEAR_S : seconds;
    return true;
}

static bool is_packed_xml(const char *type, size_t n, const char *url)
{
    static const char *const types[] = {"application/gzip", "application/x-gzip", "application/octet-stream", "binary/octet-stream"};
    static const char ending[] = ".xml.gz";
    size_t path = strcspn(url, "?#"), k = sizeof ending - 1;
    if (path < k || strncasecmp(url + path - k, ending, k) != 0) return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == n && strncasecmp(types[i], type, n) == 0) return true;
    return false;
}

bool head_type_wanted(const char *content_type, const char *url)
{
    static const char *const never[] = {"text/css",      "text/javascript", "text/ecmascript",   "text/csv",
                                        "text/calendar", "text/vcard",      "text/event-stream", "image/svg+xml"};
    static const char *const wanted[] = {"application/xml", "application/xhtml", "application/html", "application/vnd.wap.xhtml+xml"};
    size_t n = strcspn(content_type, "; \t,");
    if (n == 0) return true;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strlen(never[i]) == n && strncasecmp(never[i], content_type, n) == 0) return false;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strlen(wanted[i]) == n && strncasecmp(wanted[i], content_type, n) == 0) return true;
    if (n > 4 && strncasecmp(content_type + n - 4, "+xml", 4) == 0) return true;
    if (is_packed_xml(content_type, n, url)) return true;
    /* "html" and "text" alone are what broken servers say */
    return strncasecmp(content_type, "text", 4) == 0 || strncasecmp(content_type, "html", 4) == 0;
}
