/* robots.txt by RFC 9309; contract in robots.h. */
#include "writer/robots.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "line/limits.h"

/* Searching all rules may pass over this many bytes of one path: 5,000 rules with a wildcard on a path of 800. A file made
 * to cost more does not get its pages fetched. */
#define WORK_MAX (4u << 20)

/* In a rule this byte stands for '*'. It cannot be part of a normalised path. */
#define ANY '\x01'

enum group { GROUP_NOBODY = 0, GROUP_AGENT = 1, GROUP_STAR = 2 }; /* bits: a group can be both */

struct rule {
    size_t offset, len; /* of the pattern in bytes, the end mark '$' not included */
    size_t octets;      /* what decides between rules that match */
    unsigned group;
    bool allow;
    bool to_end; /* the pattern ended with '$' */
};

struct robots {
    struct buf bytes; /* patterns and sitemaps */
    struct rule *rules;
    size_t count, cap;
    size_t *sitemaps; /* offsets in bytes */
    size_t sitemap_count, sitemap_cap;
    int64_t delay_ms;
};

struct span {
    const char *p, *end;
};

/* State of a reading. */
struct reader {
    struct robots *robots;
    struct span agent;
    unsigned group;   /* whom the lines now read concern */
    bool agents_open; /* another User-agent line adds to the group, else it begins one */
    bool agent_seen;  /* some group names the agent: those for '*' are void */
    int64_t delay_agent, delay_star;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
    while (s.p < s.end && is_blank(*s.p)) s.p++;
    while (s.p < s.end && is_blank(s.end[-1])) s.end--;
    return s;
}

static size_t span_len(struct span s)
{
    return (size_t)(s.end - s.p);
}

static bool has_blank(struct span s)
{
    while (s.p < s.end && !is_blank(*s.p)) s.p++;
    return s.p < s.end;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool equals_nocase(struct span a, struct span b)
{
    if (span_len(a) != span_len(b)) return false;
    for (; a.p < a.end; a.p++, b.p++)
        if (lower(*a.p) != lower(*b.p)) return false;
    return true;
}

/* RFC 9309 section 2.2.1: identifier = 1*(%x2D / %x41-5A / %x5F / %x61-7A) */
static struct span product_token(struct span s)
{
    const char *p = s.p;
    while (p < s.end && ((lower(*p) >= 'a' && lower(*p) <= 'z') || *p == '_' || *p == '-')) p++;
    return (struct span){s.p, p};
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 section 2.3 */
static bool is_unreserved(unsigned char c)
{
    return (lower((char)c) >= 'a' && lower((char)c) <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* Appends the form in which rules and paths are compared. In a rule '*' is a wildcard. */
static void normalise(struct buf *out, struct span s, bool rule)
{
    while (s.p < s.end) {
        unsigned char c = (unsigned char)*s.p++;
        bool encoded = false;
        if (c == '%' && span_len(s) >= 2 && hex_value(s.p[0]) >= 0 && hex_value(s.p[1]) >= 0) {
            c = (unsigned char)(hex_value(s.p[0]) << 4 | hex_value(s.p[1]));
            s.p += 2;
            encoded = !is_unreserved(c);
        } else if (rule && c == '*') {
            buf_add_char(out, ANY);
            continue;
        } else {
            encoded = c <= 0x20 || c >= 0x7f || c == '*' || c == '$';
        }
        if (encoded)
            buf_add(out, (char[]){'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]}, 3);
        else
            buf_add_char(out, (char)c);
    }
}

static void read_agent(struct reader *r, struct span value)
{
    if (!r->agents_open) r->group = GROUP_NOBODY;
    r->agents_open = true;
    struct span token = product_token(value);
    if (value.p < value.end && *value.p == '*' && (span_len(value) == 1 || is_blank(value.p[1]))) {
        r->group |= GROUP_STAR;
    } else if (token.p < token.end && equals_nocase(token, r->agent)) {
        r->group |= GROUP_AGENT;
        r->agent_seen = true;
    }
}

static void read_rule(struct reader *r, struct span value, bool allow)
{
    struct robots *robots = r->robots;
    r->agents_open = false;
    if (r->group == GROUP_NOBODY || value.p == value.end) return;
    struct rule rule = {.offset = robots->bytes.len, .group = r->group, .allow = allow};
    rule.to_end = value.end[-1] == '$';
    if (rule.to_end) value.end--;
    normalise(&robots->bytes, value, true);
    rule.len = robots->bytes.len - rule.offset;
    rule.octets = rule.len + rule.to_end;
    robots->rules = mem_grow(robots->rules, &robots->cap, robots->count + 1, sizeof *robots->rules);
    robots->rules[robots->count++] = rule;
}

static void read_allow(struct reader *r, struct span value)
{
    read_rule(r, value, true);
}

static void read_disallow(struct reader *r, struct span value)
{
    read_rule(r, value, false);
}

/* Seconds. Neither this nor any other record beside Allow and Disallow ends the list of a group's agents. */
static void read_delay(struct reader *r, struct span value)
{
    int64_t ms = 0, unit = 1000;
    bool point = false, digits = false;
    for (; value.p < value.end; value.p++) {
        if (*value.p == '.' && !point) {
            point = true;
            continue;
        }
        if (*value.p < '0' || *value.p > '9') return;
        digits = true;
        if (point) unit /= 10;
        ms = point ? ms + (*value.p - '0') * unit : ms * 10 + (*value.p - '0') * unit;
        if (ms > 1000000000000) ms = 1000000000000;
    }
    if (!digits) return;
    if ((r->group & GROUP_AGENT) && ms > r->delay_agent) r->delay_agent = ms;
    if ((r->group & GROUP_STAR) && ms > r->delay_star) r->delay_star = ms;
}

static void read_sitemap(struct reader *r, struct span value)
{
    struct robots *robots = r->robots;
    if (value.p == value.end || memchr(value.p, '\0', span_len(value))) return;
    robots->sitemaps = mem_grow(robots->sitemaps, &robots->sitemap_cap, robots->sitemap_count + 1, sizeof *robots->sitemaps);
    robots->sitemaps[robots->sitemap_count++] = robots->bytes.len;
    buf_add(&robots->bytes, value.p, span_len(value));
    buf_add_char(&robots->bytes, '\0');
}

/* Keys, and the misspellings that RFC 9309 section 2.2.4 lets a crawler accept and Google's parser does accept. */
static const struct {
    const char *key;
    void (*read)(struct reader *r, struct span value);
} keys[] = {
    {"user-agent", read_agent},  {"useragent", read_agent},    {"user agent", read_agent},  {"allow", read_allow},
    {"disallow", read_disallow}, {"dissallow", read_disallow}, {"dissalow", read_disallow}, {"disalow", read_disallow},
    {"diasllow", read_disallow}, {"disallaw", read_disallow},  {"crawl-delay", read_delay}, {"sitemap", read_sitemap},
};

static void read_line(struct reader *r, struct span line)
{
    const char *hash = memchr(line.p, '#', span_len(line));
    if (hash) line.end = hash;
    line = trim(line);
    const char *colon = memchr(line.p, ':', span_len(line));
    const char *split = colon ? colon : line.p;
    while (!colon && split < line.end && !is_blank(*split)) split++; /* "Disallow /x": two words, no colon */
    if (split == line.end) return;
    struct span key = trim((struct span){line.p, split});
    struct span value = trim((struct span){split + 1, line.end});
    if (!colon && has_blank(value)) return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!equals_nocase(key, (struct span){keys[i].key, keys[i].key + strlen(keys[i].key)})) continue;
        keys[i].read(r, value);
        return;
    }
}

static void read_lines(struct reader *r, struct span text)
{
    bool cut = span_len(text) > LIMIT_ROBOTS;
    if (cut) text.end = text.p + LIMIT_ROBOTS;
    if (span_len(text) >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) text.p += 3;
    while (text.p < text.end) {
        struct span line = {text.p, text.p};
        while (line.end < text.end && *line.end != '\n' && *line.end != '\r') line.end++;
        if (line.end == text.end && cut) return;
        read_line(r, line);
        text.p = line.end + (line.end < text.end);
    }
}

/* The strongest first: then the first that matches decides. */
static int compare_rules(const void *a, const void *b)
{
    const struct rule *x = a, *y = b;
    if (x->octets != y->octets) return x->octets > y->octets ? -1 : 1;
    return (int)y->allow - (int)x->allow;
}

struct robots *robots_parse(const char *text, size_t n, const char *agent)
{
    struct robots *robots = mem_zalloc(sizeof *robots);
    /* A pattern is at most three times as long as in the file, a sitemap gets a closing NUL. */
    buf_init(&robots->bytes, 4 * (size_t)LIMIT_ROBOTS);
    struct reader r = {.robots = robots, .delay_agent = -1, .delay_star = -1};
    r.agent = product_token((struct span){agent, agent + strlen(agent)});
    read_lines(&r, (struct span){text, text + n});

    unsigned group = r.agent_seen ? GROUP_AGENT : GROUP_STAR;
    size_t kept = 0;
    for (size_t i = 0; i < robots->count; i++)
        if (robots->rules[i].group & group) robots->rules[kept++] = robots->rules[i];
    robots->count = kept;
    if (kept > 0) qsort(robots->rules, kept, sizeof *robots->rules, compare_rules);
    robots->delay_ms = r.agent_seen ? r.delay_agent : r.delay_star;
    return robots;
}

void robots_free(struct robots *robots)
{
    if (!robots) return;
    buf_release(&robots->bytes);
    free(robots->rules);
    free(robots->sitemaps);
    free(robots);
}

/* Each piece between wildcards is looked for at its first place behind the one before: no other choice can do better, so
 * there is no going back. Only the last piece of a rule that reaches to the end has a fixed place. */
static bool rule_matches(struct span pattern, bool to_end, struct span path, size_t *work)
{
    bool first = true;
    for (;;) {
        const char *star = memchr(pattern.p, ANY, span_len(pattern));
        struct span piece = {pattern.p, star ? star : pattern.end};
        size_t n = span_len(piece);
        if (n > span_len(path)) return false;
        const char *at = path.p;
        if (!star && to_end) {
            at = path.end - n;
            if (first && at != path.p) return false;
            return memcmp(at, piece.p, n) == 0;
        }
        if (first)
            at = memcmp(path.p, piece.p, n) == 0 ? path.p : NULL;
        else if (n > 0)
            at = memmem(path.p, span_len(path), piece.p, n);
        *work += (size_t)((at ? at : first ? path.p : path.end) - path.p);
        if (!at) return false;
        if (!star) return true;
        path.p = at + n;
        pattern.p = star + 1;
        first = false;
    }
}

bool robots_allows(const struct robots *robots, const char *path)
{
    bool allowed = true;
    if (robots->count == 0) return true;
    const char *patterns = buf_str(&robots->bytes);
    size_t n = strlen(path);
    struct buf normal = BUF_INIT(3 * n);
    normalise(&normal, (struct span){path, path + n}, false);
    struct span text = {buf_str(&normal), buf_str(&normal) + normal.len};
    bool self = strcmp(text.p, "/robots.txt") == 0; /* RFC 9309 section 2.2.2 */
    size_t work = 0;
    for (size_t i = 0; i < robots->count && !self; i++) {
        const struct rule *rule = &robots->rules[i];
        const char *pattern = patterns + rule->offset;
        bool matches = rule_matches((struct span){pattern, pattern + rule->len}, rule->to_end, text, &work);
        if (!matches && work <= WORK_MAX) continue;
        allowed = matches && rule->allow;
        break;
    }
    buf_release(&normal);
    return allowed;
}

bool robots_is_empty(const struct robots *robots)
{
    return robots->count == 0;
}

int64_t robots_delay_ms(const struct robots *robots)
{
    return robots->delay_ms;
}

const char *robots_sitemap(const struct robots *robots, size_t i)
{
    return i < robots->sitemap_count ? robots->bytes.data + robots->sitemaps[i] : NULL;
}
